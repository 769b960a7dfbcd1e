"""The tables of this folder's page."""

import inspect

from blunders import BLUNDERS
from catalogue import TASKS, THEMES
from readme_parts import table
from test_blunderers import SCHEDULES


def tasks() -> str:
    """Every task with its allowance."""
    rows = [
        (
            theme.title if number == 0 else "",
            f"`{task.name}`",
            task.asked,
            f"{task.credits}",
            f"{task.calls}",
            f"{task.tokens:,}",
        )
        for theme in THEMES
        for number, task in enumerate(theme.tasks)
    ]
    header = ("theme", "task", "what the person says", "credits", "calls", "tokens")
    allowed = sum(task.tokens for task in TASKS)
    return f"{table(header, rows)}\n\n{len(TASKS)} tasks, {sum(task.calls for task in TASKS)} calls, {allowed:,} tokens."


def blunders() -> str:
    """Every blunder, and how often it is played."""
    often = str(SCHEDULES // len(BLUNDERS))
    return table(
        ("blunder", "what it does", "schedules"),
        [(f"`{one.__name__}`", inspect.getdoc(one) or "", often) for one in BLUNDERS],
    )
