"""What comes of a submission, for a caller: what the API answers, and the fate of every picture of a call."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    FailFast,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from autobg_mcp.api.refusals import entry_refusal
from autobg_mcp.errors import ApiError, AutobgError, StillUnknownError
from autobg_mcp.money.ledger import Entry
from autobg_mcp.money.purchase import Verdict
from autobg_mcp.text import at, cleaned, quoted
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID, Flag, Words
from autobg_mcp.tools.roll import Roll


def _said(value: object) -> object:
    """Whatever stands in the place of words must not hide whether the picture was taken."""
    return json.dumps(value) if value and isinstance(value, dict | list) else value or ""


class AcceptedImage(Part):
    """What the API said of one picture."""

    fileName: Words = ""
    error: Flag = False
    errorMsg: Annotated[Words, BeforeValidator(_said)] = ""


AcceptedImages = Annotated[list[AcceptedImage], FailFast(), BeforeValidator(lambda images: images or [])]
"""What the API said of the pictures of one request, in their order."""


class Accepted(Result):
    """What the API answered: the batch that it works on, None where it took no picture and names none."""

    images: AcceptedImages = Field(default_factory=list)
    batchID: AnswerID | None = Field(default=None, validate_default=True)
    _lacking: str | None = PrivateAttr(None)

    @field_validator("batchID", mode="wrap")
    @classmethod
    def _is_named_where_one_was_taken(
        cls, value: object, rule: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        with suppress(ValidationError):
            found = rule(value)
            if isinstance(found, str) or (isinstance(found, int) and found >= 0):
                return found
        images = info.data.get("images")
        if images and all(image.error for image in images):
            return None
        raise ValueError("the id of a batch")

    def ordered(self, names: Sequence[str]) -> Self:
        """The same with its pictures in the order of these names, where each is there once; else as they came."""
        told = {image.fileName: image for image in self.images}
        wanted = [cleaned(name) for name in names]
        if len(told) != len(self.images) or sorted(told) != sorted(wanted):
            return self
        return self.model_copy(update={"images": [told[name] for name in wanted]})

    def unwritten(self, why: str | None) -> None:
        """Say that the ledger lacks this answer, and why; None where it has it."""
        self._lacking = why

    def lacking(self) -> str:
        """What a caller has to know of an answer that the ledger lacks; empty where it has it."""
        if self._lacking is None:
            return ""
        what = (
            f"batch {self.batchID} was accepted and paid for"
            if self.batchID is not None
            else "what the API did not take"
        )
        return f"{what}, but could not be written down: {self._lacking}"

    def refusals(self, count: int) -> list[ApiError | None]:
        """Why the API did not take each of `count` pictures, None for one that it took.

        It lists pictures in their order; a list of another length says of any of them only what it says of all.
        """
        told = [entry_refusal(image.errorMsg) if image.error else None for image in self.images]
        if len(told) == count:
            return told
        return [None if None in told else next(iter(told), None)] * count

    def verdicts(self, count: int) -> list[Verdict]:
        """What the answer means for each of `count` pictures; a repeat sends what it did not take."""
        batch_id = "" if self.batchID is None else str(self.batchID)
        return [
            Verdict("refused" if error else "accepted", batch_id, None if error is None else str(error))
            for error in self.refusals(count)
        ]


FateState = Literal["accepted", "paid before", "refused", "unknown", "queued", "left"]
"""The API took it, an earlier call had paid it, it was refused, nobody knows, a job sends it, or it was not tried to the end."""


@dataclass(frozen=True)
class Fate:
    """What came of one picture.

    Attributes:
        state: Which of the six.
        batch_id: The batch it is in; None where it is in none.
        error: Why it is in none; None where it is, or was not tried.
        was_sent: Whether this call sent it.
        repeats: The earlier submission that it repeats; None for none.
        job: The job that sends it; None for none.
    """

    state: FateState
    batch_id: str | None = None
    error: AutobgError | None = None
    was_sent: bool = False
    repeats: Entry | None = None
    job: str | None = None


class Tally:
    """What has come of every picture of one call.

    Args:
        roll: Its pictures.
        repeats_known_h: Hours in which a repeat is recognised; 0 for never.
        carries_on: From when to when, by the wall clock, other processes worked on the same call: what was submitted then is
            its own. None where it begins now.
    """

    def __init__(
        self, roll: Roll, repeats_known_h: float, *, carries_on: tuple[float, float] | None = None
    ) -> None:
        self.told = roll.told
        self.repeats_known_h = repeats_known_h
        self.fates = {picture: Fate("left") for picture in roll.pictures}
        """By picture, in the order in which they were named; each is left until something comes of it."""
        self.stopped: AutobgError | None = None
        """What would have met the rest too; None where nothing did."""
        self.handed_over: set[str] = set()
        """Those that are on the wire while the call ends."""
        self.carried_on: dict[int, str] = {}
        """The pictures that other processes have sent for this call, by the number of their entry."""
        self._carries_on = carries_on
        self._lacking: list[str] = []
        for picture, error in roll.unread.items():
            self.fail(picture, error)

    def take(self, pictures: Sequence[str], accepted: Accepted) -> None:
        """Note what the API answered of the pictures of one request."""
        self._lacking += filter(None, [accepted.lacking()])
        for picture, error in zip(pictures, accepted.refusals(len(pictures)), strict=True):
            if error is None:
                self.fates[picture] = Fate("accepted", str(accepted.batchID), was_sent=True)
            else:
                self.fail(picture, error, was_sent=True)

    def recognise(self, picture: str, entry: Entry) -> None:
        """Note that an earlier call has submitted a picture, or this one in another process."""
        if self._is_own(entry) and self.carried_on.setdefault(entry.id, picture) == picture:
            self.prove(picture, entry)
        else:
            self.fates[picture] = Fate("paid before", entry.batch_id, repeats=entry)

    def _is_own(self, entry: Entry) -> bool:
        return self._carries_on is not None and self._carries_on[0] <= entry.at < self._carries_on[1]

    def prove(self, picture: str, entry: Entry) -> None:
        """Note that a free look has found a picture whose answer was lost."""
        self.fates[picture] = Fate("accepted", entry.batch_id, was_sent=True)

    def doubt(self, picture: str, verdict: str) -> None:
        """Note what is free to know of a picture that this call has sent and whose outcome nobody knows."""
        error = self.fates[picture].error
        if error is not None:
            error.add_note(verdict)

    def fail(self, picture: str, error: AutobgError, *, was_sent: bool = False) -> None:
        """Note what a picture met; an error that would meet the rest too stops the call."""
        if error.meets_the_rest:
            self.stopped = error
        state: FateState = "left" if error.meets_the_rest else "refused"
        state = "unknown" if error.spent == "unknown" else state
        self.fates[picture] = Fate(state, error=error, was_sent=was_sent)

    def hand_over(self, picture: str) -> None:
        """Note that the call ends while a picture is on the wire."""
        error = StillUnknownError(
            f"{quoted(self.told(picture)[0].rpartition('/')[2], 80)} is being sent right now: the API takes long.",
            repeatable=True,
            next_step="Make the same call again; it answers with the batch once there is one.",
            retry_after_s=10,
        )
        self.handed_over.add(picture)
        self.fates[picture] = Fate("unknown", error=error, was_sent=True)

    def queue(self, pictures: Iterable[str], job: str) -> None:
        """Note that a job sends these."""
        self.fates |= dict.fromkeys(pictures, Fate("queued", job=job))

    def jobs(self) -> dict[str, list[str]]:
        """The jobs that send something of it, and what each does."""
        jobs: dict[str, list[str]] = {}
        for picture, fate in self.in_state("queued").items():
            jobs.setdefault(fate.job or "", []).append(picture)
        return jobs

    def in_state(self, *states: FateState) -> dict[str, Fate]:
        """The pictures that are in one of these states."""
        return {picture: fate for picture, fate in self.fates.items() if fate.state in states}

    def count(self, *states: FateState) -> int:
        """How many there are."""
        return len(self.in_state(*states))

    def sent(self, *states: FateState) -> int:
        """How many of them this call has sent."""
        return sum(fate.was_sent for fate in self.in_state(*states).values())

    def batch_ids(self) -> list[str]:
        """The batches that the pictures are in, each once, the last picture's last."""
        ids = [fate.batch_id for fate in self.fates.values() if fate.batch_id is not None]
        return list(dict.fromkeys(reversed(ids)))[::-1]

    def notes(self, vehicle: str) -> Iterator[str]:
        """What a caller has to know beside the fates; `vehicle` is the id as this call spells it."""
        repeats = [fate.repeats for fate in self.fates.values() if fate.repeats]
        if repeats:
            yield f"{len(repeats)} of {len(self.fates)} not sent again: submitted at {at(repeats[-1].at)}"
        for spelling in sorted({entry.vehicle for entry in repeats} - {vehicle}):
            yield f"the same photo was paid for as vehicle {quoted(spelling, 60)}"
        yield from dict.fromkeys(self._lacking)
        if len(ids := self.batch_ids()) > 1:
            yield f"the pictures are in batches {', '.join(ids)}: wait for each"
