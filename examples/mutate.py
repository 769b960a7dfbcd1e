"""How many small faults the tests find: python examples/mutate.py --room throttle [--sample 60] [--seed 1].

A sample of mutants, each one change of the code, is run in a copy of the tree: first once without a change, to learn
which test runs which line, then each mutant with the tests that run its line, the quickest first, until one fails.
What survives is printed as a table: a hole in the tests, or a change that nobody can see. Needs a system on which a
process can part in two (not Windows); a mutant takes a second, or as long as a new process where no function is changed.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from coverage import Coverage, CoverageData
from mutants import Mutant, mutants, put_in_place

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "autobg_mcp"
ROOMS = {
    "throttle": (
        "bucket step policy line",
        "throttle throttle_classes throttle_policy throttle_sqlite",
    ),
    "money": (
        "purchase facts identity terms permits ledger/*",
        """ledger ledger_batches ledger_credits ledger_file ledger_progress ledger_sightings spending spending_sequences
        permits repeats free_looks money_details evidence evidence_of_usage same_link workflow_batches workflow_credits
        workflow_reports rework""",
    ),
    "files": (
        "fence search outbox names archive meaning spelling handles",
        """pictures_paths pictures_outbox pictures_answers paths_told photo_folders vehicles_folders vehicles_plan
        vehicles_sheets downloads results hostile_answers""",
    ),
}
"""For each room of the package the files whose mutants are drawn, and the tests that they meet."""
QUIET = ("-o", "addopts=", "-m", "not long", "-s", "-p", "no:cacheprovider", "-p", "no:terminal")
LEARNING_S = 1200.0


@dataclass
class Sieve:
    """A plugin that runs, instead of all tests, each mutant with those that run its line.

    Attributes:
        tree: The copy of the repository.
        wanted: The mutants, by their numbers in the sample.
        most_s: How long the tests of one mutant take together at most.
        tell: Hears the number, what came of the mutant and how many tests it met.
        took_s: How long each test takes.
        failed: The tests that have failed in this process.
    """

    tree: Path
    wanted: dict[int, Mutant]
    most_s: float
    tell: Callable[[int, str, int], None]
    took_s: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took_s[report.nodeid] = self.took_s.get(report.nodeid, 0.0) + report.duration
        self.failed += [report.nodeid] if report.failed else []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        lines = self._learnt([*items.values()])
        for number, mutant in self.wanted.items():
            met = self._met_by(mutant, lines)
            most_s = 10 + 3 * sum(self.took_s[test] for test in met)
            path = self.tree / mutant.file
            original = path.read_text("utf-8")
            path.write_text(mutant.text, "utf-8")  # for processes that tests start
            if (change := put_in_place(mutant, original, path)) is None:
                code = _in_a_new_process(met, most_s)
            else:
                code = self._apart([items[test] for test in met], most_s, before=change)
            path.write_text(original, "utf-8")
            self.tell(number, {0: "survived", None: "never ended"}.get(code, "found"), len(met))
        return True

    def _learnt(self, items: list[pytest.Item]) -> CoverageData:
        """Which test runs which line, and how long each takes, from a run without a change; one that fails is left out."""
        data, learnt = self.tree.parent / "lines", self.tree.parent / "learnt.json"
        watch = Coverage(data, source=[str(self.tree / "autobg_mcp")], config_file=False)

        def keep() -> None:
            watch.stop()
            watch.save()
            learnt.write_text(json.dumps([self.took_s, self.failed]), "utf-8")

        self._apart(items, LEARNING_S, before=watch.start, each=watch.switch_context, after=keep)
        self.took_s, failed = json.loads(learnt.read_text("utf-8"))
        for test in failed:
            print(f"Left out, since it fails without a change: {test}", file=sys.stderr, flush=True)
            self.took_s.pop(test, None)
        lines = CoverageData(str(data))
        lines.read()
        return lines

    def _met_by(self, mutant: Mutant, lines: CoverageData) -> list[str]:
        """The tests that run the mutant's lines, or else its file, or else all, the quickest first."""
        by_line = lines.contexts_by_lineno(str(self.tree / mutant.file))
        found = {test for line in mutant.lines for test in by_line.get(line, ())} - {""}
        found = found or {test for tests in by_line.values() for test in tests} - {""} or {*self.took_s}
        met, left_s = list[str](), self.most_s
        for test in sorted(found & self.took_s.keys(), key=lambda test: self.took_s[test]):
            left_s -= self.took_s[test]
            if left_s < 0 and met:
                break
            met.append(test)
        return met

    def _apart(
        self,
        items: list[pytest.Item],
        most_s: float,
        *,
        before: Callable[[], object],
        each: Callable[[str], object] | None = None,
        after: Callable[[], object] = lambda: None,
    ) -> int | None:
        """Runs tests in a process that parts from this one: 1 where one fails; None where it has to be ended.

        With `each`, which hears the name of each test before it, a failure is not the end.
        """
        child = os.fork()
        if not child:
            os.setsid()
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            before()
            for item, following in zip(items, [*items[1:], None], strict=True):
                if each is not None:
                    each(item.nodeid)
                elif self.failed:
                    break
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            after()
            os._exit(bool(self.failed))
        return _end_of(child, most_s)


