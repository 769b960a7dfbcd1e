"""Quality: bad pictures are reported or sent to people to be done again, free of charge."""

from typing import Annotated

from pydantic import Field, JsonValue

from autobg_mcp.money.facts import Fact, PicturesBackInWork, PicturesReported, PicturesSentToQA
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import SLOW, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.fields import PicIDs, PicIDsAsText, ReportReasons
from autobg_mcp.tools.images import batches_among
from autobg_mcp.tools.tally import Accepted

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

    async def doubt(self, context: Context) -> str:
        """Batches in the place of pictures."""
        return await batches_among(self.picIDs, context)

    def teaches(self, result: Reported) -> list[Fact]:
        """That they were reported, and that they are done again."""
        ids = [str(pic_id) for pic_id in result.reported]
        return [PicturesReported(ids, self.reportReason, self.reportComment or ""), PicturesBackInWork(ids)]

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

    def teaches(self, result: Accepted) -> list[Fact]:
        """That they are done again, and the batch they are in now, which may be a new one."""
        ids, names = [str(pic_id) for pic_id in self.picIDs], [image.fileName for image in result.images]
        return [PicturesBackInWork(ids), PicturesSentToQA(self.tool, ids, str(result.batchID), names)]
