"""Plays the tasks of tests/tasks with a model of yours: python examples/run_tasks.py --model NAME [--api anthropic] [task …].

The key is read from the environment alone, AUTOBG_TASKS_KEY or the vendor's own variable. Nothing leaves this machine but
what the model reads, which is drawn: cars, the API and the clock are those of the tests.
"""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import comb
from pathlib import Path
from statistics import mean

import anyio
import httpx
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, TextContent
from models import APIS, Api

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tasks"))
from catalogue import TASKS
from documented import text_of
from staging import judge, staged
from task import Stage, Task

MOST_TURNS = 25
THINKS_MIN = 0.3
"""Minutes of the turned clock between two answers of a model."""

SYSTEM = (
    "You do what a person asks with the tools you have. Photos lie in one folder; name them by path relative to it. "
    "Where you may not or cannot, say why. End with one short message to the person that holds every fact asked for."
)


@dataclass(frozen=True)
class Run:
    """One go at a task; `why` is empty where it passed."""

    task: str
    why: str
    calls: int
    tokens: int


async def main() -> None:
    options = _options()
    chosen = [task for task in TASKS if not options.tasks or task.name in options.tasks]
    headers = APIS[options.api].headers(_key(options.api))
    async with httpx.AsyncClient(headers=headers, timeout=options.timeout) as http:
        api = APIS[options.api](http, options.url or APIS[options.api].URL, options.model)
        runs = [await _judged(task, api) for task in chosen for _ in range(options.runs)]
    print(report(runs))


async def _judged(task: Task, api: Api) -> Run:
    """Play a task once, look at its end, and say a line about it."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(task, Path(folder)) as (stage, host):
            model = Playing(api, host, stage)
            why = await model.play(task)
    try:
        judge(task, stage)
    except AssertionError as error:
        why = why or _where(error)
    run = Run(task.name, why, model.calls, model.tokens)
    print(
        f"{'passed' if not why else 'FAILED':7} {task.name:34} {run.calls:3} calls {run.tokens:8,} tokens  {why[:100]}"
    )
    return run


def _where(error: AssertionError) -> str:
    """The check that failed, and its words."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].line}: {error}".partition("\n")[0]


class Playing:
    """A model that plays one task.

    Args:
        api: Where the model is.
        host: The client of the server.
        stage: Where it is played.
    """

    def __init__(self, api: Api, host: McpClient, stage: Stage) -> None:
        self._api, self._host, self._stage = api, host, stage
        self.calls = 0
        self.tokens = 0

    async def play(self, task: Task) -> str:
        """Let it play until it calls nothing more; answers why it did not come to an end, else nothing."""
        tools = (await self._host.list_tools()).tools
        talk = self._api.talk(f"{SYSTEM}\n\n{self._host.instructions or ''}", task.asked, tools)
        for _ in range(MOST_TURNS):
            try:
                with self._stage.clock.standing():
                    turn = await talk.turn()
            except (httpx.HTTPError, LookupError, ValueError) as error:
                return f"the model gave no answer ({type(error).__name__}: {error})".partition("\n")[0]
            self.tokens += turn.tokens
            self._stage.told = turn.text
            if not turn.calls:
                return ""
            await self._stage.clock.sleep(60 * THINKS_MIN)
            talk.hear({call.id: await self._called(call.tool, call.arguments) for call in turn.calls})
        return f"no end after {MOST_TURNS} turns"

    async def _called(self, tool: str, arguments: Mapping[str, object]) -> CallToolResult:
        self.calls += 1
        try:
            result = await self._host.call_tool(tool, dict(arguments))
        except MCPError as error:
            result = CallToolResult(content=[TextContent(type="text", text=str(error))], is_error=True)
        self._stage.heard += f"{text_of(result)}\n"
        return result


def report(runs: Iterable[Run]) -> str:
    """pass^k: how likely a task passes k times of k, over the tasks that were played at least so often."""
    by_task: dict[str, list[Run]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    lines = []
    for k in (1, 4):
        shares = [
            comb(sum(not run.why for run in played), k) / comb(len(played), k)
            for played in by_task.values()
            if len(played) >= k
        ]
        lines.append(
            f"pass^{k}  {mean(shares):.3f} over {len(shares)} tasks"
            if shares
            else f"pass^{k}  needs --runs {k}"
        )
    every = [run for played in by_task.values() for run in played]
    lines.append(
        f"tokens  {sum(run.tokens for run in every):,}, {mean(run.tokens for run in every):,.0f} a run"
    )
    return "\n".join(["", *lines])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tasks", metavar="task", nargs="*", help="names of tasks; without: all of them")
    parser.add_argument("--model", required=True, help="the model's name at its API")
    parser.add_argument("--api", choices=APIS, default="openai", help="which protocol the address speaks")
    parser.add_argument("--url", help="another address of that protocol, such as http://127.0.0.1:11434/v1")
    parser.add_argument("--runs", type=int, default=1, help="goes at each task; 4 and more tell pass^4")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one answer of the model")
    options = parser.parse_args()
    if unknown := set(options.tasks) - {task.name for task in TASKS}:
        parser.error(f"no such task: {', '.join(sorted(unknown))}")
    return options


def _key(api: str) -> str:
    return os.environ.get("AUTOBG_TASKS_KEY") or os.environ.get(APIS[api].KEY, "")


if __name__ == "__main__":
    anyio.run(main)