def _end_of(child: int, most_s: float) -> int | None:
    ends_s = time.monotonic() + most_s
    while time.monotonic() < ends_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _in_a_new_process(tests: Sequence[str], most_s: float) -> int | None:
    """As a change needs that is made when a module is imported."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        *QUIET,
        "-x",
        *(test for test in tests if test.isascii()),
    ]
    started = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return started.wait(most_s + 40)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        return None


def sampled(room: str, size: int, seed: int) -> tuple[list[Mutant], int]:
    """Mutants of a room, and of how many they are a sample, in which each stays that a change of the code leaves as it is."""
    paths = [path for name in ROOMS[room][0].split() for path in (PACKAGE / room).glob(f"{name}.py")]
    turns = Counter[str]()
    lots = list[tuple[bytes, Mutant]]()
    for path in sorted(paths):
        for mutant in mutants(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")):
            name = f"{seed} {mutant.file} {mutant.was} {mutant.becomes}"
            turns[name] += 1
            lots.append((hashlib.sha256(f"{name} {turns[name]}".encode()).digest(), mutant))
    return [mutant for _, mutant in sorted(lots, key=lambda lot: lot[0])[:size]], len(lots)


def sieved(wanted: dict[int, Mutant], tests: list[str], most_s: float) -> Counter[str]:
    """What comes of mutants; those that survive are printed."""
    count = Counter[str]()

    def tell(number: int, outcome: str, met: int) -> None:
        count[outcome] += 1
        print(f"{number} {outcome}", file=sys.stderr, flush=True)
        if outcome == "survived":
            mutant = wanted[number]
            print(f"| {number} {mutant.place} | `{mutant.was}` | `{mutant.becomes}` | {met} |", flush=True)

    print("| mutant | was | becomes | tests |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist"))
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path.insert(0, str(tree))
        pytest.main(
            [*QUIET, f"--basetemp={folder}/tests", *tests], plugins=[Sieve(tree, wanted, most_s, tell)]
        )
        os.chdir(ROOT)
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--room", choices=ROOMS, required=True)
    parser.add_argument("--sample", type=int, default=60, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="these alone, by their numbers in the sample")
    parser.add_argument("--seconds", type=float, default=4, help="of tests that a mutant meets at most")
    parser.add_argument("--tests", nargs="*", help="files of tests instead of the room's")
    options = parser.parse_args()
    begun_s = time.monotonic()
    sample, every = sampled(options.room, options.sample, options.seed)
    tests = options.tests or [f"tests/test_{name}.py" for name in ROOMS[options.room][1].split()]
    wanted = {number: sample[number - 1] for number in options.only or range(1, len(sample) + 1)}
    count = sieved(wanted, tests, options.seconds)
    if count.total() < len(wanted):
        sys.exit("The tests cannot be run.")
    score = 100 - 100 * count["survived"] / len(wanted)
    told = ", ".join(f"{number} {word}" for word, number in sorted(count.items()))
    took_s = time.monotonic() - begun_s
    print(
        f"\n{options.room}: {score:.0f} %; of {len(wanted)} mutants ({every} in all) {told}; {took_s:.0f} s"
    )


if __name__ == "__main__":
    main()
