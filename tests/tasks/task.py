"""What a task is: a person's words, what lies there before, an agent that does it, and how its end is told from a failure."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import Agent
from conftest import Clock, Connect
from mcp.client.session import ElicitationFnT

from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.sandbox.world import FakeAccount, FakePicture


@dataclass
class Stage:
    """Where a task is played.

    Attributes:
        photos: The person's folder, which the server may read.
        results: Where the server saves what comes back.
        state: Where it keeps its ledger.
        world: The state behind the sandbox.
        clock: The time of all of them.
        connect: Connects one more client, to a server of its own.
        spent_before: Credits that were spent before the task.
        told: What the agent told the person in the end.
        heard: Everything that the server answered to the agent.
    """

    photos: Path
    results: Path
    state: Path
    world: World
    clock: Clock
    connect: Connect
    spent_before: int = 0
    told: str = ""
    heard: str = ""

    @property
    def account(self) -> FakeAccount:
        """The one account at the API."""
        [only] = self.world.accounts.values()
        return only

    @property
    def spent(self) -> int:
        """Credits that were spent at the API."""
        return sum(account.spent.total() for account in self.world.accounts.values())

    @property
    def pictures(self) -> list[FakePicture]:
        """Every picture that the API ever took, in order."""
        return [picture for one in self.world.accounts.values() for picture in one.pictures.values()]

    def paid(self) -> list[str]:
        """Vehicle and name of every picture that the API ever took, sorted."""
        batches = [batch for one in self.world.accounts.values() for batch in one.batches.values()]
        firsts = {
            picture.picture_id: (batch, picture) for batch in reversed(batches) for picture in batch.pictures
        }
        return sorted(f"{batch.number_plate}/{picture.name}" for batch, picture in firsts.values())

    def entries(self) -> list[tuple[str, int]]:
        """State and number of pictures of each submission in the ledger."""
        file = self.state / "ledger.sqlite3"
        if not file.exists():
            return []
        with closing(sqlite3.connect(file)) as ledger:
            return ledger.execute("SELECT state, pictures FROM entries").fetchall()


Before = Callable[[Stage, Agent], Awaitable[None]]
"""Brings about a part of what is there before: files, batches, faults that wait. Its calls are not counted."""

Script = Callable[[Agent], Awaitable[str]]
"""What a careful agent does; it answers what it tells the person."""

Check = Callable[[Stage], None]
"""Looks at the end: the API, the disk, the ledger and what the person was told. Raises AssertionError."""


@dataclass(frozen=True)
class Task:
    """One request of a person.

    Attributes:
        asked: The person's words.
        script: What a careful agent does.
        ends: What holds in the end.
        before: What is brought about first, in this order.
        credits: Credits that it costs.
        calls: Calls that it may take.
        tokens: Tokens (o200k) that the agent may write and read for it: arguments and answers.
        options: The sandbox, where it is another than the usual one.
        settings: The server's settings, where they are others than the usual ones.
        person: Answers what the host is asked; None is a host that cannot ask.
    """

    asked: str
    script: Script
    ends: tuple[Check, ...]
    before: tuple[Before, ...] = ()
    credits: int = 0
    calls: int = 1
    tokens: int = 0
    options: SandboxOptions = field(default_factory=SandboxOptions)
    settings: Mapping[str, object] = field(default_factory=dict)
    person: ElicitationFnT | None = None

    @property
    def name(self) -> str:
        """Its name, which is that of its script."""
        return self.script.__name__


@dataclass(frozen=True)
class Theme:
    """Tasks of one kind.

    Attributes:
        title: Its name in the table.
        tasks: Those that were declared.
    """

    title: str
    tasks: list[Task] = field(default_factory=list)

    def task(self, asked: str, *ends: Check, **about: Any) -> Callable[[Script], Script]:
        """Declare the script below as a task, with its words and with what holds in the end; `about` are a task's fields."""

        def declared(script: Script) -> Script:
            self.tasks.append(Task(asked, script, ends, **about))
            return script

        return declared
