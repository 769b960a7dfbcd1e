"""What jobs have still to send of a batch, by the ledger: it knows at once what the book of jobs is told a moment later."""

from typing import TYPE_CHECKING, NamedTuple, cast

from autobg_mcp.errors import AutobgError
from autobg_mcp.jobs.job import VehicleWork
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools import class_of

if TYPE_CHECKING:
    from autobg_mcp.tools.paid import Submission


class Unsent(NamedTuple):
    """Photos of a batch's vehicles that a job has still to send.

    Attributes:
        photos: How many.
        job: The newest job that sends some of them.
    """

    photos: int
    job: str


async def unsent(batch_id: str, context: Context) -> Unsent | None:
    """What jobs have still to send of a batch, or are sending; None where the book has nothing queued for it.

    Raises:
        StateError: The book or the ledger cannot be used.
    """
    works = await context.jobs.book.queued_for_batch(context.account.id, batch_id)
    if not works:
        return None
    photos = [await _unsent(work, context) for work in works]
    return Unsent(sum(photos), max(work.job.id for work in works))


async def _unsent(work: VehicleWork, context: Context) -> int:
    """Queued photos of a vehicle that the ledger does not have as accepted; where that cannot be told, all that are queued."""
    queued = [photo.planned for photo in work.photos if photo.state == "queued"]
    tool = cast("type[Submission]", class_of(work.tool))
    try:
        submission = tool.from_arguments({**work.arguments, tool.pictures_field: [queued[0].picture]})
        known = await (await submission.queued(queued, context)).known()
    except AutobgError:
        return len(queued)
    found = await context.till.since(work.job.created_at).repeats(known.values())
    return len(queued) - sum(intent.fingerprint in found for intent in known.values())
