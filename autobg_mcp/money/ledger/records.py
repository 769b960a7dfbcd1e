"""What the ledger keeps and answers, as frozen dataclasses.

Times are seconds since 1970 by the wall clock; one picture is taken for one credit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["accepted", "refused", "unknown"]
"""What came of a submission: the API took it, surely did not take it, or nobody knows."""

State = Literal["intended"] | Outcome
"""An outcome, or `intended`: written down, and still under way in a live process."""


@dataclass(frozen=True)
class Intent:
    """What is about to be sent in one HTTP call: one picture, or one list of links.

    Attributes:
        account: Hash of the API key, never the key.
        host: Name of the MCP host program, such as "claude-code".
        tool: Name of the tool that submits.
        vehicle: The `numberPlate` argument: the id that gathers pictures into a batch.
        template: Template id; None where the tool takes none.
        file_name: Name the API is told; for a list of links one name per line.
        pictures: How many credits the call costs at most.
        fingerprint: sha256 (hex) of the picture's bytes and of every argument that changes the result.
        source: Local path of the original; None for links.
        process_type: `collab` where people do it, `ai` where they do not; None where nobody said.
    """

    account: str
    host: str
    tool: str
    vehicle: str
    template: str | None
    file_name: str
    pictures: int
    fingerprint: str
    source: str | None
    process_type: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Entry(Intent):
    """One submission in the ledger.

    Attributes:
        id: Number within this ledger, rising with time.
        at: When it was written down.
        state: What is known of its outcome.
        batch_id: The batch the API put it into; None while not known.
        reason: Why it was refused or is unknown, in words; None where there is nothing to say.
        settled_at: When that was written down; None while it is under way.
    """

    id: int
    at: float
    state: State
    batch_id: str | None
    reason: str | None
    settled_at: float | None


@dataclass(frozen=True)
class Claim:
    """The answer to a wish to submit: exactly one of the three is not None.

    Attributes:
        entry: The new entry; its holder may go on to send.
        duplicate_of: The earlier entry of the same submission. An `intended` one is under way in
            another call or process: look again with `Ledger.duplicates` until it is settled.
        over_limit: Credits left under the daily limit, fewer than the submission needs.
    """

    entry: Entry | None = None
    duplicate_of: Entry | None = None
    over_limit: int | None = None


@dataclass(frozen=True)
class PictureState:
    """One picture of a batch as the API last told it; neither processed nor failed means in work."""

    pic_id: str
    name: str
    processed: bool
    failed: bool


@dataclass(frozen=True)
class KnownPicture:
    """A picture together with the original it was made from.

    Attributes:
        name: The name the API told.
        batch_id: The batch it was first seen in: one that went through human QA can stand in a second one.
        source: Local path of the original; None where unknown or not certain.
        submitted_at: When that was; None where unknown or not certain.
    """

    name: str
    batch_id: str
    source: str | None
    submitted_at: float | None


@dataclass(frozen=True)
class LastSeen:
    """Where and how a picture was last seen.

    Attributes:
        batch_id: The newest batch it was seen in.
        in_work: Whether it was neither processed nor failed when that batch was last looked at.
    """

    batch_id: str
    in_work: bool


@dataclass(frozen=True)
class Complaint:
    """What a picture is reported for: no reason at all means that it was sent to people to be done again."""

    reasons: Sequence[str]
    comment: str = ""


@dataclass(frozen=True)
class Rework:
    """What is known of a picture since it was last reported.

    Whether the API's status shows that a picture is done again is unknown, so its bytes are compared as well.

    Attributes:
        reported_at: When it was reported.
        by_people: Whether it was sent to people to be done again, without reasons.
        redone: Whether it was seen in work since and then done.
        fetched: Whether it was fetched since.
        changed: Whether its bytes are others than before the report; None where they were not fetched before or not since.
    """

    reported_at: float
    by_people: bool
    redone: bool
    fetched: bool
    changed: bool | None


@dataclass(frozen=True)
class Batch:
    """All accepted submissions of one batch, and its last known state.

    Attributes:
        batch_id: Number the API gave it.
        vehicle: The `numberPlate` of its newest submission.
        template: Template id of its newest submission; None for none.
        first_at: Time of its first submission.
        pictures: How many pictures were submitted, those that cost nothing included.
        processed: Pictures finished; None where the batch was never looked at, as in the next two.
        failed: Pictures failed.
        pending: Pictures that the API knows and that are neither.
        checked_at: When it was last looked at; None for never.
    """

    batch_id: str
    vehicle: str
    template: str | None
    first_at: float
    pictures: int
    processed: int | None
    failed: int | None
    pending: int | None
    checked_at: float | None


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is, as it was last known.

    Attributes:
        looked_at: Whether its status was ever asked; if not, all that follows is 0.
        in_work: Pictures that were submitted and are not known to be processed or failed.
        failed: Pictures failed.
        to_fetch: Pictures processed and not fetched, or reported and not fetched since.
    """

    looked_at: bool
    in_work: int
    failed: int
    to_fetch: int


@dataclass(frozen=True)
class Poll:
    """Who looks at a batch now.

    Attributes:
        may_poll: The caller asks the API and then calls `Ledger.record_status`; nobody else asks meanwhile.
        pictures: The last known state; None where the batch was never looked at.
        checked_at: When that was; None for never.
        next_look_s: Seconds after which `Ledger.status_lease` can answer something new; 0 for the caller
            who may poll.
    """

    may_poll: bool
    pictures: list[PictureState] | None
    checked_at: float | None
    next_look_s: float


@dataclass(frozen=True)
class FileStamp:
    """A local file as it was when it was read.

    Attributes:
        path: Where it is.
        size_bytes: Its size.
        mtime_ns: When it was last changed, in nanoseconds since 1970.
        identity: Device and number of the file, as text.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    identity: str
