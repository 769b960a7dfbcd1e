"""A night of jobs in simulated time: real state files, the sandbox with its documented limits, and all that goes wrong.

    morning = pass_night(Night(), Path("folder"))

Every process of the machine is a `Part` of one event loop; one dies each `kill_every_s` at a step of the loop drawn by
lot, and the next one goes on with what lies in the state folder.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jobs_begun import FILES, LASTS_S, LINKS, begin, cars_by_files, cars_by_links, draw
from mortal_loop import MortalLoop, Part
from night_sky import NightApi, NightClock

from autobg_mcp.api.call import Account, Call
from autobg_mcp.client import Client
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.job import JobStanding
from autobg_mcp.jobs.plan import PlannedVehicle
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.sandbox import SandboxOptions, World, build_sandbox
from autobg_mcp.settings import Settings
from autobg_mcp.throttle.sqlite import SqliteStore

KEY = "night-key-0123456789"
LOOK_EVERY_S = 5.0
CALM_S = 75.0
MOST_STEPS = 3000  # of the loop, within which a process dies


@dataclass(frozen=True)
class Night:
    """What is to be sent, and what goes wrong.

    Attributes:
        by_files: Vehicles by files, and photos of each.
        by_links: Vehicles by links, and photos of each.
        links_per_call: Links that one request carries.
        kill_every_s: How long a process lives.
        lost: Share of submissions whose answer is lost, half of them before the API acts.
        strangers: Share of requests that meet a 429, as somebody else uses the key.
        outage: When the API cannot be reached, and for how long, in seconds.
        sleep: When the machine is asleep, and for how long, in seconds.
        person_every_s: How often somebody uploads a photo and waits for it.
        download: Whether results are saved.
        usage_names_batches: Whether the answer of the account's usage has a row a batch, not a row a day.
        seed: What the lot is drawn from.
    """

    by_files: tuple[int, int] = (200, 25)
    by_links: tuple[int, int] = (400, 25)
    links_per_call: int = 25
    kill_every_s: float = 3600.0
    lost: float = 0.01
    strangers: float = 0.005
    outage: tuple[float, float] = (2 * 3600.0, 3 * 3600.0)
    sleep: tuple[float, float] = (6.3 * 3600.0, 3600.0)
    person_every_s: float = 1790.0
    download: bool = False
    usage_names_batches: bool = True
    seed: int = 1


@dataclass
class Visit:
    """One upload that somebody waited for: when, how long for its slot, and whether nothing had gone wrong shortly before.

    A call whose answer does not come holds its slot for ten seconds longer than another one, and a 429 lowers the limit.
    """

    at_s: float
    waited_s: float
    is_plain: bool


@dataclass
class Morning:
    """What came of a night.

    Attributes:
        sent: How often the API took each photo, by its name.
        credits: What the API charged.
        entries: Pictures in our ledger by the state of their submission.
        unknown: Names of those of which nobody knows.
        standings: How far the jobs are: by files, by links.
        refused: Refusals of our own making.
        met: Requests by what they met; see `NightApi`.
        kills: How many processes died.
        visits: Uploads that somebody waited for.
        requests: Submissions by files that were put on the wire, those of people among them.
        allowed: How many the throttle allowed in that time, lowered as it was after each 429.
        sent_after_s: Seconds until the last photo by files was sent, without outage and sleep.
        done_after_s: The same until both jobs were done.
    """

    sent: Counter[str] = field(default_factory=Counter)
    credits: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    standings: list[JobStanding] = field(default_factory=list)
    refused: int = 0
    met: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    visits: list[Visit] = field(default_factory=list)
    requests: int = 0
    allowed: float = 0.0
    sent_after_s: float = 0.0
    done_after_s: float = 0.0


def pass_night(night: Night, folder: Path) -> Morning:
    """Let a night pass."""
    with asyncio.Runner(loop_factory=MortalLoop) as runner:
        return runner.run(_Machine(night, folder).pass_night())


class _Machine:
    """One machine and the API that it uses, for a night."""

    def __init__(self, night: Night, folder: Path) -> None:
        self.night, self._folder = night, folder
        self._lot = random.Random(night.seed)
        self.clock = NightClock()
        self._began_s = self.clock.now_s
        rows: Literal["batch", "day"] = "batch" if night.usage_names_batches else "day"
        options = SandboxOptions(credits=10**6, turnaround_s=90, usage_rows=rows)
        sandbox = build_sandbox(options, clock=self.clock, sleep=self.clock.sleep)
        self.world: World = sandbox.state.world
        self.api = NightApi(sandbox, self.clock, self._lot, lost=night.lost, strangers=night.strangers)
        self.settings = Settings.load(
            api_key=KEY,
            base_url="http://localhost/public/api/v1",
            image_dirs=(folder / "photos",),
            output_dir=folder / "results",
            state_dir=folder / "state",
            links_per_call=night.links_per_call,
        )
        self.account = Account.of(self.settings.key(), self.settings.base_url).id
        self.storage = Storage(self.settings.jobs_file(), clock=self.clock)
        self.jobs = Jobs.on(self.storage)
        self.morning, self._killed_s = Morning(), 0.0
        self._parts: list[Part] = []
        self._bucket = SqliteStore(self.settings.state_dir / "throttle.sqlite3", clock=self.clock)

    async def pass_night(self) -> Morning:
        cars = cars_by_files(self._folder / "photos", *self.night.by_files)
        linked = cars_by_links(*self.night.by_links)
        jobs = [await self._begin(each) for each in (cars, linked)]
        beside = [asyncio.create_task(each) for each in self._happens()]
        while not await self._is_over(jobs):
            await self.clock.sleep(LOOK_EVERY_S)
        for task in beside:
            task.cancel()
        self._tell()
        for part in self._parts:
            await part.bury()
        await self.storage.aclose()
        self._bucket.close()
        return self.morning

    def _happens(self) -> list[Coroutine[object, object, None]]:
        return [self._processes(), self._outage(), self._sleep(), self._people()]

    async def _processes(self) -> None:
        """One process after another carries out the jobs."""
        while True:
            part = Part()
            part.start(self._work())
            self._parts.append(part)
            await self.clock.sleep(self.night.kill_every_s)
            part.die_after(self._lot.randrange(1, MOST_STEPS))
            while not part.is_dead:
                await self.clock.sleep(1)
            self.morning.kills, self._killed_s = self.morning.kills + 1, self.clock.now_s

    async def _work(self) -> None:
        async with self._client(self.api) as client:
            await client.work()

    @asynccontextmanager
    async def _client(self, api: NightApi) -> AsyncGenerator[Client]:
        async with Client(self.settings, app=api, clock=self.clock) as client:
            yield client

    async def _outage(self) -> None:
        at_s, lasts_s = self.night.outage
        await self.clock.sleep(at_s)
        self.api.is_reachable = False
        await self.clock.sleep(lasts_s)
        self.api.is_reachable = True

    async def _sleep(self) -> None:
        """Nothing runs, and then the clock has jumped; what has left the machine arrives all the same, so nothing has."""
        at_s, lasts_s = self.night.sleep
        await self.clock.sleep(at_s)
        while (left_s := self.api.last_arrives_s - self.clock.now_s) >= 0:
            await self.clock.sleep(left_s + 0.001)
        self.clock.now_s += lasts_s

    async def _people(self) -> None:
        """Somebody uploads a photo now and then, by a process of their own."""
        number = 0
        while True:
            await self.clock.sleep(self.night.person_every_s)
            if self.api.is_reachable and self._allowance():
                number += 1
                await self._visit(number)

    async def _visit(self, number: int) -> None:
        photo = draw(self._folder / "photos" / f"person-{number}.png", 10**6 + number)
        upload = FILES(
            images=[str(photo)], numberPlate=f"PERSON-{number}", numPlateProcessor=0, processType="ai"
        )
        call = Call(host="person")
        at_s, is_whole = self.clock.now_s - self._began_s, self._allowance() == FILES.rate.calls
        calm_from_s = self.clock.now_s - CALM_S
        async with self._client(self.api.kind()) as client:
            await client.call(upload, call)
        is_plain = is_whole and max(self.api.disturbed_s, self._killed_s) < calm_from_s
        self.morning.visits.append(Visit(at_s, call.allowances.waited_s, is_plain))

    async def _begin(self, vehicles: list[PlannedVehicle]) -> str:
        per_request = {FILES.tool: 1, LINKS.tool: self.night.links_per_call}
        now, wants = self.clock.wall_s(), self.night.download
        return await begin(self.jobs, self.account, now, vehicles, per_request, download=wants)

    async def _is_over(self, jobs: list[str]) -> bool:
        now_s, away_s = self.clock.now_s - self._began_s, self.night.outage[1] + self.night.sleep[1]
        standings = [await self.jobs.book.standing(self.account, job) for job in jobs]
        self.morning.standings = [one for one in standings if one]
        if self.morning.standings[0].photos.get("queued"):
            self.morning.sent_after_s = now_s - away_s
            self.morning.allowed += self._allowance() * LOOK_EVERY_S / 60 if self.api.is_reachable else 0
        self.morning.done_after_s = now_s - away_s
        return now_s > LASTS_S or all(one.job.state != "open" for one in self.morning.standings)

    def _allowance(self) -> int:
        """Submissions by files that the throttle allows in a minute now."""
        for bucket, now_us in self._bucket.read(f"{self.account}:{FILES.tool}").values():
            return 0 if bucket.closed_us > now_us else bucket.allowance(now_us)
        return 10

    def _tell(self) -> None:
        morning, [account] = self.morning, self.world.accounts.values()
        batches = account.batches.values()
        morning.sent.update(picture.name for batch in batches for picture in batch.pictures)
        morning.credits = account.spent.total()
        morning.refused = self.world.refused_429
        morning.met = self.api.met
        morning.requests = self.api.submissions[FILES.path.rpartition("/")[2]] + len(morning.visits)
        with closing(sqlite3.connect(self.settings.state_dir / "ledger.sqlite3")) as db:
            morning.entries = dict(db.execute("SELECT state, sum(pictures) FROM entries GROUP BY state"))
            unknown = db.execute("SELECT file_name FROM entries WHERE state IN ('unknown', 'intended')")
            morning.unknown = {name for (name,) in unknown}
