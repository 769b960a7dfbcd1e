"""One paying call, from the first look at its pictures to its receipt: nothing is paid twice, and no stop is without its reason."""

import logging
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from autobg_mcp.api.exchange import Answer
from autobg_mcp.errors import (
    ApiError,
    AutobgError,
    ConnectionFailedError,
    FileRefusedError,
    RateLimitedError,
    StateError,
    StillUnknownError,
)
from autobg_mcp.money.evidence import still_unknown
from autobg_mcp.money.ledger import Intent
from autobg_mcp.money.purchase import AlreadySubmittedError, Verdict
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.consent import Consent
from autobg_mcp.tools.doubts import settle_doubts
from autobg_mcp.tools.dry_run import planned
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.receipt import receipt
from autobg_mcp.tools.roll import Files, Roll
from autobg_mcp.tools.submitted import Submitted, submitted
from autobg_mcp.tools.tally import Accepted, Fate, Tally

_MOST_ROUNDS = 5
_log = logging.getLogger(__name__)


async def check_out(submission: Submission, context: Context) -> Submitted:
    """Submit what was not submitted before, picture by picture, until all are or something would meet the rest too.

    Raises:
        AutobgError: Not one picture is in a batch.
    """
    roll = await submission.roll(context)
    tally = Tally(roll, context.settings.duplicate_window_h)
    outlook = submission.outlook(context)
    if not submission.allowDuplicate:
        known = await roll.known()
        repeats = await context.till.repeats(known.values())
        for picture, intent in known.items():
            if entry := repeats.get(intent.fingerprint):
                tally.recognise(picture, entry)
    if submission.dryRun:
        return await planned(submission, roll, tally, outlook, context)
    consent = await Consent.asked(submission, roll, tally, outlook, context)
    checkout = _Checkout(submission, context, roll, tally, outlook, consent)
    await checkout.submit_all()
    await checkout.settle()
    await roll.keep()
    return submitted(tally, submission.vehicle(), await receipt(tally, outlook, context), outlook.notes)


