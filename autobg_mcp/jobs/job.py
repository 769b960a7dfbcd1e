"""What is kept of a job and what is answered of one, as frozen dataclasses. Times are seconds since 1970 by the wall clock."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

from pydantic import JsonValue

from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger import FileStamp

PhotoState = Literal["queued", "accepted", "refused", "unknown", "stopped"]
"""Still to be sent; in a batch, whichever call has paid it; refused by the API, or not to be sent; sent and nobody knows; not
sent, as the job has ended."""

JobState = Literal["open", "done", "stopped", "expired"]
"""Something is to be done; all is done; a person stopped it; its hours were over."""

ResultState = Literal["waiting", "ready", "fetched"]
"""Of the results of a vehicle: some are in work or still to be saved; all are there to be looked at; all are saved here."""

VehicleState = Literal["new", "queued", "partly", "in work", "to review", "done", "refused"]
"""How far a vehicle is: nothing sent; nothing sent, and a job sends all that is left; some sent or queued; all sent; all results
there; all of them here or shown; nothing of it accepted."""


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        id: Such as `j-7k2mq9xd`.
        account: Whose credits it spends; a hash of the key.
        host: Name of the program that asked for it.
        made_by: The tool that it is the rest or the plan of.
        created_at: When it began.
        ends_at: When it gives up what is not sent.
        approved: Whether a person allowed its photos to be paid for.
        follows: Whether its results are looked for.
        download: Whether they are saved.
        state: Whether something is to be done.
        task: Id of the task that waits for it; None for none.
    """

    id: str
    account: str
    host: str
    made_by: str
    created_at: float
    ends_at: float
    approved: bool
    follows: bool
    download: bool
    state: JobState = "open"
    task: str | None = None


@dataclass(frozen=True)
class JobPhoto:
    """One photo of a job.

    Attributes:
        number: Its place within the vehicle, from 0.
        picture: Its path or link.
        stamp: The file as it was planned; None for a link.
        state: What came of it.
    """

    number: int
    picture: str
    stamp: FileStamp | None
    state: PhotoState

    @property
    def planned(self) -> PlannedPhoto:
        """As it was planned."""
        return PlannedPhoto(self.picture, self.stamp)


@dataclass(frozen=True)
class PhotoNote:
    """What came of one photo.

    Attributes:
        state: The new state.
        batch_id: The batch it is in; None for none.
        reason: Why it is in none; None where it is, or where there is nothing to say.
    """

    state: PhotoState
    batch_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class VehicleWork:
    """One vehicle of a job, with what is still to be done for it.

    Attributes:
        id: Number within the store.
        job: The job.
        vehicle: Its id.
        tool: The tool that submits.
        arguments: The tool's arguments, without the photos.
        photos: Those that are queued or of unknown outcome.
        doubts: How often its unknown outcomes were looked after in vain.
        sent_at: When the last of its photos was accepted; 0 for never.
        batch_ids: The batches that its photos are in.
    """

    id: int
    job: Job
    vehicle: str
    tool: str
    arguments: Mapping[str, JsonValue]
    photos: Sequence[JobPhoto]
    doubts: int
    sent_at: float
    batch_ids: Sequence[str]


@dataclass(frozen=True)
class Wait:
    """Why the work on one tool, or on results, stands still.

    Attributes:
        lane: The tool, or `results`.
        since: Since when.
        until: When it is tried again.
        why: In words.
    """

    lane: str
    since: float
    until: float
    why: str


@dataclass(frozen=True)
class JobStanding:
    """How far a job is.

    Attributes:
        job: The job.
        photos: How many are in each state.
        vehicles: How many are in each state.
        batches: How many batches its photos are in.
        tools: The tools that have photos to send still.
        per_minute: Photos that were accepted a minute, of the last ten minutes.
        refusals: Why photos were refused, most frequent first, each with how many.
    """

    job: Job
    photos: Mapping[PhotoState, int]
    vehicles: Mapping[VehicleState, int]
    batches: int
    tools: Sequence[str]
    per_minute: float
    refusals: Mapping[str, int]


class QueuedPicture(NamedTuple):
    """What a job will send: the same photo for another vehicle, or with other arguments, is another."""

    tool: str
    arguments: str
    picture: str

    @classmethod
    def of(cls, vehicle: str, tool: str, arguments: Mapping[str, JsonValue], picture: str) -> Self:
        """A path or link of a vehicle, known again in every spelling of its id, with the tool's arguments."""
        folded = {**arguments, "numberPlate": same_vehicle(vehicle)}
        return cls(tool, json.dumps(folded, sort_keys=True), picture)
