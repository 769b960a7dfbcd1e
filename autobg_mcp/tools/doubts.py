"""What is free to look at while nobody knows what came of a submission: the balance, and batches it may be in."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import AutobgError
from autobg_mcp.jobs.job import PhotoNote
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import Intent
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.account import GetUserCreditDetails
from autobg_mcp.tools.glance import glance
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.named_batches import look_for_batches

MOST_BATCHES: Final = 4
"""How many batches are looked at."""

_LONGEST_S: Final = 10.0
"""How long all looks together may take, out of the time that the call has left."""


async def settle_doubts(context: Context, vehicle: str) -> None:
    """Look at whatever is free and may tell what came of a vehicle's submissions of unknown outcome.

    Call it once a call has submitted what it could: its own batch may be known by then. The balance is asked once and kept; then batches are looked at (see `Ledger.worth_a_look`) for as long as there is a doubt, those
    that the account's usage names after the vehicle at last, and the ledger settles what they prove. Where the vehicle has none, nothing is asked.

    A look that somebody waits for waits for no slot: it is made where the same minute allows it. It fails no call: an error
    only means that this look could not be made.

    Args:
        context: Of the call that pays.
        vehicle: In any spelling.
    """
    most_s = min(_LONGEST_S, context.time.ends_in_s())
    if not most_s:
        return
    with suppress(AutobgError, OSError), context.clock.deadline(most_s):  # a TimeoutError is an OSError
        await _look(context, vehicle)


async def settle_doubt(
    intent: Intent, batch_ids: Sequence[str], doubts: int, context: Context
) -> PhotoNote | None:
    """What is known now of a job's photo of unknown outcome; None where nobody can tell yet. Call `settle_doubts` before.

    That it was not taken is believed where two witnesses say so a minute after its answer was lost: the balance shows that
    nothing was charged, and no batch of its vehicle holds a picture of its name. Where no batch of its vehicle is known, the
    second witness is the balance minutes later. Then it may be sent again.

    Args:
        intent: How the ledger has it.
        batch_ids: The batches of its vehicle.
        doubts: How often it was looked after in vain.
        context: Of a call in the background.
    """
    entry = await context.till.submitted(intent)
    if entry is None:
        return PhotoNote("queued")
    if entry.state == "accepted":
        return PhotoNote("accepted", entry.batch_id)
    evidence = await context.ledger.evidence(context.account.id, [entry.id])
    if entry.state != "unknown" or not (batch_ids or doubts) or not evidence[entry.id].denies(entry):
        return None
    for batch_id in batch_ids:
        status = await glance(GetImageStatus(batchID=batch_id).run, context)
        if status is None or cleaned(entry.file_name) in {one.picName for one in status.images}:
            return None
    why = "its answer was lost; nothing was charged, and no known batch of its vehicle holds it"
    await context.ledger.settle(entry.id, "refused", reason=why)
    return PhotoNote("queued")


async def _look(context: Context, vehicle: str) -> None:
    if not await _is_in_doubt(context, vehicle):
        return
    await glance(GetUserCreditDetails().run, context)
    looked = set[str]()
    await _look_at_batches(context, vehicle, looked)
    if await _is_in_doubt(context, vehicle):
        await glance(look_for_batches, context)
        await _look_at_batches(context, vehicle, looked)


async def _look_at_batches(context: Context, vehicle: str, looked: set[str]) -> None:
    """Look at what may tell and was not looked at, for as long as there is a doubt."""
    worth = await context.ledger.worth_a_look(context.account.id, vehicle, limit=MOST_BATCHES)
    for batch_id in worth:
        if batch_id in looked or len(looked) >= MOST_BATCHES:
            continue
        if not await _is_in_doubt(context, vehicle):
            return
        looked.add(batch_id)
        await glance(GetImageStatus(batchID=batch_id).run, context)


async def _is_in_doubt(context: Context, vehicle: str) -> bool:
    meant, unknown = same_vehicle(vehicle), await context.ledger.unknown(context.account.id)
    return any(same_vehicle(entry.vehicle) == meant for entry in unknown)
