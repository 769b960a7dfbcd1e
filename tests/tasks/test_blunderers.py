"""Whatever an agent does wrong: nothing is paid twice, refused for its rate or told that it must not know, and answers lead back."""

from pathlib import Path

import pytest
from agent import Agent
from blunders import BLUNDERS, Blunder
from schedule import LIMITED, Schedule, check
from staging import staged

pytestmark = [pytest.mark.anyio, pytest.mark.long]

SCHEDULES = 500
SEEDS = range(SCHEDULES // len(BLUNDERS))
AT_ONCE = 10
"""Schedules of one test."""


@pytest.mark.parametrize("first", SEEDS[::AT_ONCE])
@pytest.mark.parametrize("blunder", BLUNDERS, ids=lambda blunder: blunder.__name__)
async def test_a_blunder_costs_nothing_and_its_answer_leads_back(
    blunder: Blunder, first: int, tmp_path: Path
) -> None:
    for seed in range(first, first + AT_ONCE):
        async with staged(LIMITED, tmp_path / str(seed)) as (stage, host):
            schedule = Schedule(seed, stage, Agent(host, stage.clock))
            await blunder(schedule)
            await schedule.agent.rest(2)  # what goes on by itself
            check(schedule)
