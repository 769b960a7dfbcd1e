"""Real processes on one state file, against a server that counts."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from throttle_recorder import finish, recording, start

from autobg_mcp.throttle import Limit

pytestmark = [pytest.mark.anyio, pytest.mark.long]


async def test_four_processes_stay_within_the_limit_lose_no_call_and_keep_their_order(tmp_path: Path) -> None:
    async with recording(Limit(10, 0.5)) as recorder:
        processes = []
        for index in range(4):
            arguments = ("sqlite:", tmp_path, recorder.port, "10/0.5s", 25, f"p{index}")
            processes.append(await start("throttle_process.py", *arguments))
            await asyncio.sleep(0.25)
        await asyncio.gather(*(finish(process, 30) for process in processes))
    assert all(arrival.taken for arrival in recorder.arrivals)
    assert len({arrival.name for arrival in recorder.arrivals}) == len(recorder.arrivals) == 100
    assert recorder.overtakes(0.2) == 0


async def test_people_of_one_process_pass_the_background_of_two_others_within_the_limit(
    tmp_path: Path,
) -> None:
    async with recording(Limit(10, 0.5)) as recorder:
        processes = []
        for name, calls in (("job-1", 25), ("job-2", 25), ("person", 15)):
            arguments = ("sqlite:", tmp_path, recorder.port, "10/0.5s", calls, name)
            processes.append(await start("throttle_process.py", *arguments))
            await asyncio.sleep(0.25)
        await asyncio.gather(*(finish(process, 30) for process in processes))
    assert all(arrival.taken for arrival in recorder.arrivals)
    assert len(recorder.arrivals) == 65
    assert recorder.passed(0.1, by="job", of="person") == 0
    assert (
        recorder.overtakes(0.2, by="job", of="job") + recorder.overtakes(0.2, by="person", of="person") == 0
    )


async def test_processes_killed_at_random_moments_break_neither_the_limit_nor_the_queue(
    tmp_path: Path,
) -> None:
    async with recording(Limit(400, 1)) as recorder:
        common = ("sqlite:", tmp_path, recorder.port, "400/1s")
        victims = [
            await start("throttle_victims.py", seed, 100, *common, 1, name, 1)
            for seed, name in enumerate(("victim", "job"))
        ]
        await asyncio.sleep(0.3)
        survivor = await start("throttle_process.py", *common, 800, "survivor", 1)
        await asyncio.gather(*(finish(process, 60) for process in (*victims, survivor)))
    assert all(arrival.taken for arrival in recorder.arrivals)
    served = Counter(arrival.name.partition("-")[0] for arrival in recorder.arrivals)
    assert served["survivor"] == 800
    assert served["victim"] > 0
