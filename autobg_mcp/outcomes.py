"""What comes of a submission, for a caller: accepted, left out, unknown, picture by picture."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from autobg_mcp.endpoints.fields import AnswerID, Flag
from autobg_mcp.errors import AutobgError, FileRefusedError, ThrottledError, cleaned, quoted
from autobg_mcp.spending import Verdict
from autobg_mcp.tool import Part, Result


class AcceptedImage(Part):
    """What the API said of one picture."""

    fileName: str = ""
    error: Flag = False
    errorMsg: Annotated[str, BeforeValidator(lambda text: text or "")] = ""


class Accepted(Result):
    """A batch that the API works on."""

    batchID: AnswerID
    images: Annotated[list[AcceptedImage], BeforeValidator(lambda images: images or [])] = Field(
        default_factory=list
    )
    note: str | None = None

    def next_step(self) -> str:
        """Wait for it."""
        return f"waitForBatch batchID={self.batchID}"

    def verdict(self) -> Verdict:
        """What the answer means for the ledger; where not one picture was taken, a repeat is sent."""
        refusals = [
            f"{quoted(image.fileName, 60)} was not taken: {quoted(image.errorMsg)}"
            for image in self.images
            if image.error
        ]
        none = bool(refusals) and len(refusals) == len(self.images)
        reason = cleaned("; ".join(refusals), 1000) or None
        return Verdict("refused" if none else "accepted", str(self.batchID), reason)


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
            steps.append(f"call again with the same arguments in {max(waits)} s: only what is left is sent")
        if self.outcomeUnknown:
            steps.append("listBatches tells what is known of the files in outcomeUnknown")
        return "; ".join(steps)


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
            self.unknown.append(str(path))
        else:
            self.not_submitted.append(Unsent(file=str(path), reason=str(error), retryAfterS=_whole_s(error)))
        self.errors.append(error)

    def stop(self, left: list[Path], error: AutobgError) -> None:
        """File the pictures that are left behind by an error that would meet them too."""
        reason = (
            "not sent: waits for the same slot"
            if isinstance(error, ThrottledError)
            else "not sent after that failure"
        )
        self.not_submitted += [
            Unsent(file=str(path), reason=reason, retryAfterS=_whole_s(error)) for path in left
        ]

    def result(self) -> Submitted:
        """The answer, or the failure where not one picture was accepted."""
        if not self.accepted:
            raise self._failure()
        return Submitted(
            batchID=self.accepted[-1].batchID,
            images=[image for accepted in self.accepted for image in accepted.images],
            note="; ".join(self._notes()) or None,
            notSubmitted=self.not_submitted,
            outcomeUnknown=self.unknown,
        )

    def _notes(self) -> Iterator[str]:
        """What the answer's other fields do not tell."""
        repeats = [accepted.note for accepted in self.accepted if accepted.note]
        if repeats:
            yield f"{len(repeats)} of {len(self.accepted)} {repeats[0]}"
        batches = list(dict.fromkeys(str(accepted.batchID) for accepted in self.accepted))
        if len(batches) > 1:
            yield f"the photos are in batches {', '.join(batches)}: wait for each"

    def _failure(self) -> AutobgError:
        """What stopped it all, with every refused file named."""
        files = [str(error) for error in self.errors if isinstance(error, FileRefusedError)]
        last = self.errors[-1]
        if len(files) == len(self.errors):
            return FileRefusedError("\n".join(files))
        last.args = ("\n".join([str(last), *files]),)
        return last


def _whole_s(error: AutobgError) -> int | None:
    return None if error.retry_after_s is None else math.ceil(error.retry_after_s)
