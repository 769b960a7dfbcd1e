"""The state behind the sandbox: users with their templates, batches, pictures, credits, reports and requests."""

import hashlib
import itertools
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from autobg_mcp.sandbox import studio
from autobg_mcp.sandbox.failures import Failure, FailureKind
from autobg_mcp.sandbox.limits import Limits
from autobg_mcp.sandbox.options import SandboxOptions
from autobg_mcp.sandbox.recording import RecordedRequest

T = TypeVar("T")

FIRST_BATCH_ID = 1206
FIRST_PICTURE_ID = 512251
FIRST_TEMPLATE_ID = 136
DAY_S = 86_400.0
RENDERED_BYTES = 64 * 1024 * 1024
KEPT_REQUESTS = 2000
STAGGER = (
    0.7,
    0.8,
    0.9,
    1.0,
)  # shares of the turnaround after which the pictures of a batch come out, in turn


@dataclass(slots=True)
class FakeTemplate:
    """A template of a user, with its pictures as stored by the studio."""

    template_id: int
    name: str
    background: bytes
    side: bytes | None = None
    front_rear: bytes | None = None
    treats_plate: bool = False
    plate_colour: str = "#FFFFFF"
    plate_picture: bytes | None = None
    logo: bytes | None = None
    logo_corner: str = "TL"


@dataclass(slots=True)
class FakePicture:
    """One accepted picture; it is in work until `ready_s` on the sandbox's clock, unseen where only `changes_s` lies ahead."""

    picture_id: int
    name: str
    job: studio.StudioJob
    ready_s: float
    redone: int = 0
    changes_s: float = 0.0

    def version(self, now_s: float) -> int:
        """How often the result that can be fetched was done again."""
        return self.redone - (now_s < self.changes_s)

    def is_failed(self, now_s: float) -> bool:
        """Whether processing ended without a result: on request, by a file name that begins with `fail`."""
        return self.ready_s <= now_s and self.version(now_s) == 0 and self.name.lower().startswith("fail")

    def is_processed(self, now_s: float) -> bool:
        """Whether there is a result to fetch."""
        return self.ready_s <= now_s and not self.is_failed(now_s)


@dataclass(slots=True)
class FakeBatch:
    """The pictures of one vehicle that belong together; `number_plate` is its id, `charged` the credits by day."""

    batch_id: int
    number_plate: str
    opened_s: float
    pictures: list[FakePicture] = field(default_factory=list)
    charged: Counter[date] = field(default_factory=Counter)


@dataclass(slots=True)
class FakeReport:
    """A report of bad results."""

    picture_ids: list[int]
    reasons: list[str]
    comment: str


@dataclass(slots=True)
class FakeAccount:
    """What belongs to one API key; `user` is a fingerprint of the key, which itself is kept nowhere."""

    user: str
    credits: int
    spent: Counter[date] = field(default_factory=Counter)
    templates: dict[int, FakeTemplate] = field(default_factory=dict)
    batches: dict[int, FakeBatch] = field(default_factory=dict)
    pictures: dict[int, FakePicture] = field(default_factory=dict)
    reports: list[FakeReport] = field(default_factory=list)

    @property
    def credits_left(self) -> int:
        """Credits that are not spent yet."""
        return self.credits - self.spent.total()


