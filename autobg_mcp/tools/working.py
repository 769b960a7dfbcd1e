"""One turn of a job: a vehicle's photos go the way of a paying call, and what comes of each is written into the book."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

import anyio

from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, ConfigurationError, FileRefusedError
from autobg_mcp.jobs.job import JobPhoto, PhotoNote, VehicleWork
from autobg_mcp.jobs.queue import RESULTS, JobTurn
from autobg_mcp.jobs.rows import MOST_DOUBTS
from autobg_mcp.jobs.runner import Done
from autobg_mcp.money.ledger import Intent
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools import class_of
from autobg_mcp.tools.account import GetUserCreditDetails
from autobg_mcp.tools.attempt import Paying
from autobg_mcp.tools.checkout import Checkout
from autobg_mcp.tools.collecting import collect, first_look_s
from autobg_mcp.tools.consent import Consent
from autobg_mcp.tools.doubts import settle_doubt, settle_doubts
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.tally import Fate, Tally

TURN_S: Final = 600.0
"""How long a turn may wait for slots: then other jobs have theirs."""

_WRITTEN_EVERY_S: Final = 2.0
_CALM_S: Final = (75.0, 120.0, 300.0, 600.0)
"""How long an unknown outcome rests before it is looked after, by how often it was: a charge or a picture may come late."""

_DOUBTS_FIRST: Final = 2
"""How often it is looked after before its vehicle goes on."""


async def carry_out(work: VehicleWork, turn: JobTurn, context: Context) -> Done:
    """Work on one vehicle until nothing is left of it, the turn is over, or something would meet the rest, too.

    Args:
        work: The vehicle.
        turn: What is to be done for it: its photos, or its results.
        context: Of a call in the background, in the name of the program that asked for the job.
    """
    if work.job.state != "open":
        return Done(None)
    if turn.lane == RESULTS:
        return await collect(work, context)
    return await (_sent(work, context) if work.photos else _submitted(work, context))


async def _sent(work: VehicleWork, context: Context) -> Done:
    """Send what can be sent; what the whole vehicle would meet again and again is its photos' fate."""
    if context.settings.approve == "paid" and not work.job.approved:
        return Done(
            None, ConfigurationError("AUTOBG_APPROVE=paid, and nobody has allowed this job's photos.")
        )
    try:
        return await _VehicleTurn(work, context).run()
    except (ArgumentsRefusedError, FileRefusedError) as error:
        await _refuse(work, error, context)
        return Done(None)
    except AutobgError as error:
        return Done(context.clock.wall_s(), error, went=False)


async def _refuse(work: VehicleWork, error: AutobgError, context: Context) -> None:
    """What is queued is not sent, and what is in doubt cannot be looked after any more."""
    queued = [photo for photo in work.photos if photo.state == "queued"]
    await context.jobs.book.note(
        work.id, {photo.number: PhotoNote("refused", reason=str(error)) for photo in queued}
    )
    await context.jobs.book.doubted(work.id, MOST_DOUBTS)


