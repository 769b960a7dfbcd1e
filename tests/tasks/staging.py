"""Plays a task: puts everything in its place, lets somebody act, and looks at what came of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from agent import Agent
from conftest import Clock, connecting
from ends import ALWAYS
from mcp import Client as McpClient
from task import Stage, Task

from autobg_mcp.sandbox import build_sandbox


@asynccontextmanager
async def staged(task: Task, folder: Path) -> AsyncGenerator[tuple[Stage, McpClient]]:
    """A stage on which everything is as it is before the task, and a client of the server."""
    clock = Clock()
    sandbox = build_sandbox(task.options, clock=clock, sleep=clock.sleep)
    photos = folder / "photos"
    photos.mkdir(parents=True)
    connect = connecting(sandbox, photos, clock, folder)
    stage = Stage(photos, folder / "results", folder / "state", sandbox.state.world, clock, connect)
    usual: dict[str, object] = {"background": True}
    if task.before:
        async with connect(**usual) as host:
            for bring_about in task.before:
                await bring_about(stage, Agent(host, clock))
    stage.spent_before = stage.spent
    async with connect(**usual | {"person": task.person} | dict(task.settings)) as host:
        yield stage, host


async def played(task: Task, folder: Path) -> tuple[Stage, Agent]:
    """The end to which the task's own script brings it, and the agent that played it."""
    async with staged(task, folder) as (stage, host):
        agent = Agent(host, stage.clock)
        stage.told = await task.script(agent)
        stage.heard = "\n".join(agent.heard)
    return stage, agent


def judge(task: Task, stage: Stage) -> None:
    """Look at the end of a task.

    Raises:
        AssertionError: It is not done, or something is wrong that has nothing to do with it.
    """
    for holds in (*task.ends, *ALWAYS):
        holds(stage)
    spent = stage.spent - stage.spent_before
    assert spent == task.credits, f"{spent} credits in place of {task.credits}"
