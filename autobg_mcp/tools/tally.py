"""What comes of a submission, for a caller: accepted, left out, unknown, picture by picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, FailFast, Field, PrivateAttr

from autobg_mcp.errors import AutobgError, StillUnknownError, ThrottledError
from autobg_mcp.money.purchase import Verdict
from autobg_mcp.text import local_path, quoted
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID, Flag, Words

_RESUME = "When the cause is mended, call again with the photos that were not sent."


class AcceptedImage(Part):
    """What the API said of one picture."""

    fileName: Words = ""
    error: Flag = False
    errorMsg: Words = ""


class Accepted(Result):
    """A batch that the API works on."""

    batchID: AnswerID
    images: Annotated[list[AcceptedImage], FailFast(), BeforeValidator(lambda images: images or [])] = Field(
        default_factory=list
    )
    note: str | None = None
    _lacking: str | None = PrivateAttr(None)

    def unwritten(self, why: str | None) -> None:
        """Say that the ledger lacks this answer, and why; None where it has it."""
        self._lacking = why

    def lacking(self) -> str:
        """What a caller has to know of an answer that the ledger lacks; empty where it has it."""
        paid = f"batch {self.batchID} was accepted and paid for, but could not be written down"
        return "" if self._lacking is None else f"{paid}: {self._lacking}"

    def next_step(self) -> str:
        """Wait for it."""
        return f"waitForBatch batchID={self.batchID}"

    def verdicts(self, count: int) -> list[Verdict]:
        """What the answer means for each of `count` pictures, which it lists in order; a repeat sends what it did not take."""
        batch_id = str(self.batchID)
        if len(self.images) != count:
            return [Verdict("accepted", batch_id, None)] * count
        return [
            Verdict("refused", batch_id, f"not taken: {quoted(image.errorMsg)}")
            if image.error
            else Verdict("accepted", batch_id, None)
            for image in self.images
        ]


class Unsent(Part):
    """A picture that is not known to be accepted, and why."""

    file: str
    reason: str
    retryAfterS: int | None = None


class Submitted(Accepted):
    """What came of a submission, photo by photo; `outcomeUnknown` names files that may have been accepted."""

    notSubmitted: list[Unsent] = Field(default_factory=list)
    outcomeUnknown: list[str] = Field(default_factory=list)

    def next_step(self) -> str:
        """Wait for the batch; submit what is left."""
        steps = [super().next_step()]
        waits = [unsent.retryAfterS for unsent in self.notSubmitted if unsent.retryAfterS is not None]
        if waits:
            steps.append(f"call again in {max(waits)} s with the files in notSubmitted as images")
        if self.outcomeUnknown:
            steps.append("listBatches tells what is known of the files in outcomeUnknown")
        return "; ".join(steps)


@dataclass
class LinkTally:
    """What has come of each link."""

    accepted: list[Accepted] = field(default_factory=list)
    unknown: list[StillUnknownError] = field(default_factory=list)

    def result(self) -> Accepted:
        """The answer.

        Raises:
            StillUnknownError: Nobody knows of any of them.
        """
        if not self.accepted:
            raise self.unknown[0]
        notes = [*_notes(self.accepted), *map(str, self.unknown)]
        return Accepted(
            batchID=self.accepted[-1].batchID,
            images=[image for accepted in self.accepted for image in accepted.images],
            note="; ".join(notes) or None,
        )


@dataclass
class Tally:
    """What has come of each picture so far."""

    accepted: list[Submitted] = field(default_factory=list)
    not_submitted: list[Unsent] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    errors: list[AutobgError] = field(default_factory=list)

    def add(self, path: Path, error: AutobgError) -> None:
        """File one picture's failure under what is known of it."""
        if error.spent == "unknown":
            self.unknown.append(local_path(path))
        else:
            self.not_submitted.append(
                Unsent(file=local_path(path), reason=str(error), retryAfterS=error.told_retry_after_s)
            )
        self.errors.append(error)

    def stop(self, left: list[Path], error: AutobgError) -> None:
        """File the pictures that are left behind by an error that would meet them too."""
        reason = (
            "waits for the same slot" if isinstance(error, ThrottledError) else "not sent after that failure"
        )
        self.not_submitted += [
            Unsent(file=local_path(path), reason=reason, retryAfterS=error.told_retry_after_s)
            for path in left
        ]

    def result(self) -> Submitted:
        """The answer, or the failure where not one picture was accepted."""
        if not self.accepted:
            raise self._failure()
        return Submitted(
            batchID=self.accepted[-1].batchID,
            images=[image for accepted in self.accepted for image in accepted.images],
            note="; ".join(_notes(self.accepted)) or None,
            notSubmitted=self.not_submitted,
            outcomeUnknown=self.unknown,
        )

    def _failure(self) -> AutobgError:
        """The last failure, which stopped it all, with the fate of every photo."""
        last = self.errors[-1]
        if len(self.unknown) + len(self.not_submitted) == 1:
            return last
        details = [f"{path}: outcome unknown" for path in self.unknown]
        details += [
            f"{left.file}: {'that' if left.reason == str(last) else left.reason}"
            for left in self.not_submitted
        ]
        return type(last)(
            f"Not one of the photos was accepted. {last}",
            details=details,
            spent="unknown" if self.unknown else last.spent,
            repeatable=last.repeatable,
            next_step=last.next_step if len(set(map(type, self.errors))) == 1 else _RESUME,
            retry_after_s=last.retry_after_s,
        )


def _notes(all_accepted: Sequence[Accepted]) -> Iterator[str]:
    """What the other fields of an answer do not tell."""
    repeats = [accepted.note for accepted in all_accepted if accepted.note]
    if repeats:
        pictures = sum(len(accepted.images) for accepted in all_accepted)
        yield f"{len(repeats)} of {pictures} {repeats[0]}"
    yield from dict.fromkeys(filter(None, (accepted.lacking() for accepted in all_accepted)))
    batches = list(dict.fromkeys(str(accepted.batchID) for accepted in all_accepted))
    if len(batches) > 1:
        yield f"the pictures are in batches {', '.join(batches)}: wait for each"
