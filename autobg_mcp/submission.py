"""How a call that costs credits goes: one request per picture, and nothing lost from the answer."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import anyio
import anyio.to_thread
from pydantic import BeforeValidator, Field

from autobg_mcp.context import Context
from autobg_mcp.endpoint import Endpoint
from autobg_mcp.endpoints.fields import AnswerID, Flag, Images
from autobg_mcp.errors import AutobgError, FileRefusedError, ThrottledError
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

    def next_step(self) -> str:
        """Wait for it."""
        return f"getImageStatus batchID={self.batchID} until pending is 0"


class Unsent(Part):
    """A picture that is not known to be accepted, and why."""

    file: str
    reason: str
    retryAfterS: int | None = None


class Submitted(Accepted):
    """What came of a submission, picture by picture; `outcomeUnknown` names files that may have been accepted."""

    notSubmitted: list[Unsent] = Field(default_factory=list)
    outcomeUnknown: list[str] = Field(default_factory=list)

    def next_step(self) -> str:
        """Wait for the batch; submit what is left."""
        steps = [super().next_step()]
        waits = [unsent.retryAfterS for unsent in self.notSubmitted if unsent.retryAfterS is not None]
        if waits:
            steps.append(f"in {max(waits)} s call again with the files in notSubmitted only")
        if self.outcomeUnknown:
            steps.append(
                "do not repeat the files in outcomeUnknown before getUserCreditDetails shows whether they were charged"
            )
        return "; ".join(steps)


AcceptedT_co = TypeVar("AcceptedT_co", bound=Accepted, covariant=True)


class Submission(Endpoint[AcceptedT_co], Generic[AcceptedT_co]):
    """An endpoint that costs credits: one request, whose answer is awaited whatever happens once it is on the wire."""

    effect = "spends"

    async def run(self, context: Context) -> AcceptedT_co:
        """Send this one request.

        Raises:
            AutobgError: It was not accepted, or nobody knows.
        """
        request = await self.request(context)
        with anyio.CancelScope() as scope:

            async def on_wire(on: bool) -> None:
                scope.shield = on

            answer = await context.api.send(request, context.call, on_wire)
            result = await self.read(request, answer, context)
        return result  # noqa: RET504  # mypy holds that a cancel scope may swallow the return


class PhotoSubmission(Submission[Submitted]):
    """A submission of local photos: in order, one request each, every photo read just before it is sent."""

    images: Images

    async def run(self, context: Context) -> Submitted:
        """Submit every photo that can be submitted within the call's time.

        Raises:
            AutobgError: Not one photo was accepted.
        """
        paths = await anyio.to_thread.run_sync(context.fence.find, self.images)
        tally = _Tally()
        for number, path in enumerate(paths):
            await context.call.progress(
                f"Submitting photo {number + 1} of {len(paths)}", done=number, total=len(paths)
            )
            try:
                single = self.model_copy(update={"images": [str(path)]})
                tally.accepted.append(await super(PhotoSubmission, single).run(context))
            except FileRefusedError as error:
                tally.add(path, error)
            except AutobgError as error:
                tally.add(path, error)
                tally.stop(paths[number + 1 :], error)
                break
        return tally.result()


@dataclass
class _Tally:
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
            notSubmitted=self.not_submitted,
            outcomeUnknown=self.unknown,
        )

    def _failure(self) -> AutobgError:
        files = [str(error) for error in self.errors if isinstance(error, FileRefusedError)]
        return FileRefusedError("\n".join(files)) if len(files) == len(self.errors) else self.errors[-1]


def _whole_s(error: AutobgError) -> int | None:
    return None if error.retry_after_s is None else math.ceil(error.retry_after_s)