class _Checkout:
    """The pictures of one call on their way.

    Args:
        submission: What is submitted.
        context: The call's.
        roll: Its pictures.
        tally: What has come of each.
        outlook: What free looks tell.
        consent: What a person has allowed.
    """

    def __init__(  # what one call gathers
        self,
        submission: Submission,
        context: Context,
        roll: Roll,
        tally: Tally,
        outlook: Outlook,
        consent: Consent,
    ) -> None:
        self._submission, self._context = submission, context
        self._roll, self._tally, self._outlook, self._consent = roll, tally, outlook, consent
        self._put_off: set[str] = set()
        self._doubtful: dict[str, Intent] = {}
        self._is_paying = False

    async def submit_all(self) -> None:
        """Submit until nothing is left or something stops it; what was refused before comes after what was never tried."""
        queue, total = deque(self._tally.in_state("left")), len(self._tally.fates)
        while queue and self._tally.stopped is None:
            done = total - len(queue)
            await self._context.progress(f"Submitting photo {done + 1} of {total}", done=done, total=total)
            part = [queue.popleft() for _ in range(min(self._roll.per_request, len(queue)))]
            queue.extend(await self._attempt(part, others=bool(queue)))
        taken = self._tally.count("accepted", "paid before")
        done = total - self._tally.count("left")
        await self._context.progress(f"{taken} of {total} photos submitted", done=done, total=total)

    async def _attempt(self, part: list[str], *, others: bool) -> Iterable[str]:
        """Submit the pictures of one request; answers those that are put off, where there are others to be tried first."""
        off: set[str] = set()
        self._is_paying = False
        try:
            ready = await self._roll.ready(part)
            off = await self._refused_before(ready.intents) if others else off
            await self._submit({one: ready.intents[one] for one in part if one not in off}, ready.taken)
        except AutobgError as error:
            self._fail(part, off, error)
        except Exception as error:  # noqa: BLE001  # a fault of ours must not cost the answer to what is paid
            _log.exception("%s broke", self._submission.tool)
            fault = AutobgError(
                f"This server has a fault ({type(error).__name__}); its log says more.",
                spent="unknown" if self._is_paying else "no",
                next_step="Call listBatches to see what was recorded."
                if self._is_paying
                else "Tell the user.",
            )
            self._fail(part, off, fault)
        return [one for one in part if one in off]

    def _fail(self, part: Iterable[str], off: set[str], error: AutobgError) -> None:
        """Note an error with the pictures that nothing came of."""
        unsent = (ConnectionFailedError, RateLimitedError, StillUnknownError)
        was_sent = self._is_paying and isinstance(error, ApiError) and not isinstance(error, unsent)
        for picture in part:
            if picture not in off and self._tally.fates[picture] == Fate("left"):
                self._tally.fail(picture, error, was_sent=was_sent)

    async def _refused_before(self, intents: dict[str, Intent]) -> set[str]:
        new = {one: intent for one, intent in intents.items() if one not in self._put_off}
        refused = await self._context.till.refused(new.values())
        off = {one for one, intent in new.items() if intent.fingerprint in refused}
        self._put_off |= off
        return off

    async def _submit(self, intents: dict[str, Intent], taken: Files) -> None:
        """Pay for what is new among them; where another call is faster with one, look again.

        Raises:
            AutobgError: They were not accepted, or nobody knows.
        """
        for _ in range(_MOST_ROUNDS):
            new = [one for one, intent in intents.items() if await self._is_new(one, intent)]
            with suppress(AlreadySubmittedError):  # the ledger knows more now, and nothing was paid here
                await self._pay({one: intents[one] for one in new}, taken)
                return
        raise StillUnknownError(
            f"{self._submission.tool}: other calls are submitting the same right now; this call did not send it.",
            repeatable=True,
            next_step="Call again; it answers with the batch once there is one.",
            retry_after_s=10,
        )

    async def _is_new(self, picture: str, intent: Intent) -> bool:
        """Whether a picture is to be paid for; else its fate is noted."""
        if self._consent.pays_again(intent):
            return True
        try:
            entry = await self._context.till.earlier(intent, self._context.time)
        except StillUnknownError as error:
            self._tally.fail(picture, error)
            self._doubtful[picture] = intent
            return False
        if entry is not None:
            self._tally.recognise(picture, entry)
        return entry is None

    async def settle(self) -> None:
        """Use what is free to know of the pictures of unknown outcome, those of this call and of earlier ones."""
        doubtful = [one for one in self._tally.in_state("unknown") if one in self._doubtful]
        if not doubtful:
            return
        await settle_doubts(self._context, self._submission.vehicle())
        with suppress(StateError):  # which must not hide what was sent
            for picture in doubtful:
                await self._settle(picture, self._doubtful[picture])

    async def _settle(self, picture: str, intent: Intent) -> None:
        till, is_own = self._context.till, self._tally.fates[picture].was_sent
        entry = await till.submitted(intent)
        if entry is not None and entry.state == "accepted":
            note = self._tally.prove if is_own else self._tally.recognise
            note(picture, entry)
        elif entry is not None and entry.state == "unknown":
            verdict = await till.verdict(entry)
            if is_own:
                self._tally.doubt(picture, verdict)
            else:
                self._tally.fail(picture, still_unknown(intent, entry, verdict))

    async def _pay(self, intents: dict[str, Intent], taken: Files) -> None:
        """Pay for the pictures of one request that a person has not to be asked about, or has allowed.

        Raises:
            AlreadySubmittedError: Another call was faster with one of them; nothing was sent.
            AutobgError: They were not accepted, or nobody knows.
        """
        again = {one.fingerprint for one in intents.values() if self._consent.pays_again(one)}
        allowed = self._consent.take(intents)
        for picture in intents.keys() - allowed.keys():
            name = quoted(self._roll.told(picture)[0].rpartition("/")[2], 80)
            self._tally.fail(picture, FileRefusedError(f"{name} is not what was approved; it was not sent."))
        if not allowed:
            return
        await self._outlook.look(self._tally.count("left"))
        self._is_paying = True
        self._doubtful |= allowed
        try:
            accepted = await self._paid(allowed, taken, again)
        except AlreadySubmittedError:
            self._is_paying = False
            self._consent.give_back()
            raise
        self._tally.take(list(allowed), accepted)

    async def _paid(self, intents: dict[str, Intent], taken: Files, again: set[str]) -> Accepted:
        """Send one request; `again` are the fingerprints that may be paid for a second time."""
        request = await self._submission.of(list(intents)).request(self._context, taken)

        async def read(answer: Answer) -> tuple[Accepted, list[Verdict]]:
            accepted = await self._submission.read(Accepted.model_validate, request, answer)
            accepted = accepted.ordered([one.file_name for one in pictures])
            return accepted, accepted.verdicts(len(pictures))

        tries, pictures = self._context.tries(request), list(intents.values())
        accepted, unwritten = await self._context.till.pay(tries, pictures, read, again=again)
        accepted.unwritten(unwritten)
        return accepted
