"""One request of a paying call, from its pictures to what the API said of them, in a task that may outlast the call."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field

import anyio

from autobg_mcp.api.exchange import Answer
from autobg_mcp.api.sending import Tries
from autobg_mcp.errors import (
    ApiError,
    AutobgError,
    ConnectionFailedError,
    FileRefusedError,
    RateLimitedError,
    RequestRefusedError,
    SpendingRefusedError,
    StillUnknownError,
)
from autobg_mcp.money.ledger import Intent
from autobg_mcp.money.purchase import AlreadySubmittedError, Verdict
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.consent import Consent
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Files, Ready, Roll
from autobg_mcp.tools.tally import Accepted, Fate, Tally

_MOST_ROUNDS = 5
_log = logging.getLogger(__name__)


@dataclass
class Paying:
    """What the requests of one call share.

    Attributes:
        submission: What is submitted.
        context: The call's.
        roll: Its pictures.
        tally: What has come of each.
        outlook: What free looks tell.
        consent: What a person has allowed.
        halvings: How many requests may still be made to find which link of a refused request it is.
        put_off: Fingerprints of what was refused before and waits for what was never tried.
        doubtful: What was sent, or is, and may be of unknown outcome.
    """

    submission: Submission
    context: Context
    roll: Roll
    tally: Tally
    outlook: Outlook
    consent: Consent
    halvings: int
    put_off: set[str] = field(default_factory=set)
    doubtful: dict[str, Intent] = field(default_factory=dict)


class Attempt:
    """One request on its way; begins at once.

    Args:
        paying: What it shares with the other requests of its call.
        part: The pictures that it carries.
        others: Whether there are others to be tried before what was refused before.
    """

    def __init__(self, paying: Paying, part: Sequence[str], *, others: bool) -> None:
        self.part, self._others = part, others
        self.sooner: list[list[str]] = []
        """What is to be sent instead of it, as requests of their own, before all others."""
        self.later: list[list[str]] = []
        """The same, after all others."""
        self._paying = paying
        self._tries: Tries | None = None
        self._is_paying = False
        self._calls_off = anyio.CancelScope()
        self.task = asyncio.create_task(self._run())

    @property
    def has_slot(self) -> bool:
        """Whether its request had a slot, so that it is, or may be, on the wire."""
        return self._tries is not None and self._tries.has_slot

    def call_off(self) -> None:
        """Send nothing any more; what is on the wire goes on, and what comes of it is written down."""
        self._calls_off.cancel()

    async def _run(self) -> None:
        """Submit the pictures; what came of each stands in the tally then."""
        with self._calls_off:
            async with self._room():
                await self._go()

    def _room(self) -> AbstractAsyncContextManager[None]:
        """Room in memory for the pictures; nobody waits for it whose call somebody waits for."""
        context, roll = self._paying.context, self._paying.roll
        return context.held.room_for(roll.size_bytes(self.part)) if context.call.background else nullcontext()

    async def _go(self) -> None:
        part, off = list(self.part), set[str]()
        try:
            ready = await self._paying.roll.ready(part)
            off = await self._refused_before(ready.intents) if self._others else off
            await self._submit({one: ready.intents[one] for one in part if one not in off}, ready.files)
        except AutobgError as error:
            self._fail([one for one in part if one not in off], error)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not cost the answer to what is paid
            self._fail([one for one in part if one not in off], self._fault(error))
        if off:
            self.later.append([one for one in part if one in off])

    def _fault(self, error: Exception) -> AutobgError:
        _log.exception("%s broke", self._paying.submission.tool)
        return AutobgError(
            f"This server has a fault ({type(error).__name__}); its log says more.",
            spent="unknown" if self._is_paying else "no",
            next_step="Call listBatches to see what was recorded." if self._is_paying else "Tell the user.",
        )

    def _fail(self, pictures: Sequence[str], error: AutobgError) -> None:
        """Note an error with the pictures that nothing came of; a refusal of several may be about one of them."""
        open_ones = [one for one in pictures if self._paying.tally.fates[one] == Fate("left")]
        middle = len(open_ones) // 2
        if middle and isinstance(
            error, SpendingRefusedError
        ):  # the day's limit may leave something for fewer
            self.sooner += [open_ones[:middle], open_ones[middle:]]
            return
        if middle and self._may_be_about_one(error):
            self.later += [open_ones[:middle], open_ones[middle:]]
            return
        unsent = (ConnectionFailedError, RateLimitedError, StillUnknownError)
        was_sent = self._is_paying and isinstance(error, ApiError) and not isinstance(error, unsent)
        for picture in open_ones:
            self._paying.tally.fail(picture, error, was_sent=was_sent)

    def _may_be_about_one(self, error: AutobgError) -> bool:
        """Whether the API has refused the request for one picture in it, which few requests find: see `Paying.halvings`."""
        if not isinstance(error, RequestRefusedError) or error.meets_the_rest or not self._is_paying:
            return False
        self._paying.halvings -= 2
        return self._paying.halvings >= 0

    async def _refused_before(self, intents: Mapping[str, Intent]) -> set[str]:
        put_off = self._paying.put_off
        new = {one: intent for one, intent in intents.items() if intent.fingerprint not in put_off}
        refused = await self._paying.context.till.refused(new.values())
        off = {one for one, intent in new.items() if intent.fingerprint in refused}
        put_off |= {intents[one].fingerprint for one in off}
        return off

    async def _submit(self, intents: dict[str, Intent], files: Files) -> None:
        """Pay for what is new among them; where another call is faster with one, look again.

        Raises:
            AutobgError: They were not accepted, or nobody knows.
        """
        for _ in range(_MOST_ROUNDS):
            new = [one for one, intent in intents.items() if await self._is_new(one, intent)]
            with suppress(AlreadySubmittedError):  # the ledger knows more now, and nothing was paid here
                await self._pay({one: intents[one] for one in new}, files)
                return
        raise StillUnknownError(
            f"{self._paying.submission.tool}: other calls are submitting the same right now; this call did not send it.",
            repeatable=True,
            next_step="Call again; it answers with the batch once there is one.",
            retry_after_s=10,
        )

    async def _is_new(self, picture: str, intent: Intent) -> bool:
        """Whether a picture is to be paid for; else its fate is noted."""
        context, tally = self._paying.context, self._paying.tally
        if self._paying.consent.pays_again(intent):
            return True
        try:
            entry = await context.till.earlier(intent, context.time)
        except StillUnknownError as error:
            tally.fail(picture, error)
            self._paying.doubtful[picture] = intent
            return False
        if entry is not None:
            tally.recognise(picture, entry)
        return entry is None

    async def _pay(self, intents: dict[str, Intent], files: Files) -> None:
        """Pay for the pictures that a person has not to be asked about, or has allowed.

        Raises:
            AlreadySubmittedError: Another call was faster with one of them; nothing was sent.
            AutobgError: They were not accepted, or nobody knows.
        """
        paying, consent = self._paying, self._paying.consent
        again = {one.fingerprint for one in intents.values() if consent.pays_again(one)}
        allowed = consent.take(intents)
        for picture in intents.keys() - allowed.pictures.keys():
            name = quoted(paying.roll.told(picture)[0].rpartition("/")[2], 80)
            paying.tally.fail(picture, FileRefusedError(f"{name} is not what was approved; it was not sent."))
        if not allowed.pictures:
            return
        await paying.outlook.look(paying.tally.count("left"))
        self._is_paying = True
        paying.doubtful |= allowed.pictures
        try:
            accepted = await self._paid(Ready(allowed.pictures, files), again)
        except AlreadySubmittedError:
            self._is_paying = False
            allowed.give_back()
            raise
        paying.tally.take(list(allowed.pictures), accepted)

    async def _paid(self, ready: Ready, again: set[str]) -> Accepted:
        """Send the request; `again` are the fingerprints that may be paid for a second time."""
        submission, context = self._paying.submission, self._paying.context
        request = await submission.of(list(ready.intents)).request(context, ready.files)

        async def read(answer: Answer) -> tuple[Accepted, list[Verdict]]:
            accepted = await submission.read(Accepted.model_validate, request, answer)
            accepted = accepted.ordered([one.file_name for one in pictures])
            return accepted, accepted.verdicts(len(pictures))

        self._tries, pictures = context.tries(request), list(ready.intents.values())
        accepted, unwritten = await context.till.pay(self._tries, pictures, read, again=again)
        accepted.unwritten(unwritten)
        return accepted
