"""Quality: bad pictures are reported or sent to people to be done again, free of charge."""

from typing import Annotated

from pydantic import Field, JsonValue

from autobg_mcp.money.ledger import Intent
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import SLOW, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.fields import PicIDs, PicIDsAsText, ReportReasons
from autobg_mcp.tools.tally import Accepted

_LEASE_S = 60.0  # between two writes

MOST_REPORTED_AT_ONCE = 10
"""Pictures in one report. Source: the page of Report Images."""


class Reported(Result):
    """Pictures that are now reported."""

    reported: list[int]

    def next_step(self) -> str:
        """Reported pictures are done again."""
        return "getImageStatus of their batch later: they are redone"


class ReportImages(Endpoint[Reported]):
    """Report 1 to 10 bad pictures of any batches for quality assurance: they are redone.

    Free. 10 calls/min. For more: reportManyImages. For human rework without reasons: sendImagesForQA.
    """

    tool = "reportImages"
    title = "Report bad pictures"
    effect = "changes"
    toolset = "enterprise"
    path = "/images/reportImages"
    rate = SLOW
    audited_fields = ("reported",)

    picIDs: Annotated[PicIDs, Field(max_length=MOST_REPORTED_AT_ONCE)]
    reportReason: ReportReasons
    reportComment: Annotated[str | None, Field(max_length=1000, description="What exactly is wrong.")] = None

    async def run(self, context: Context) -> Reported:
        """Report, and remember it."""
        result = await super().run(context)
        ids = [str(pic_id) for pic_id in self.picIDs]
        await context.remember(
            context.ledger.record_report(context.account.id, ids, self.reportReason, self.reportComment or "")
        )
        return result

    def result(self, data: JsonValue) -> Reported:  # noqa: ARG002  # the documents show an empty text
        """What was asked, since the answer is empty."""
        return Reported(reported=self.picIDs)


class SendImagesForQA(Endpoint[Accepted]):
    """Send processed pictures to be redone by people.

    Free. 10 calls/min. To say what is wrong: reportImages.
    """

    tool = "sendImagesForQA"
    title = "Send pictures to human QA"
    effect = "changes"
    toolset = "custom"
    path = "/images/sendForQA-v2"
    rate = SLOW
    audited_fields = ("batchID",)

    picIDs: PicIDsAsText

    async def run(self, context: Context) -> Accepted:
        """Send them, and remember the batch they are in now, which may be a new one."""
        accepted = await super().run(context)
        await context.remember(self._write_down(accepted, context))
        return accepted

    async def _write_down(self, accepted: Accepted, context: Context) -> None:
        """Into the ledger as a submission that costs nothing."""
        ledger, account = context.ledger, context.account.id
        found = [await ledger.picture(account, str(pic_id)) for pic_id in self.picIDs]
        known = [one for one in found if one]
        vehicle = await ledger.vehicle_of(account, known[0].batch_id) if known else None
        names = [one.name for one in known] or [image.fileName for image in accepted.images]
        sent = Intent(
            account=account,
            host=context.call.host,
            tool=self.tool,
            vehicle=vehicle or "QA",
            template=None,
            file_name="\n".join(names),
            pictures=0,
            fingerprint=f"{self.tool} {self.picIDs}",
            source=None,
        )
        claim = await ledger.claim(sent, lease_s=_LEASE_S, duplicate_window_s=0, allow_duplicate=True)
        if claim.entry is not None:
            await ledger.settle(claim.entry.id, "accepted", batch_id=str(accepted.batchID))
