"""When a person is asked before credits are spent, what they are told, and what they have allowed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from autobg_mcp.api.call import NobodyToAskError
from autobg_mcp.errors import FileRefusedError, SpendingRefusedError, StillUnknownError
from autobg_mcp.installation import started_with
from autobg_mcp.money.ledger import Entry, Intent
from autobg_mcp.money.permits import VALID_S
from autobg_mcp.settings import state_home
from autobg_mcp.text import at, counted, quoted, redacted, some
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.tally import Tally

_MOST_PLACES = 5
_WITHOUT_A_PERSON = (
    "Without allowDuplicate the same call needs nobody: it answers the batch that was paid for."
)


class Consent:
    """What may be paid for in one call, and what a second time; what a person has allowed holds once.

    Args:
        first: The fingerprints that may be paid for; None for any.
        again: Those that may be paid for a second time; None for any.
    """

    def __init__(self, first: Iterable[str] | None, again: Iterable[str] | None) -> None:
        self._allowed = [None if one is None else Counter(one) for one in (again, first)]

    @classmethod
    async def asked(
        cls, submission: Submission, roll: Roll, tally: Tally, outlook: Outlook, context: Context
    ) -> Self:
        """What the settings allow, and where they want it, a person.

        Raises:
            SpendingRefusedError: They said no, or there is no way to ask.
            AutobgError: A free look says that nothing can be sent.
        """
        approve, repeats_wanted = context.settings.approve, submission.allowDuplicate
        if approve == "nothing" or not (approve == "paid" or repeats_wanted):
            return cls(None, None if repeats_wanted else ())
        wanted = await _wanted(submission, roll, tally, context)
        if approve == "repeats":
            wanted.first.clear()
        if asked := [*wanted.first, *wanted.again]:
            await outlook.look(len(asked), of_now=True)
            question = _question(submission, roll, wanted, outlook)
            repeats = _WITHOUT_A_PERSON if wanted.again else None
            await ask_person(submission.tool, question, wanted.to_the_letter(), context, or_else=repeats)
        first = [intent.fingerprint for _, intent in wanted.first]
        return cls(first if approve == "paid" else None, [intent.fingerprint for _, intent in wanted.again])

    def pays_again(self, picture: Intent) -> bool:
        """Whether a picture may be paid for even if it was before."""
        again = self._allowed[0]
        return again is None or again[picture.fingerprint] > 0

    def take(self, pictures: Mapping[str, Intent]) -> "Allowed":
        """Those of the pictures that may be paid for; what allows it is used up, unless it is given back."""
        granted = Allowed({}, [])
        for name, picture in pictures.items():
            for allowed in self._allowed:
                if allowed is None or allowed[picture.fingerprint]:
                    granted.pictures[name] = picture
                    if allowed is not None:
                        allowed[picture.fingerprint] -= 1
                        granted.used.append((allowed, picture.fingerprint))
                    break
        return granted


class Allowed(NamedTuple):
    """What may be paid for in one request.

    Attributes:
        pictures: The pictures, by name.
        used: What allowed them and is used up.
    """

    pictures: dict[str, Intent]
    used: list[tuple[Counter[str], str]]

    def give_back(self) -> None:
        """Nothing was paid for after all."""
        for allowed, fingerprint in self.used:
            allowed[fingerprint] += 1


@dataclass
class _Wanted:
    """What a call would pay for, each picture with how the ledger would write it down."""

    first: list[tuple[str, Intent]] = field(default_factory=list)
    again: list[tuple[str, Intent]] = field(default_factory=list)
    paid_at: float = 0.0
    """When the newest of those that are paid again was paid for."""

    def to_the_letter(self) -> list[str]:
        """What a person allows: each picture, and whether it is paid a second time."""
        return [
            *(intent.fingerprint for _, intent in self.first),
            *(f"again {intent.fingerprint}" for _, intent in self.again),
        ]


async def _wanted(submission: Submission, roll: Roll, tally: Tally, context: Context) -> _Wanted:
    """Every picture that is left, read now; twins are one, unless repeats are wanted."""
    wanted, seen = _Wanted(), set[str]()
    for picture in tally.in_state("left"):
        with suppress(FileRefusedError, StillUnknownError):
            intent = (await roll.ready([picture])).intents[picture]
            entry = await _earlier(submission, intent, context)
            if entry is not None and submission.allowDuplicate:
                wanted.again.append((picture, intent))
                wanted.paid_at = max(wanted.paid_at, entry.at)
            elif entry is None and (submission.allowDuplicate or intent.fingerprint not in seen):
                wanted.first.append((picture, intent))
            seen.add(intent.fingerprint)
    return wanted


async def _earlier(submission: Submission, intent: Intent, context: Context) -> Entry | None:
    if submission.allowDuplicate:
        return await context.till.submitted(intent)
    return await context.till.earlier(intent, context.time)


def _question(submission: Submission, roll: Roll, wanted: _Wanted, outlook: Outlook) -> str:
    """What a person has to know: that it is a payment, or a second one, of what, on which template, and what it leaves."""
    asked, again = [*wanted.first, *wanted.again], len(wanted.again)
    count = len(asked)
    second = f"PAY A SECOND TIME for {again} of them, paid for at {at(wanted.paid_at)}; " if again else ""
    vehicle, template = quoted(submission.vehicle(), 60), outlook.template()
    return (
        f"{submission.tool}: submit {counted(count, 'picture')} of vehicle {vehicle}"
        f"{f' on template {template}' if template else ''} for up to {counted(count, 'credit')}? {second}"
        f"{_named(roll, [name for name, _ in asked])}. {outlook.balance_after(count)}"
    )


def _named(roll: Roll, pictures: list[str]) -> str:
    """A few names, and the places that all are from: folders, or the hosts of links."""
    told = [roll.told(picture) for picture in pictures]
    names = some([quoted(name.rpartition("/")[2], 40) for name, _ in told])
    places = list(dict.fromkeys(place for _, place in told))
    return f"{names}, from {', '.join(quoted(place, 60) for place in places[:_MOST_PLACES])}"


async def ask_person(
    tool: str, question: str, what: Iterable[str], context: Context, *, or_else: str | None = None
) -> None:
    """Ask the person at the host; their thinking does not count as the call's time.

    Args:
        tool: The tool that would pay.
        question: What they are asked.
        what: What their answer holds for, to the letter.
        context: The call's.
        or_else: What can be done where there is no way to ask; None for nothing.

    Raises:
        SpendingRefusedError: They said no, or there is no way to ask.
    """
    subject = hashlib.sha256("".join([context.account.id, *what]).encode()).hexdigest()
    left_s = context.time.left_s()
    try:
        approved = await _answered(question, subject, context)
    except SpendingRefusedError as error:
        if or_else:
            error.add_note(or_else)
        raise
    if not approved:
        raise SpendingRefusedError(f"{tool}: the user did not approve. Nothing was sent.")
    context.time.give_back(left_s - context.time.left_s())


async def _answered(question: str, subject: str, context: Context) -> bool:
    """The answer of a person at the host, or of one at a terminal where the host cannot ask.

    Raises:
        SpendingRefusedError: There is none yet; it names the code under which the question waits.
    """
    try:
        return await context.call.ask(question, subject)
    except NobodyToAskError as error:
        told = redacted(question, [context.account.key.get_secret_value()])
        permit = await context.permits.ask(context.account.id, subject, told, context.call.host)
        if permit.approved is not None:
            return permit.approved
        raise SpendingRefusedError(
            str(error),
            details=[f"Question {permit.code}, for {VALID_S / 60:.0f} minutes: {told}"],
            next_step=f"Show the user the question and ask them to run `{_command(permit.code, context)}` in a terminal of "
            "their own, which answers only to a person; when they have, make the same call again.",
        ) from error


def _command(code: str, context: Context) -> str:
    """What a person types; their terminal knows neither of this installation nor of a state folder that only the host sets."""
    folder = context.settings.state_dir
    where = () if folder == state_home() else ("--state-dir", str(folder))
    return started_with("approve", code, *where)
