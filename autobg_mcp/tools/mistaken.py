"""Ids that the API has refused: what is known of them here, and what to do then."""

from typing import Final

from autobg_mcp.errors import GoneError, NotReadyError, RequestRefusedError
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.toolkit.context import Context

_MOST_TOLD: Final = 5


async def advise_on_pictures(error: RequestRefusedError, pic_ids: list[int], context: Context) -> None:
    """Say of refused pictures which are known as batches, in which batch those are that are in work, or where ids stand."""
    ledger, account = context.ledger, context.account.id
    known = {str(one): await ledger.picture(account, str(one)) for one in pic_ids}
    if isinstance(error, NotReadyError):
        batch_ids = dict.fromkeys(one.batch_id for one in known.values() if one)
        if len(batch_ids) == 1:
            error.next_step = f"waitForBatch batchID={next(iter(batch_ids))}, then call again."
        return
    unknown = [one for one, picture in known.items() if picture is None]
    if batches := [one for one in unknown if await ledger.vehicle_of(account, one) is not None]:
        told = f"{', '.join(batches)}: known here as a batchID, not a picID"
        error.add_note(f"{told}; getImageStatus with it tells the picIDs.")
        error.next_step = f"getImageStatus batchID={batches[0]} all=true, then call again with the picIDs."
    elif unknown and isinstance(error, GoneError):
        for newest in await ledger.batches(account, limit=1):
            where = f"getImageStatus batchID={newest.batch_id} all=true tells those of the newest batch"
            error.next_step = f"Check the id: {where}; results may be kept for a limited time only."


async def advise_on_batch(error: RequestRefusedError, batch_id: str, context: Context) -> None:
    """Say of a refused batch that it is known as a picture or a vehicle, and which batch is meant."""
    ledger, account = context.ledger, context.account.id
    if await ledger.vehicle_of(account, batch_id) is not None:
        return
    meant: list[str] = []
    if (known := await ledger.picture(account, batch_id)) is not None:
        meant = [known.batch_id]
        error.add_note(f"{batch_id}: known here as a picID, of batch {known.batch_id}, not a batchID.")
    else:
        found = await ledger.batches(account, text=batch_id, limit=_MOST_TOLD)
        meant = [one.batch_id for one in found if same_vehicle(one.vehicle) == same_vehicle(batch_id)]
        if meant:
            error.add_note(
                f"{batch_id}: known here as a vehicle, not a batchID; batches: {', '.join(meant)}."
            )
    if meant:
        error.next_step = f"Call again with batchID={meant[0]}."
