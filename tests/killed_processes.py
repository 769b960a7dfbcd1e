"""Real processes with one state folder that are killed at random: servers of hosts over stdio, and `autobg-mcp work`."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from jobs_begun import FILES, begin, cars_by_files

from autobg_mcp.api.call import Account
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.settings import Settings

WINDOW_S = 2
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
ASKED = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]
SERVER, WORKER = (), ("work",)


@dataclass
class Machine:
    """One state folder, the photos, and a sandbox whose minute is two seconds long.

    Attributes:
        folder: Where all of it lies.
        environment: What leads a process to the sandbox.
        running: Processes by what they are.
    """

    folder: Path
    environment: dict[str, str]
    running: list[tuple[tuple[str, ...], subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A process; a server is greeted by its host, which asks for nothing."""
        command = [sys.executable, "-m", "autobg_mcp", *arguments]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ | self.environment
        )
        assert process.stdin
        if not arguments:
            process.stdin.write("".join(json.dumps(one) + "\n" for one in ASKED).encode())
            process.stdin.flush()
        self.running.append((arguments, process))
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> tuple[str, ...]:
        """Kill it (SIGKILL); answers what it was."""
        process.kill()
        process.wait()
        assert process.stdin
        process.stdin.close()
        [one] = [one for one in self.running if one[1] is process]
        self.running.remove(one)
        return one[0]

    def holder(self) -> subprocess.Popen[bytes] | None:
        """The process that carries out jobs; None while none does."""
        rows = self._rows("jobs", "SELECT holder FROM holders")
        pids = {int(str(holder).partition("-")[0]) for (holder,) in rows}
        return next((process for _, process in self.running if process.pid in pids), None)

    def begin(self, cars: int, photos: int) -> None:
        """Begin a job as a call does whose process ends then."""
        anyio.run(self._begin, cars, photos)

    async def _begin(self, cars: int, photos: int) -> None:
        settings = Settings.load(
            api_key=self.environment["AUTOBG_API_KEY"],
            base_url=self.environment["AUTOBG_BASE_URL"],
            state_dir=self.folder / "state",
        )
        storage = Storage(settings.jobs_file())
        account = Account.of(settings.key(), settings.base_url).id
        vehicles = cars_by_files(self.folder / "photos", cars, photos)
        await begin(Jobs.on(storage), account, time.time(), vehicles, {FILES.tool: 1})
        await storage.aclose()

    def charged(self) -> int:
        """Credits that the sandbox charged."""
        return int(str(self._state()["credits_spent"]))

    def refused(self) -> int:
        """Requests above a limit."""
        return int(str(self._state()["refused_429"]))

    def sent(self) -> Counter[str]:
        """Pictures that the sandbox has of each vehicle."""
        sent = Counter[str]()
        batches = self._state()["batches"]
        for batch in batches if isinstance(batches, list) else ():
            sent[batch["numberPlate"]] += batch["pictures"]
        return sent

    def photos(self) -> Counter[str]:
        """Photos of the jobs by state, as the book has them."""
        rows = self._rows("jobs", "SELECT state, count(*) FROM photos GROUP BY state")
        return Counter({str(state): int(str(count)) for state, count in rows})

    def entries(self) -> Counter[str]:
        """Pictures in the ledger by the state of their submission."""
        rows = self._rows("ledger", "SELECT state, sum(pictures) FROM entries GROUP BY state")
        return Counter({str(state): int(str(count)) for state, count in rows})

    def _rows(self, file: str, query: str) -> list[tuple[object, ...]]:
        path = self.folder / "state" / f"{file}.sqlite3"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path, timeout=10)) as db:
            return list(db.execute(query))

    def _state(self) -> dict[str, object]:
        address = self.environment["AUTOBG_BASE_URL"].partition("/public")[0]
        with urllib.request.urlopen(f"{address}/_sandbox/state") as answer:
            state: dict[str, object] = json.load(answer)
        return state


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine without a process; whatever runs at the end is killed."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0"]
    command += ["--window", str(WINDOW_S), "--credits", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout
        pairs = [pair.partition("=") for pair in sandbox.stdout.readline().split()]
        own = Machine(
            folder,
            {name: value for name, _, value in pairs}
            | {
                "AUTOBG_IMAGE_DIRS": str(folder / "photos"),
                "AUTOBG_STATE_DIR": str(folder / "state"),
                "AUTOBG_OUTPUT_DIR": str(folder / "results"),
                "AUTOBG_TIMEOUT_S": "5",
                "AUTOBG_RATE_LIMITS": f"{FILES.tool}=10/{WINDOW_S}s,*=100/{WINDOW_S}s",
            },
        )
        try:
            yield own
        finally:
            for _, process in list(own.running):
                own.kill(process)
            sandbox.terminate()


def kill_at_random(own: Machine, kills: int, *, most_s: float, seed: int, pause_s: float) -> int:
    """Let three servers and a worker run, kill one after the other and start another in its place; answers how many.

    Args:
        own: The machine.
        kills: How many are killed at most.
        most_s: For how long at most.
        seed: What the lot is drawn from.
        pause_s: The longest pause between two.
    """
    lot, ends_s = random.Random(seed), time.monotonic() + most_s
    for arguments in (SERVER, SERVER, SERVER, WORKER):
        own.start(*arguments)
    for number in range(kills):
        time.sleep(lot.uniform(0.2, 1) * pause_s)
        if time.monotonic() > ends_s:
            return number
        victim = own.holder() if lot.random() < 0.5 else None  # who works has more to lose
        own.start(*own.kill(victim or lot.choice(own.running)[1]))
    return kills


def ends_within(own: Machine, most_s: float) -> bool:
    """Whether every photo is taken within that time."""
    ends_s = time.monotonic() + most_s
    while own.photos().keys() != {"accepted"}:
        if time.monotonic() > ends_s:
            return False
        time.sleep(0.5)
    return True
