"""Many reports in few calls: equal reasons and comments share one, and nothing is reported twice."""

from typing import Annotated, Final, get_args

from pydantic import Field

from autobg_mcp.money.ledger import Complaint
from autobg_mcp.toolkit.arguments import Arguments
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Result, Tool
from autobg_mcp.tools.answer_fields import ToldPicID
from autobg_mcp.tools.fields import LONGEST_LINE_CHARS, MOST_ITEMS, PicID, ReportReason, ReportReasons, Text
from autobg_mcp.tools.quality import (
    MOST_REPORTED_AT_ONCE,
    Reported,
    ReportImages,
    batches_of,
    look_again,
)
from autobg_mcp.tools.several import LeftOut, steps_for
from autobg_mcp.tools.sieve import Group, Sieve

_LOST: Final = (
    "Call again with the same reports: those of that call count as reported; a new comment reports them anew."
)


class PictureReport(Arguments):
    """One picture and what is wrong with it."""

    picID: PicID
    reportReason: ReportReasons
    reportComment: Annotated[Text, Field(description="What exactly.")] = ""


class ManyReported(Result):
    """What came of each picture."""

    reported: list[ToldPicID]
    alreadyReported: list[ToldPicID]
    notReported: list[LeftOut]
    batches: list[str] = Field(default_factory=list, exclude=True)
    """Where the pictures are, as far as known."""

    def next_step(self) -> str:
        """Repeat for what is left; what is reported is not sent again."""
        steps = steps_for(self.notReported, "call again with the same reports")
        if self.alreadyReported:
            steps.append("alreadyReported: not known to have come back; a new comment reports them anew")
        return "; ".join([*steps, look_again(self.batches)])


class ReportManyImages(Tool[ManyReported]):
    """Report up to 500 bad pictures in the fewest calls of 10 pictures.

    One already reported for the same reasons is left out until it came back, so call again for what is left. Free.
    10 calls/min.
    """

    tool = "reportManyImages"
    title = "Report many bad pictures"
    effect = "changes"
    toolset = "workflow"
    idempotent = True
    audited_fields = ("reported",)

    reports: Annotated[
        list[PictureReport],
        Field(
            min_length=1,
            max_length=MOST_ITEMS,
            fail_fast=True,
            # Some hosts lose what stands inside the items of a list, so it is said here too.
            description=f"One a picture: picID, reportReason ({', '.join(get_args(ReportReason))}), reportComment.",
        ),
    ]

    async def run(self, context: Context) -> ManyReported:
        """Report group by group until the time is over; every picture ends in exactly one list.

        Raises:
            AutobgError: Nothing could be reported, for a reason that no single picture gave.
        """
        wanted = _merged(self.reports)
        known = await _known(context, wanted)
        groups = _grouped(await _in_turn([one for one in wanted if one.picID not in known], context))
        total, done = sum(len(group.picIDs) for group in groups), 0

        def counted(group: Group[Reported]) -> Group[Reported]:
            async def send(pic_ids: list[int]) -> Reported:
                nonlocal done
                await context.progress(f"{done} of {total} pictures reported", done=done, total=total)
                answer = await group.send(pic_ids)
                done += len(answer.reported)
                return answer

            return Group(group.pic_ids, send)

        sieve = Sieve[Reported](context, ReportImages.tool, ReportImages.rate)
        await sieve.serve([counted(group.group(context, after_loss=_LOST)) for group in groups])
        if total:
            await context.progress(f"{done} of {total} pictures reported", done=total, total=total)
        if sieve.left and not sieve.answers and not known:
            raise sieve.failure()
        reported = {pic_id for answer in sieve.answers for pic_id in answer.reported}
        ids = [report.picID for report in wanted]
        return ManyReported(
            reported=[pic_id for pic_id in ids if pic_id in reported],
            alreadyReported=known,
            notReported=sieve.left,
            batches=await batches_of(ids, context),
        )


async def _known(context: Context, reports: list[PictureReport]) -> list[int]:
    """The pictures of which the same was reported within the window, and which did not come back since."""
    before = await context.ledger.reported(
        context.account.id,
        {str(one.picID): Complaint(one.reportReason, one.reportComment) for one in reports},
        window_s=context.settings.duplicate_window_h * 3600,
    )
    return [report.picID for report in reports if str(report.picID) in before]


async def _in_turn(reports: list[PictureReport], context: Context) -> list[PictureReport]:
    """What was never reported first, so that no repeat keeps it waiting, and last what the ledger does not know."""
    ids = [str(report.picID) for report in reports]
    seen = await context.ledger.last_seen(context.account.id, ids)
    again = await context.ledger.rework(context.account.id, ids)
    return sorted(reports, key=lambda one: (str(one.picID) not in seen, str(one.picID) in again))


def _merged(reports: list[PictureReport]) -> list[PictureReport]:
    """One report a picture: what is said of it several times is put together."""
    merged: dict[int, PictureReport] = {}
    for report in reports:
        before = merged.get(report.picID)
        if before is not None:
            reasons = [
                *before.reportReason,
                *(one for one in report.reportReason if one not in before.reportReason),
            ]
            comments = dict.fromkeys(filter(None, (before.reportComment, report.reportComment)))
            report = PictureReport(  # noqa: PLW2901  # the two are one from here on
                picID=report.picID,
                reportReason=reasons,
                reportComment="; ".join(comments)[:LONGEST_LINE_CHARS],
            )
        merged[report.picID] = report
    return list(merged.values())


def _grouped(reports: list[PictureReport]) -> list[ReportImages]:
    """The fewest calls: pictures with equal reasons and comment share one, as many as it takes."""
    groups: dict[tuple[frozenset[str], str], list[PictureReport]] = {}
    for report in reports:
        groups.setdefault((frozenset(report.reportReason), report.reportComment), []).append(report)
    return [
        ReportImages(
            picIDs=[report.picID for report in part],
            reportReason=part[0].reportReason,
            reportComment=part[0].reportComment or None,
        )
        for group in groups.values()
        for first in range(0, len(group), MOST_REPORTED_AT_ONCE)
        for part in (group[first : first + MOST_REPORTED_AT_ONCE],)
    ]
