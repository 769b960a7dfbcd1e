"""Any sequence of calls gives what a plain model of the ledger gives."""

import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypedDict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledger_cases import FRONT, LEASE_S, Blocking, WallClock

from autobg_mcp.errors import StateError

PROCESSES = st.integers(0, 1)
EVIDENCE = ["intended", "unknown", "refused", "accepted"]


class Guards(TypedDict):
    duplicate_window_s: int
    allow_duplicate: bool
    daily_limit: int | None


GUARDS = st.builds(
    Guards,
    duplicate_window_s=st.sampled_from([0, 50, 2_000]),
    allow_duplicate=st.booleans(),
    daily_limit=st.sampled_from([None, 4]),
)


@dataclass
class Modelled:
    fingerprint: str
    pictures: int
    at: float
    seen_at: float
    owner: str
    alive_from: float
    state: str = "intended"
    sent: bool = False
    batch_id: str | None = None
    before: float | None = None
    afters: list[float] = field(default_factory=list)


class LedgerSequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = WallClock()
        self.processes = [Blocking(self.folder, clock=self.clock) for _ in range(2)]
        self.model: list[Modelled] = []
        self.before_first = 0
        self.balance: float | None = None

    def teardown(self) -> None:
        for process in self.processes:
            process.close()
        shutil.rmtree(self.folder)

    def bury_the_dead(self) -> None:
        for entry in self.model:
            if entry.state == "intended" and not -LEASE_S <= self.clock.now - entry.alive_from <= LEASE_S:
                entry.state = "unknown" if entry.sent else "refused"

    def spent(self, since: float) -> int:
        return sum(e.pictures for e in self.model if e.state != "refused" and e.at >= since)

    @rule(seconds=st.sampled_from([1, 30, 61, 1_000, -1, -30, -61, -1_000]))
    def turn_the_clock(self, seconds: int) -> None:
        self.clock.now += seconds
        self.bury_the_dead()

    @rule(number=PROCESSES)
    def kill(self, number: int) -> None:
        self.processes[number].close()
        self.processes[number] = Blocking(self.folder, clock=self.clock)

    @rule(number=PROCESSES, left=st.sampled_from([10, 7.5]))
    def ask_credits(self, number: int, left: float) -> None:
        self.processes[number].record_credits("account", left)
        if any(entry.state == "intended" for entry in self.model):
            return
        self.balance = left
        for entry in self.model:
            entry.afters.append(left)

    @rule(
        number=PROCESSES,
        fingerprint=st.sampled_from("ab"),
        pictures=st.integers(0, 3),
        guards=GUARDS,
    )
    def claim(self, number: int, fingerprint: str, pictures: int, guards: Guards) -> None:
        now, process = self.clock.now, self.processes[number]
        submission = replace(FRONT, fingerprint=fingerprint, pictures=pictures)
        claim = process.claim(submission, day_start=now - 500, **guards)
        window_s, limit = guards["duplicate_window_s"], guards["daily_limit"]
        earlier = {
            i: e
            for i, e in enumerate(self.model, 1)
            if e.fingerprint == fingerprint and e.state != "refused" and e.seen_at > now - window_s
        }
        if earlier and not guards["allow_duplicate"]:
            accepted = [i for i, e in earlier.items() if e.state == "accepted"]
            assert claim.duplicate_of
            assert claim.duplicate_of.id == self.before_first + max(accepted or earlier)
        elif limit is not None and self.spent(now - 500) + pictures > limit:
            assert claim.over_limit == max(0, limit - self.spent(now - 500))
        else:
            seen_at = max([now, *(e.seen_at for e in self.model)])
            entry = Modelled(fingerprint, pictures, now, seen_at, process.ledger.owner, now)
            entry.before = self.balance
            self.model.append(entry)
            assert claim.entry
            if len(self.model) == 1:  # each file counts from a number of its own
                self.before_first = claim.entry.id - 1
            assert claim.entry.id == self.before_first + len(self.model)

    @precondition(lambda self: self.model)
    @rule(number=PROCESSES, data=st.data())
    def send(self, number: int, data: st.DataObject) -> None:
        entry_id = data.draw(st.integers(1, len(self.model)))
        entry, process = self.model[entry_id - 1], self.processes[number]
        if entry.state == "intended" and entry.owner == process.ledger.owner:
            process.sent(self.before_first + entry_id)
            entry.sent, entry.alive_from = True, self.clock.now
        else:
            with pytest.raises(StateError):
                process.sent(self.before_first + entry_id)

    @precondition(lambda self: self.model)
    @rule(
        number=PROCESSES,
        data=st.data(),
        state=st.sampled_from(["accepted", "refused", "unknown"]),
        batch_id=st.sampled_from([None, "1", "2"]),
    )
    def settle(
        self,
        number: int,
        data: st.DataObject,
        state: Literal["accepted", "refused", "unknown"],
        batch_id: str | None,
    ) -> None:
        entry_id = data.draw(st.integers(1, len(self.model)))
        entry = self.model[entry_id - 1]
        self.processes[number].settle(self.before_first + entry_id, state, batch_id=batch_id)
        if EVIDENCE.index(state) >= EVIDENCE.index(entry.state):
            entry.state, entry.batch_id = state, entry.batch_id or batch_id

    @invariant()
    def entries_agree(self) -> None:
        for entry_id, entry in enumerate(self.model, 1):
            found = self.processes[0].get(self.before_first + entry_id)
            assert (found.state, found.batch_id) == (entry.state, entry.batch_id)
            told = self.processes[0].evidence("account", [found.id])[found.id]
            before, after = (balance and balance.left for balance in (told.before, told.after))
            # the first one told after it, or a later one that explains more
            assert before == entry.before
            assert after in entry.afters or not (after or entry.afters)

    @invariant()
    def totals_agree(self) -> None:
        since = self.clock.now - 100
        assert self.processes[1].spent("account", since) == self.spent(since)
        unknown = [self.before_first + i for i, e in enumerate(self.model, 1) if e.state == "unknown"]
        assert [entry.id for entry in self.processes[1].unknown("account")] == unknown


LedgerSequences.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
test_any_sequence_of_calls_agrees_with_the_model = LedgerSequences.TestCase
