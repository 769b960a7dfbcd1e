"""Three servers and a worker with one state folder, killed a hundred times while they carry out a job.

    python examples/bench_processes.py [--kills 100]

Takes about ten minutes of real time and needs no network: what was on the wire of a process that died is only sent again when
nothing was charged for it minutes later.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from conftest import MEMORY
from killed_processes import Machine, ends_within, kill_at_random, machine

PHOTOS_A_CAR = 10
PAUSE_S = 3.0
MOST_DOUBT_S = 900.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="how many processes are killed")
    kills = parser.parse_args().kills
    begun_s = time.monotonic()
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder, machine(Path(folder)) as own:
        own.begin(cars=max(2, kills), photos=PHOTOS_A_CAR)
        killed = kill_at_random(own, kills, most_s=1e9, seed=1, pause_s=PAUSE_S)
        is_over = ends_within(own, MOST_DOUBT_S)
        tell(own, killed, max(2, kills), is_over=is_over)
    print(f"\n{time.monotonic() - begun_s:.0f} s")


def tell(own: Machine, killed: int, cars: int, *, is_over: bool) -> None:
    """Print the table."""
    sent, entries = own.sent(), own.entries()
    rows = [
        ("processes killed", str(killed), ""),
        ("every photo taken", "yes" if is_over else str(dict(own.photos())), "yes"),
        ("most photos of one vehicle at the API", str(max(sent.values())), str(PHOTOS_A_CAR)),
        ("photos at the API", str(sent.total()), str(cars * PHOTOS_A_CAR)),
        ("credits in our ledger / at the API", f"{entries['accepted']} / {own.charged()}", "the same"),
        ("refusals of our own making", str(own.refused()), "0"),
    ]
    print("| what | measured | goal |\n| --- | --- | --- |")
    for row in rows:
        print("| {} | {} | {} |".format(*row))


if __name__ == "__main__":
    main()
