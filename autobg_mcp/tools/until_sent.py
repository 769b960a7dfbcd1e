"""A task waits for the jobs that it has left pictures to, and ends with what came of each, as if it had sent all itself."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import AutobgError, StateError, StillUnknownError
from autobg_mcp.jobs.backoff import LONGEST_PAUSE_S
from autobg_mcp.jobs.job import JobStanding, PhotoNote
from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.text import by_state
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.forecast import Standstill, done_by, standstill, why_it_waits
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.tally import Fate, Tally

_LOOK_EVERY_S: Final = 2.0


async def all_sent(submission: Submission, tally: Tally, context: Context) -> str | None:
    """Wait until jobs have sent what was left to them, and note what came of each picture.

    Args:
        submission: The call.
        tally: What has come of its pictures so far.
        context: The call's.

    Returns:
        Why the rest is not waited for; None where nothing is left.
    """
    why_not = None
    for job, pictures in tally.jobs().items():
        try:
            why_not = await until_sent(job, context) or why_not
            notes = await context.jobs.awaited.photos(job)
        except StateError as error:  # which hides nothing of what was sent
            return str(error)
        refused = [one for one in pictures if one in notes and notes[one].state == "refused"]
        sent = await _were_sent(refused, submission, context)
        _take(pictures, notes, sent, job, tally)
    return why_not


async def until_sent(job: str, context: Context) -> str | None:
    """Wait until a job has sent all that it will, and tell how far it is.

    One that stands still for longer than ten minutes is not waited for, since a person may have to do something about it.

    Returns:
        Why it is not waited for any longer; None where all is sent.

    Raises:
        StateError: The file of jobs cannot be used.
    """
    while await context.jobs.awaited.is_sending(job):
        standing = await context.jobs.book.standing(context.account.id, job)
        if standing is None:
            return None
        still = await standstill(context)
        if why := _stands_still(standing, still, context):
            return why
        if not context.time.ends_in_s():
            return "the time of this task is over"
        await _tell(standing, still, context)
        await context.clock.sleep(_LOOK_EVERY_S)
    return None


def _stands_still(standing: JobStanding, still: Standstill, context: Context) -> str | None:
    """Why a job stands still for long; None where it goes on, or soon will."""
    if still.no_process:
        return still.no_process
    long = [one for one in still.of(standing.tools) if one.until - one.since > LONGEST_PAUSE_S]
    return why_it_waits(long[0], context.clock.wall_s()) if long else None


async def _tell(standing: JobStanding, still: Standstill, context: Context) -> None:
    """Tell how far a job is, and until when, or why it waits for a while."""
    job, photos, now = standing.job.id, standing.photos, context.clock.wall_s()
    done = await done_by(job, context, still)
    when = [why_it_waits(one, now) for one in still.of(standing.tools)] or (
        [f"all sent: {done}"] if done else []
    )
    total, left = sum(photos.values()), photos.get("queued", 0)
    await context.progress(
        "; ".join([f"Job {job}: {by_state(photos)}", *when]), done=total - left, total=total
    )


def _take(
    pictures: Sequence[str], notes: Mapping[str, PhotoNote], sent: Collection[str], job: str, tally: Tally
) -> None:
    """Note what a job has written down; what it has not sent and never will is left."""
    for picture in pictures:
        note = notes.get(picture, PhotoNote("stopped"))
        reason = note.reason or "The API did not say why."
        if note.state == "accepted":
            tally.fates[picture] = Fate("accepted", note.batch_id, was_sent=True)
        elif note.state == "unknown":
            error: AutobgError = StillUnknownError(reason)
            tally.fates[picture] = Fate("unknown", error=error, was_sent=True)
        elif note.state == "refused":
            error = AutobgError(reason, meets_the_rest=False)
            tally.fates[picture] = Fate("refused", error=error, was_sent=picture in sent)
        elif note.state == "stopped":
            tally.fates[picture] = Fate("left")
            tally.stopped = AutobgError(
                f"Job {job} has ended before they were sent.",
                next_step="Ask the user whether they are to be sent after all",
            )


async def _were_sent(pictures: Sequence[str], submission: Submission, context: Context) -> Collection[str]:
    """Those of refused pictures that were sent: the ledger has the API's refusal, which nobody else's refusal is."""
    if not pictures:
        return ()
    with suppress(AutobgError):
        roll = await submission.queued([PlannedPhoto(one, None) for one in pictures], context)
        known = await roll.known()
        refused = await context.till.refused(known.values())
        return [one for one, intent in known.items() if intent.fingerprint in refused]
    return ()
