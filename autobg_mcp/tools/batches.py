"""What was submitted: the API keeps no list of batches, the ledger does."""

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from autobg_mcp.money.evidence import told_by_credits
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import Batch, Entry
from autobg_mcp.text import at, cleaned, local_path, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.days import SPANS, span
from autobg_mcp.tools.fields import NO_BOOLEAN, OneLine

_NOTHING = "nothing was submitted with this key from this machine yet"
_NOTHING_FITS = (
    "nothing that was submitted with this key from this machine fits: listBatches without find and since"
)
_SETTLE = (
    "outcomeUnknown: waitForBatch with a batch of the same vehicle looks for it; "
    "its upload with allowDuplicate=true pays for it anew"
)


class KnownBatch(Part):
    """One batch as last known."""

    batchID: str
    numberPlate: str
    template: str | None = None
    submitted: str
    pictures: int
    state: str


class Batches(Result):
    """Batches submitted with this key from this machine, newest first, and submissions whose outcome nobody knows."""

    batches: list[KnownBatch]
    outcomeUnknown: list[str]
    narrowed: bool = Field(default=False, exclude=True)
    """Whether some were left out by what was looked for."""

    def next_step(self) -> str:
        """Look at one; settle what is unknown; where there is nothing, say of what."""
        if not (self.batches or self.outcomeUnknown):
            return _NOTHING_FITS if self.narrowed else _NOTHING
        steps = ["waitForBatch or reviewBatch with a batchID"] if self.batches else []
        return "; ".join([*steps, *([_SETTLE] if self.outcomeUnknown else [])])


def _checked(text: str) -> str:
    span(text, 0.0)
    return text


class ListBatches(Tool[Batches]):
    """List batches submitted from this machine with their last known state, newest first.

    Also submissions whose outcome is unknown. Makes no API call.
    """

    tool = "listBatches"
    title = "List submitted batches"
    effect = "reads"
    toolset = "workflow"

    find: Annotated[
        OneLine | None, Field(description="Part of a vehicle id, template, batchID or file name; or a picID.")
    ] = None
    since: Annotated[
        Annotated[OneLine, AfterValidator(_checked)] | None,
        Field(description=f"{SPANS}."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Most batches."), NO_BOOLEAN] = 20

    async def run(self, context: Context) -> Batches:
        """Read the ledger."""
        ledger, account = context.ledger, context.account.id
        begin, end = (None, None) if self.since is None else span(self.since, context.clock.wall_s())
        found = await ledger.batches(account, since=begin, until=end, text=self.find, limit=self.limit)
        lost = await ledger.unknown(account)
        templates = {one.template for one in found} | {one.template for one in lost}
        names = await ledger.template_names(account, filter(None, templates))
        unknown = [
            entry
            for entry in reversed(lost)
            if (begin or 0) <= entry.at < (end or math.inf) and self._fits(entry, names)
        ]
        told = unknown[: self.limit]
        evidence = await ledger.evidence(account, [entry.id for entry in told])
        return Batches(
            batches=[known_batch(one, names.get(one.template or "")) for one in found],
            outcomeUnknown=[
                f"{local_path(entry.source or entry.file_name)} of {quoted(entry.vehicle, 80)}, {at(entry.at)}: "
                f"{cleaned(entry.reason or '')}; {told_by_credits(entry, evidence[entry.id])}"
                for entry in told
            ],
            narrowed=self.find is not None or begin is not None,
        )

    def _fits(self, entry: Entry, names: Mapping[str, str]) -> bool:
        template = f"{entry.template} {names.get(entry.template)}" if entry.template else ""
        text = f"{entry.vehicle} {entry.tool} {entry.file_name} {template}"
        if self.find is None or self.find.casefold() in text.casefold():
            return True
        return same_vehicle(self.find) in same_vehicle(entry.vehicle)


def known_batch(batch: Batch, template_name: str | None) -> KnownBatch:
    """A batch as a model reads it, with its template by name where that is known."""
    state = "not looked at yet"
    if batch.checked_at is not None:
        state = f"{batch.processed} done, {batch.failed} failed, {batch.pending} pending at {at(batch.checked_at)}"
        seen = (batch.processed or 0) + (batch.failed or 0) + (batch.pending or 0)
        state += f", {batch.pictures - seen} more not looked at yet" if batch.pictures > seen else ""
    return KnownBatch(
        batchID=batch.batch_id,
        numberPlate=cleaned(batch.vehicle),
        template=cleaned(f"{batch.template} ({template_name})" if template_name else batch.template or "")
        or None,
        submitted=at(batch.first_at),
        pictures=batch.pictures,
        state=state,
    )
