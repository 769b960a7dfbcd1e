"""How far each vehicle is: what is still to be sent of it, and what became of what was paid before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autobg_mcp.jobs.job import VehicleState
from autobg_mcp.money.ledger import BatchProgress
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.drafting import Draft


@dataclass(frozen=True)
class VehicleStanding:
    """How far one vehicle is.

    Attributes:
        vehicle: Its id.
        state: In a word.
        to_send: Photos that are to be sent.
        paid: Photos that were paid before.
        doubtful: Photos that were submitted before with an outcome that nobody knows yet.
        refused: Photos among those to be sent that the API has refused before.
        queued: Photos that a job will send.
        twins: Photos that are the same as another one.
        failed: Pictures of its batches that failed.
        batch_ids: The batches that hold what was paid before.
    """

    vehicle: str
    state: VehicleState
    to_send: int
    paid: int
    doubtful: int
    refused: int
    queued: int
    twins: int
    failed: int
    batch_ids: Sequence[str]

    @property
    def is_plain(self) -> bool:
        """Whether the state says all of it."""
        return not (self.state == "partly" or self.doubtful or self.refused or self.twins or self.failed)


async def standings(drafts: Iterable[Draft], context: Context) -> list[VehicleStanding]:
    """How far each vehicle is, by the last known state of its batches; nothing is asked for it.

    Raises:
        StateError: The ledger cannot be used.
    """
    by_vehicle: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_vehicle.setdefault(draft.source.vehicle, []).append(draft)
    batch_ids = {entry.batch_id for draft in drafts for entry in draft.paid if entry.batch_id}
    progress = await context.ledger.progress(context.account.id, batch_ids)
    return [_standing(vehicle, own, progress) for vehicle, own in by_vehicle.items()]


def _standing(
    vehicle: str, drafts: Sequence[Draft], progress: Mapping[str, BatchProgress]
) -> VehicleStanding:
    batch_ids = list(dict.fromkeys(entry.batch_id or "" for draft in drafts for entry in draft.paid))
    batches = [progress.get(batch_id) for batch_id in batch_ids]
    to_send, paid = sum(len(draft.to_send) for draft in drafts), sum(len(draft.paid) for draft in drafts)
    doubtful, queued = sum(draft.doubtful for draft in drafts), sum(draft.queued for draft in drafts)
    was_sent = bool(paid or doubtful)
    if to_send:
        state: VehicleState = "partly" if was_sent or queued else "new"
    elif queued:
        state = "partly" if was_sent else "queued"
    else:
        state = "in work" if doubtful else _state(batches)
    return VehicleStanding(
        vehicle=vehicle,
        state=state,
        to_send=to_send,
        paid=paid,
        doubtful=doubtful,
        refused=sum(draft.refused for draft in drafts),
        queued=queued,
        twins=sum(draft.twins for draft in drafts),
        failed=sum(batch.failed for batch in batches if batch),
        batch_ids=list(filter(None, batch_ids)),
    )


def _state(batches: Sequence[BatchProgress | None]) -> VehicleState:
    """What became of photos that were all accepted."""
    if any(batch is None or not batch.looked_at or batch.in_work for batch in batches):
        return "in work"
    return "to review" if any(batch and (batch.to_fetch or batch.failed) for batch in batches) else "done"
