"""What autobg-mcp costs, beside what else there is: python examples/bench.py [--quick] [name …].

Takes a few minutes, with `--quick` less than one. Contenders run turn by turn, and medians are compared.
`pip install '.[bench]'` installs those that are not ours.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bench_calls
import bench_ledger
import bench_photos
import bench_pictures
import bench_start
from interleaved import Row

BENCHES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "start": bench_start.rows,
    "calls": bench_calls.rows,
    "ledger": bench_ledger.rows,
    "photos": bench_photos.rows,
    "pictures": bench_pictures.rows,
}

REPORTS = {
    "against": "bench_against.py",
    "throttle": "bench_throttle.py",
    "plan": "bench_plan.py",
    "jobs": "bench_jobs.py",
    "night": "bench_night.py",
    "processes": "bench_processes.py",
}
"""What tells more than fits into the table, and takes minutes: only run where it is named."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = ", ".join([*BENCHES, *REPORTS])
    parser.add_argument("names", metavar="name", nargs="*", help=f"some of {names}; without: the table")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys() - REPORTS.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {names}")
    chosen = [name for name in options.names or BENCHES if name in BENCHES]
    begun = time.monotonic()
    if chosen:
        print("| what | measured | goal, at most |\n| --- | --- | --- |")
    for name in chosen:
        for row in BENCHES[name](options.quick):
            print(f"| {row.what} | {row.measured} | {row.goal} |", flush=True)
    for name in options.names:
        if name in REPORTS:
            subprocess.run([sys.executable, Path(__file__).with_name(REPORTS[name])], check=True)
    print(f"\n{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