class _VehicleTurn:
    """The photos of one vehicle on their way."""

    def __init__(self, work: VehicleWork, context: Context) -> None:
        self._work, self._context = work, context
        self._submission = _submission(work)
        self._numbers = {photo.picture: photo.number for photo in work.photos}
        self._written: dict[str, Fate] = {}

    async def run(self) -> Done:
        """First what is in doubt, then what is queued; what is in doubt then still is looked after again at the end."""
        queued = [photo for photo in self._work.photos if photo.state == "queued"]
        looks = _DOUBTS_FIRST if queued else MOST_DOUBTS
        if self._doubtful and self._work.doubts < looks:
            return await self._look_after(looks)
        return await self._submit(queued) if queued else await _submitted(self._work, self._context)

    @property
    def _doubtful(self) -> Sequence[JobPhoto]:
        return [photo for photo in self._work.photos if photo.state == "unknown"]

    async def _look_after(self, looks: int) -> Done:
        """Settle what is in doubt by what is free to know; the vehicle rests until it is, or was looked after often enough.

        Raises:
            AutobgError: The API could not be asked.
        """
        photos = self._doubtful
        roll = await self._submission.queued([photo.planned for photo in photos], self._context)
        notes = dict[int, PhotoNote]()
        # While the API cannot be reached nothing is looked after.
        await GetUserCreditDetails().run(self._context)
        await settle_doubts(self._context, self._work.vehicle)
        for picture, intent in (await self._recognised(roll)).items():
            if note := await settle_doubt(intent, self._work.batch_ids, self._work.doubts, self._context):
                notes[self._numbers[picture]] = note
        await self._context.jobs.book.note(self._work.id, notes)
        doubts = 0 if len(notes) == len(photos) else self._work.doubts + 1
        await self._context.jobs.book.doubted(self._work.id, doubts)
        rests_s = _CALM_S[doubts] if 0 < doubts < looks else 0.0
        return Done(self._context.clock.wall_s() + rests_s)

    async def _recognised(self, roll: Roll) -> dict[str, Intent]:
        """How the ledger has pictures in doubt; a file that is not what was sent any more stays in doubt."""
        intents = await roll.known()
        for picture in roll.pictures:
            with suppress(FileRefusedError):
                intents[picture] = intents.get(picture) or (await roll.ready([picture])).intents[picture]
        return intents

    async def _submit(self, photos: Sequence[JobPhoto]) -> Done:
        context = self._context
        roll = await self._submission.queued([photo.planned for photo in photos], context)
        tally, outlook = Tally(roll, context.settings.duplicate_window_h), self._submission.outlook(context)
        halvings = 2 * context.sender.limit(self._submission.tool, self._submission.rate).calls
        paying = Paying(self._submission, context, roll, tally, outlook, Consent(None, ()), halvings)
        checkout = Checkout(paying)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._write_now_and_then, tally)
                await checkout.submit_all()
                await checkout.settle()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await checkout.answered()
                await roll.keep()
                await self._write(tally)
        same = {
            photo.number: PhotoNote("refused", reason="the same photo as another")
            for photo in photos
            if photo.picture not in tally.fates
        }
        await self._context.jobs.book.note(self._work.id, same)
        return await self._after(tally)

    async def _after(self, tally: Tally) -> Done:
        """How the turn ended."""
        now, stop = self._context.clock.wall_s(), tally.stopped
        went = bool(tally.count("accepted", "paid before"))
        if isinstance(stop, ArgumentsRefusedError):
            raise stop
        if tally.count("unknown") > len(tally.handed_over):
            await self._context.jobs.book.doubted(self._work.id, 0)
            return Done(now + _CALM_S[0], stop, went)
        if not tally.count("left") and not tally.handed_over:
            if self._doubtful and self._work.doubts < MOST_DOUBTS:
                return Done(now + _CALM_S[self._work.doubts])
            return await _submitted(self._work, self._context)
        is_over = not self._context.time.left_s()
        return Done(now, None if is_over else stop, went)

    async def _write_now_and_then(self, tally: Tally) -> None:
        while True:
            await self._context.clock.sleep(_WRITTEN_EVERY_S)
            await self._write(tally)

    async def _write(self, tally: Tally) -> None:
        """Write down what came of each photo since it was last written."""
        new = {
            picture: fate
            for picture, fate in tally.fates.items()
            if fate.state != "left"
            and picture not in tally.handed_over
            and self._written.get(picture) != fate
        }
        if new:
            notes = {self._numbers[picture]: _note(fate, self._work.tool) for picture, fate in new.items()}
            await self._context.jobs.book.note(self._work.id, notes)
            self._written |= new


async def _submitted(work: VehicleWork, context: Context) -> Done:
    """Nothing is left to send; the results are looked for when they may be there."""
    if work.job.follows:
        due_at = context.clock.wall_s() + await first_look_s(work, context)
        await context.jobs.queue.offer(
            [JobTurn(work.job.account, work.job.id, work.id, RESULTS)], due_at=due_at
        )
    return Done(None)


def _note(fate: Fate, tool: str) -> PhotoNote:
    """What came of a photo, as the book has it: there its tool, which an error names first, is known."""
    reason = None if fate.error is None else str(fate.error).removeprefix(f"{tool}: ")
    if fate.state in ("accepted", "paid before"):
        return PhotoNote("accepted", fate.batch_id)
    return PhotoNote("unknown" if fate.state == "unknown" else "refused", reason=reason)


def _submission(work: VehicleWork) -> Submission:
    """The call that submits a vehicle's photos.

    Raises:
        ArgumentsRefusedError: Its arguments are none any more.
    """
    tool = cast("type[Submission]", class_of(work.tool))
    return tool.from_arguments({**work.arguments, tool.pictures_field: [work.photos[0].picture]})
