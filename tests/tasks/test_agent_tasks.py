"""An agent that only reads answers brings every task to its end, within its allowance."""

from dataclasses import replace

import pytest
from agent import Agent
from catalogue import TASKS
from staging import judge, played
from task import Task

pytestmark = pytest.mark.anyio

FEWEST_TASKS = 60


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
async def test_the_task_ends_well_and_within_its_allowance(
    task: Task, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stage, agent = await played(task, tmp_path_factory.mktemp("t"))  # a short name: paths cost tokens
    judge(task, stage)
    assert agent.calls <= task.calls
    assert agent.tokens <= task.tokens


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
async def test_an_agent_that_does_nothing_and_says_nothing_has_not_done_the_task(
    task: Task, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stage, _ = await played(replace(task, script=Agent.nothing), tmp_path_factory.mktemp("t"))
    with pytest.raises(AssertionError):
        judge(task, stage)


def test_there_are_as_many_tasks_as_there_are_meant_to_be_each_with_a_name_and_words_of_its_own() -> None:
    assert len({task.name for task in TASKS}) == len({task.asked for task in TASKS}) == len(TASKS)
    assert len(TASKS) >= FEWEST_TASKS