class World:
    """Everything the sandbox remembers. One event loop uses it; no method that changes it awaits in between."""

    def __init__(
        self,
        options: SandboxOptions,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.options = options
        self.sleep = sleep
        self.requests: deque[RecordedRequest] = deque(maxlen=KEPT_REQUESTS)
        self.requests_by_path: Counter[str] = Counter()
        self.refused_429_by_path: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self.accounts: dict[str, FakeAccount] = {}
        self.limits = Limits(options.window_s)
        self._clock = clock
        self._offset_s = 0.0
        self._opened_at = datetime.now(UTC)
        self._opened_s = clock()
        self._batch_ids = itertools.count(FIRST_BATCH_ID)
        self._picture_ids = itertools.count(FIRST_PICTURE_ID)
        self._template_ids = itertools.count(FIRST_TEMPLATE_ID)
        self._rendered: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._workers = CapacityLimiter(2)  # photos are opened two at a time, which bounds the memory

    @property
    def refused_429(self) -> int:
        """How many requests were answered with 429."""
        return self.refused_429_by_path.total()

    def now(self) -> float:
        """Seconds on the sandbox's clock."""
        return self._clock() + self._offset_s

    def today(self) -> date:
        """The day on the sandbox's clock (UTC)."""
        return (self._opened_at + timedelta(seconds=self.now() - self._opened_s)).date()

    def advance(self, seconds: float) -> None:
        """Turn the sandbox's clock forward."""
        self._offset_s += seconds

    def account(self, key: str) -> FakeAccount | None:
        """Find or open the account of an API key; None if the key is not let in."""
        known = self.options.api_keys
        if not key.strip() or key.startswith("Bearer ") or (known is not None and key not in known):
            return None
        user = "user-" + hashlib.sha256(key.encode()).hexdigest()[:8]
        return self.accounts.setdefault(user, FakeAccount(user, self.options.credits))

    def record(self, request: RecordedRequest) -> None:
        """Write a request down; the oldest falls out when there are too many."""
        self.requests.append(request)
        self.requests_by_path[request.path] += 1

    def fail_next(
        self, path_suffix: str, kind: FailureKind, times: int = 1, delay_s: float = 0.0, *, after: int = 0
    ) -> None:
        """Make `times` requests whose path ends in `path_suffix` fail, once `after` more have passed (see `failures`)."""
        self.failures.append(Failure(path_suffix, kind, times, delay_s, after))

    def take_failure(self, path: str) -> Failure | None:
        """Use up one failure that waits for this path, the oldest first."""
        for failure in self.failures:
            if path.endswith(failure.path_suffix) and failure.after > 0:
                failure.after -= 1
            elif path.endswith(failure.path_suffix):
                failure.times -= 1
                if failure.times <= 0:
                    self.failures.remove(failure)
                return failure
        return None

    def add_template(self, account: FakeAccount, template: FakeTemplate) -> int:
        """Keep a template under a new id and answer the id."""
        template.template_id = next(self._template_ids)
        account.templates[template.template_id] = template
        return template.template_id

    def add_pictures(
        self, account: FakeAccount, number_plate: str, jobs: Iterable[tuple[str, studio.StudioJob]]
    ) -> FakeBatch:
        """Accept named jobs into the vehicle's batch and charge one credit for each."""
        batch = self._batch_for(account, number_plate)
        for name, job in jobs:
            picture = FakePicture(next(self._picture_ids), name, job, self._ready_s(len(batch.pictures)))
            batch.pictures.append(picture)
            account.pictures[picture.picture_id] = picture
            account.spent[self.today()] += 1
            batch.charged[self.today()] += 1
        return batch

    def redo(self, pictures: Iterable[FakePicture]) -> None:
        """Send pictures back to work; the options say whether that shows."""
        for index, picture in enumerate(pictures):
            picture.redone += self.now() >= picture.changes_s  # once, while it is done again unseen
            if self.options.rework_shows:
                picture.ready_s = self._ready_s(index)
            else:
                picture.changes_s = self._ready_s(index)

    def open_batch(self, account: FakeAccount, number_plate: str) -> FakeBatch:
        """Open a new batch for a vehicle."""
        batch = FakeBatch(next(self._batch_ids), number_plate, self.now())
        account.batches[batch.batch_id] = batch
        return batch

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run picture work in a worker thread."""
        async with self._workers:
            return await to_thread.run_sync(work)

    async def result(self, picture: FakePicture) -> bytes:
        """Answer the picture's result, drawn at the first request and kept while there is room."""
        key = (picture.picture_id, picture.version(self.now()))
        if key not in self._rendered:
            self._rendered[key] = await self.in_thread(lambda: studio.render(picture.job, key[1]))
        self._rendered.move_to_end(key)
        data = self._rendered[key]
        while len(self._rendered) > 1 and sum(map(len, self._rendered.values())) > RENDERED_BYTES:
            self._rendered.popitem(last=False)
        return data

    def _batch_for(self, account: FakeAccount, number_plate: str) -> FakeBatch:
        now_s = self.now()
        for batch in reversed(account.batches.values()):
            in_work = any(picture.ready_s > now_s for picture in batch.pictures)
            if batch.number_plate == number_plate and (in_work or now_s - batch.opened_s < DAY_S):
                return batch
        return self.open_batch(account, number_plate)

    def _ready_s(self, index: int) -> float:
        return self.now() + self.options.turnaround_s * STAGGER[index % len(STAGGER)]
