"""What a person reads while jobs are carried out: a line when one is taken up, when it has to wait, and when it ends."""

import re
from typing import TYPE_CHECKING, Final

from autobg_mcp.errors import ArgumentsRefusedError, AutobgError

if TYPE_CHECKING:
    from collections.abc import Callable

    from autobg_mcp.client import Client
    from autobg_mcp.tools.jobs import JobReport

LOOK_EVERY_S: Final = 2.0
"""How often the jobs are looked at, which asks the API nothing."""

_ELSEWHERE_LOOKS: Final = 4
"""After so many looks at jobs that this process does not have, another one has them, and is alive."""


class JobLog:
    """Looks at the jobs of the settings' account, and says what has changed since the last look.

    Args:
        client: Carries them out.
        say: Takes a line.
    """

    def __init__(self, client: "Client", say: "Callable[[str], None]") -> None:
        self._client, self._say = client, say
        self._open = set[str]()
        self._taken_up = set[str]()
        self._photos: list[str] = []
        self._waits = set[str]()
        self._elsewhere = 0
        self._waits_for_more = False
        self._said = ""
        self.failed = 0
        """Photos of the jobs that have ended since the first look which were refused, given up, or of unknown outcome."""

    @property
    def is_open(self) -> bool:
        """Whether a job was open at the last look."""
        return bool(self._open)

    async def watch(self, *, for_ever: bool) -> None:
        """Look every `LOOK_EVERY_S`, until cancelled; `for_ever` where the next job is waited for."""
        import anyio

        self._waits_for_more = for_ever
        while True:
            await self.look()
            if for_ever and not self._open:
                self._once("No job is open. The next one is taken up when there is one.")
            await anyio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Say what has changed; a fault is said once."""
        has_them = self._client.carries_out_jobs  # before the look, which else may tell of nobody who does
        try:
            reports, waits = await self._looked()
        except AutobgError as error:
            self._once(f"The jobs cannot be looked at: {error}")
            return
        for report in reports:
            if not report.is_open:
                self._end(report)
            elif has_them:
                self._take_up(report)
        if has_them:
            self._wait(waits, [report.photos for report in reports])
        self._elsewhere = 0 if has_them or not self._open else self._elsewhere + 1
        if self._elsewhere >= _ELSEWHERE_LOOKS and self._waits_for_more:
            self._once("Another process carries the jobs out. This one takes them up where that one ends.")

    async def _looked(self) -> "tuple[list[JobReport], list[str]]":
        """The open jobs, those that were open at the last look, and why jobs wait."""
        from autobg_mcp.tools.jobs import GetJobs

        told = await self._client.call(GetJobs())
        reports = [one for one in told.jobs if one.is_open]
        for job in self._open - {one.job for one in reports}:
            try:
                reports += (await self._client.call(GetJobs(job=job))).jobs
            except ArgumentsRefusedError:  # of the key that was set before
                self._open.discard(job)
        self._open |= {one.job for one in reports}
        return reports, told.waits

    def _take_up(self, report: "JobReport") -> None:
        if report.job not in self._taken_up:
            self._taken_up.add(report.job)
            until = f", all sent by {report.doneBy}" if report.doneBy else ""
            self._tell(f"{report.job}: {report.photos}{until}")

    def _wait(self, waits: list[str], photos: list[str]) -> None:
        """Say each reason to wait, once until photos have gone."""
        if photos != self._photos:
            self._photos = photos
            self._waits.clear()
        for why in waits:
            kind = re.sub(r"\d+", "1", why.partition(", since")[0])  # the same with another number of seconds
            if kind not in self._waits:
                self._waits.add(kind)
                self._tell(f"Waits: {why}")

    def _end(self, report: "JobReport") -> None:
        self._open.discard(report.job)
        self.failed += report.failed
        reasons = f". Refused: {'; '.join(report.refused)}" if report.refused else ""
        self._tell(f"{report.job} is {report.state.partition(',')[0]}: {report.photos}{reasons}")

    def _once(self, line: str) -> None:
        """Say what holds until something else is said, once."""
        if line != self._said:
            self._tell(line)

    def _tell(self, line: str) -> None:
        self._said = line
        self._say(line)
