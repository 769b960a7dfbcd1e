"""How long a plan takes: python examples/bench_plan.py [--vehicles 400] [--photos 25] [--folder on-the-disk-to-measure].

Planned are files that nobody has read yet, then the same once all are known and half of them paid before, then as many links,
then a manifest that names each file in a row.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import anyio
from pydantic import JsonValue

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.money.ledger import Intent
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.settings import Settings
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.drafting import Drafting, Processing
from autobg_mcp.tools.sources import Sources
from autobg_mcp.tools.vehicles import ProcessVehicles

YEAR_AGO_S = time.time() - 365 * 86_400


def park(folder: Path, vehicles: int, photos: int) -> None:
    """Files that differ; a plan reads none of them."""
    rows = ["vehicle;photo"]
    for vehicle in range(vehicles):
        place = folder / f"STOCK-{vehicle:05}"
        place.mkdir()
        for photo in range(photos):
            path = place / f"IMG_{photo:04}.jpg"
            path.write_bytes(b"\xff\xd8\xff" + f"{vehicle} {photo}".encode())
            os.utime(path, (YEAR_AGO_S, YEAR_AGO_S))
            rows.append(f"{place.name};{place.name}/{path.name}")
    (folder / "stock.csv").write_text("\n".join(rows), "utf-8")


async def know(folder: Path, context: Context) -> list[Intent]:
    """Let the ledger know every file, as uploads would have."""
    sources = Sources(None, ())
    sources.take_fleet(context.fence.fleet(str(folder)))
    drafts = await Drafting(Processing("ai", 0), context).drafts(sources.vehicles)
    stamps = [photo.stamp for draft in drafts for photo in draft.photos if photo.stamp]
    await context.ledger.keep_digests({stamp: f"{number:064x}" for number, stamp in enumerate(stamps)})
    known = await Drafting(Processing("ai", 0), context).drafts(sources.vehicles)
    return [intent for draft in known for intent in draft.intents.values()]


def rows(intents: list[Intent]) -> Iterator[dict[str, object]]:
    for intent in intents:
        yield asdict(intent) | {
            "at": time.time() - 60,
            "window_from": time.time() - 60,
            "state": "accepted",
            "batch_id": f"b-{intent.vehicle}",
            "owner": "1-bench",
            "lease_until": 0,
        }


def pay(state: Path, intents: list[Intent]) -> None:
    with closing(sqlite3.connect(state / "ledger.sqlite3")) as db, db:
        paid = list(rows(intents))
        names = list(paid[0])
        marks = ", ".join(f":{name}" for name in names)
        db.executemany(f"INSERT INTO entries ({', '.join(names)}) VALUES ({marks})", paid)


async def measure(name: str, arguments: dict[str, JsonValue], context: Context) -> None:
    tool = ProcessVehicles.from_arguments(arguments)
    began_s, processor_s = time.perf_counter(), time.process_time()
    _, answer = await tool.planned(context)
    took_s, processor_s = time.perf_counter() - began_s, time.process_time() - processor_s
    print(f"{name:44} {took_s:6.2f} s, {processor_s:.2f} s of one processor: {answer.summary[1]}")


def linked(vehicles: int, photos: int) -> list[JsonValue]:
    return [
        {
            "vehicle": f"L-{vehicle}",
            "links": [f"https://cars.example/{vehicle}/{photo}.jpg" for photo in range(photos)],
        }
        for vehicle in range(vehicles)
    ]


async def bench(folder: Path, vehicles: int, photos: int) -> None:
    cars, state = folder / "cars", folder / "state"
    cars.mkdir()
    park(cars, vehicles, photos)
    settings = Settings.load(
        api_key="bench-key-0123456789",
        base_url="http://localhost/public/api/v1",
        image_dirs=(cars,),
        state_dir=state,
        throttle="memory:",
    )
    async with Client(settings, app=build_sandbox(SandboxOptions())) as client:
        context = client.context(Call())  # what the tool gets of a call
        await measure("files that nobody has read", {"folder": str(cars)}, context)
        intents = await know(cars, context)
        pay(state, intents[: len(intents) // 2])
        await measure("files that are known, half of them paid", {"folder": str(cars)}, context)
        await measure("a manifest, a row a file", {"manifest": "stock.csv"}, context)
        if vehicles <= 500:
            await measure("links", {"vehicles": linked(vehicles, photos)}, context)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=400)
    parser.add_argument("--photos", type=int, default=25)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        anyio.run(bench, Path(temporary), given.vehicles, given.photos)
