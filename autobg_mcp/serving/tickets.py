"""What is known of a task, and the ticket that its caller holds."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from pydantic import JsonValue

TaskStatus = Literal["working", "input_required", "completed", "failed", "cancelled"]

TTL_S: Final = 86_400.0
"""How long a task is known, from its creation."""

LEASE_S: Final = 10.0
"""How long after its last sign of life the process that works on a task counts as dead."""

Json = dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class TaskRecord:
    """A task as it is written down.

    Attributes:
        id: The hash of its handle, which is kept nowhere.
        host: Name of the program that called.
        asks: Whether that program can put a question to a person.
        tool: What was called.
        arguments: With which arguments; empty once the task has ended.
        status: How it stands.
        message: The same in a sentence; may be empty.
        created_s: When it began, in seconds since 1970.
        updated_s: When the record changed last.
        abandoned: Whether it goes on and no living process works on it.
        attempts: How many processes have begun it.
        questions: What a person is asked, as MCP requests by key.
        outcome: The result of a completed one, the error of a failed one, else empty.
    """

    id: str
    host: str
    asks: bool
    tool: str
    arguments: Json
    status: TaskStatus
    message: str
    created_s: float
    updated_s: float
    abandoned: bool
    attempts: int
    questions: Json
    outcome: Json


class Ticket(NamedTuple):
    """What a caller gets instead of an answer.

    Attributes:
        handle: Leads to the task; whoever has it and the account may ask for it.
        record: How it stands.
    """

    handle: str
    record: TaskRecord
