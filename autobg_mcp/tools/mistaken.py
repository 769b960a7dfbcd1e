"""Ids in another one's place: what is known here of an id that the API has refused."""

from typing import Final

from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.toolkit.context import Context

_MOST_TOLD: Final = 5


async def batches_among(pic_ids: list[int], context: Context) -> str:
    """A sentence about ids that were given as pictures' and are known as batches'; empty where there is none."""
    ledger, account = context.ledger, context.account.id
    batches = [
        str(one)
        for one in pic_ids
        if await ledger.vehicle_of(account, str(one)) is not None
        and await ledger.picture(account, str(one)) is None
    ]
    if not batches:
        return ""
    return f"{', '.join(batches)}: known here as a batchID, not a picID; getImageStatus with it tells the picIDs."


async def no_batch(batch_id: str, context: Context) -> str:
    """A sentence about an id that was given as a batch's and is known as a picture's or a vehicle's; else empty."""
    ledger, account = context.ledger, context.account.id
    if await ledger.vehicle_of(account, batch_id) is not None:
        return ""
    if (known := await ledger.picture(account, batch_id)) is not None:
        return f"{batch_id}: known here as a picID, of batch {known.batch_id}, not a batchID."
    found = await ledger.batches(account, text=batch_id, limit=_MOST_TOLD)
    meant = [one.batch_id for one in found if same_vehicle(one.vehicle) == same_vehicle(batch_id)]
    return (
        f"{batch_id}: known here as a vehicle, not a batchID; batches: {', '.join(meant)}." if meant else ""
    )
