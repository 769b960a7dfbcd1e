"""Many reports in few calls: equal reasons and comments share one, and nothing is reported twice."""

from collections import deque
from collections.abc import Iterator
from typing import Annotated, Self, get_args

from pydantic import Field

from autobg_mcp.errors import AutobgError, RequestRefusedError
from autobg_mcp.toolkit.arguments import Arguments
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.fields import LONGEST_LINE_CHARS, MOST_ITEMS, PicID, ReportReason, ReportReasons, Text
from autobg_mcp.tools.quality import MOST_REPORTED_AT_ONCE, ReportImages


class PictureReport(Arguments):
    """One picture and what is wrong with it."""

    picID: PicID
    reportReason: ReportReasons
    reportComment: Annotated[Text, Field(description="What exactly.")] = ""


class NotReported(Part):
    """Pictures that are not known to be reported, and why."""

    picIDs: list[int]
    reason: str
    retryAfterS: int | None = None

    @classmethod
    def of(cls, pic_ids: list[int], error: AutobgError, reason: str | None = None) -> Self:
        """What an error means for pictures; the reason is its own words where none is given."""
        return cls(picIDs=pic_ids, reason=reason or str(error), retryAfterS=error.told_retry_after_s)


class ManyReported(Result):
    """What came of each picture."""

    reported: list[int]
    alreadyReported: list[int]
    notReported: list[NotReported]

    def next_step(self) -> str:
        """Repeat for what is left; what is reported is not sent again."""
        waits = [left.retryAfterS for left in self.notReported if left.retryAfterS is not None]
        return f"call again with the same reports in {max(waits)} s" if waits else ""


class ReportManyImages(Tool[ManyReported]):
    """Report up to 500 bad pictures in the fewest calls of 10 pictures.

    One already reported for the same reasons is left out, so call again for what is left. Free. 10
    calls/min.
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
        groups = deque(_grouped([report for report in wanted if report.picID not in known]))
        total = sum(len(group.picIDs) for group in groups)
        reported: list[int] = []
        failed: list[NotReported] = []
        while groups:
            group = groups.popleft()
            await _tell(reported, failed, total, context)
            try:
                reported += (await group.run(context)).reported
            except RequestRefusedError as error:
                # One wrong picture refuses them all: halves find it, and save the others.
                groups.extendleft(reversed(_halves(group)))
                if len(group.picIDs) == 1:
                    failed.append(NotReported.of(group.picIDs, error))
            except AutobgError as error:
                unsent = [pic_id for rest in groups for pic_id in rest.picIDs]
                if not reported and not known and not failed:
                    raise
                failed.append(NotReported.of(group.picIDs, error))
                if unsent:
                    failed.append(NotReported.of(unsent, error, "not sent after that failure"))
                break
        await _tell(reported, failed, total, context)
        if failed and not reported and not known:
            details = [f"picIDs {left.picIDs}: {left.reason}" for left in failed]
            raise RequestRefusedError(f"{self.tool}: no picture was reported.", details=details)
        return ManyReported(reported=reported, alreadyReported=known, notReported=failed)


async def _tell(reported: list[int], failed: list[NotReported], total: int, context: Context) -> None:
    """Say how many are reported; what failed is done with, too."""
    done = len(reported) + sum(len(one.picIDs) for one in failed)
    await context.progress(f"{len(reported)} of {total} pictures reported", done=done, total=total)


async def _known(context: Context, reports: list[PictureReport]) -> list[int]:
    """The pictures that were reported for the same reasons within the window."""
    before = await context.ledger.reported(
        context.account.id,
        {str(report.picID): report.reportReason for report in reports},
        window_s=context.settings.duplicate_window_h * 3600,
    )
    return [report.picID for report in reports if str(report.picID) in before]


def _halves(group: ReportImages) -> list[ReportImages]:
    """The two halves of a group; none of a single picture."""
    middle = len(group.picIDs) // 2
    parts = (group.picIDs[:middle], group.picIDs[middle:]) if middle else ()
    return [group.model_copy(update={"picIDs": part}) for part in parts]


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


def _grouped(reports: list[PictureReport]) -> Iterator[ReportImages]:
    """The fewest calls: pictures with equal reasons and comment share one, as many as it takes."""
    groups: dict[tuple[frozenset[str], str], list[PictureReport]] = {}
    for report in reports:
        groups.setdefault((frozenset(report.reportReason), report.reportComment), []).append(report)
    for group in groups.values():
        for first in range(0, len(group), MOST_REPORTED_AT_ONCE):
            part = group[first : first + MOST_REPORTED_AT_ONCE]
            yield ReportImages(
                picIDs=[report.picID for report in part],
                reportReason=part[0].reportReason,
                reportComment=part[0].reportComment or None,
            )
