"""A night of jobs in simulated time, with all that goes wrong in one, and what comes of every photo.

    python examples/bench_night.py [--small] [--seed 1]

200 vehicles of 25 photos by files and 400 by links, one key, a process that dies each hour. Takes about ten minutes, needs no
network and keeps its state in memory where the system offers that; `--small` is an hour, and takes a tenth of that.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from conftest import MEMORY
from night import Morning, Night, pass_night

SMALL = Night(
    by_files=(20, 25),
    by_links=(40, 25),
    kill_every_s=360,
    outage=(720, 1080),
    sleep=(2270, 360),
    person_every_s=179,
)
SLOT_S = 6.025 + 1.6
"""A slot comes free every tenth of a window; an answer takes up to 1.6 s."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="a tenth of it")
    parser.add_argument("--seed", type=int, default=1, help="what the lot is drawn from")
    options = parser.parse_args()
    shape = SMALL if options.small else Night()
    night = Night(**{**vars(shape), "seed": options.seed})
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        morning = pass_night(night, Path(folder))
    print("| what | measured | goal |\n| --- | --- | --- |")
    for row in rows(night, morning):
        print("| {} | {} | {} |".format(*row))
    print(f"\n{time.monotonic() - begun_s:.0f} s")


def rows(night: Night, morning: Morning) -> list[tuple[str, str, str]]:
    """What the table says; see `Morning` for what is measured."""
    wanted = [cars * photos for cars, photos in (night.by_files, night.by_links)]
    minimum_s = (wanted[0] - 1) // 10 * 60
    twice = sum(count > 1 for count in morning.sent.values())
    unsent = sum(wanted) + len(morning.visits) - len(morning.sent)
    ours = morning.entries["accepted"] + len(morning.unknown)
    waits_s = [visit.waited_s for visit in morning.visits if visit.is_plain]
    met = ", ".join(f"{count:,} {what}" for what, count in sorted(morning.met.items()))
    return [
        ("requests", met, ""),
        ("processes killed", str(morning.kills), ""),
        ("photos sent twice / not at all", f"{twice} / {unsent}", "0 / 0"),
        ("left to a person: nobody knows", f"{len(morning.unknown)}", ""),
        ("credits in our ledger / at the API", f"{ours:,} / {morning.credits:,}", "the same"),
        ("refusals of our own making", str(morning.refused), "0"),
        (
            "files: minutes / at 10 a minute without a fault",
            f"{morning.sent_after_s / 60:.0f} / {minimum_s / 60:.0f} = {morning.sent_after_s / minimum_s:.3f}",
            "",
        ),
        (
            "files: allowed after each 429 / used",
            f"{morning.allowed:,.0f} / {morning.requests:,} = {morning.allowed / morning.requests:.3f}",
            "1.05",
        ),
        ("all done after, minutes", f"{morning.done_after_s / 60:.0f}", ""),
        (
            "longest wait of a person, nothing having gone wrong for 75 s",
            f"{max(waits_s, default=0):.1f} s of {len(waits_s)} uploads",
            f"{SLOT_S:.1f} s",
        ),
    ]


if __name__ == "__main__":
    main()
