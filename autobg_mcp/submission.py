"""How a call that costs credits goes: one request per picture, paid for once, and nothing lost from the answer."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, Self, TypeVar

from pydantic import BeforeValidator, Field

from autobg_mcp import ledger
from autobg_mcp.context import Context
from autobg_mcp.endpoint import Endpoint
from autobg_mcp.endpoints.account import GetUserCreditDetails
from autobg_mcp.endpoints.fields import AnswerID, Flag, Images
from autobg_mcp.errors import (
    AutobgError,
    FileRefusedError,
    OutcomeUnknownError,
    SpendingRefusedError,
    StillUnknownError,
    ThrottledError,
    cleaned,
    quoted,
)
from autobg_mcp.exchange import Answer, Request
from autobg_mcp.ledger import Entry
from autobg_mcp.spending import AlreadySubmittedError, Purchase, Verdict, at
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


AcceptedT_co = TypeVar("AcceptedT_co", bound=Accepted, covariant=True)


class Submission(Endpoint[AcceptedT_co], Generic[AcceptedT_co]):
    """An endpoint that costs credits: one request, paid for once."""

    effect = "spends"
    idempotent = True  # the ledger answers a repeat

    allowDuplicate: Annotated[bool, Field(exclude=True, description="Pay again for a repeat.")] = False

    async def run(self, context: Context) -> AcceptedT_co:
        """Submit these links, unless that was done before.

        Raises:
            AutobgError: They were not accepted, or nobody knows.
        """
        request = await self.request(context)
        if earlier := await self.purchase(request, context).earlier():
            return self.recorded(earlier)
        await approve([self.entry(request, context)], context)
        return await self.submit(request, context)

    async def submit(self, request: Request, context: Context) -> AcceptedT_co:
        """Pay for one request, or answer with the batch that it already went into."""

        async def read(answer: Answer) -> tuple[AcceptedT_co, Verdict]:
            result = await self.read(request, answer, context)
            return result, result.verdict()

        purchase = self.purchase(request, context)
        try:
            earlier = await purchase.earlier()
            return self.recorded(earlier) if earlier else await purchase.send(read)
        except AlreadySubmittedError:
            # Another process was faster in this very moment: its answer is ours.
            earlier = await purchase.earlier()
            if earlier is None:
                raise OutcomeUnknownError(
                    f"{self.tool}: another call sent the same and was refused.", spent="no", repeatable=True
                ) from None
            return self.recorded(earlier)

    def recorded(self, earlier: Entry) -> AcceptedT_co:
        """The answer to a repeat, from the ledger."""
        remark = f" ({earlier.reason})" if earlier.reason else ""
        return self.result_type().model_validate(
            {
                "batchID": earlier.batch_id,
                "images": [{"fileName": name} for name in earlier.file_name.split("\n")],
                "note": f"not sent again: submitted at {at(earlier.at)}{remark}; allowDuplicate: true would pay once more",
            }
        )

    def entry(self, request: Request, context: Context) -> ledger.Submission:
        """How the ledger writes one request down."""
        fields: dict[str, object] = dict(self)
        file, links = request.file(), fields.get("clientS3Uris")
        names = [str(link).rpartition("/")[2] for link in links] if isinstance(links, list) else []
        return ledger.Submission(
            account=context.account,
            host=context.call.host,
            tool=self.tool,
            vehicle=str(fields["numberPlate"]),
            template=None if fields.get("templateCC") is None else str(fields["templateCC"]),
            file_name=file.file_name if file else "\n".join(names),
            pictures=1 if file else len(names),
            fingerprint=request.fingerprint(),
            source=file.source if file else None,
        )

    def purchase(self, request: Request, context: Context) -> Purchase:
        """One request of this submission, to be paid for once."""
        return Purchase(request, self.entry(request, context), context, allow_duplicate=self.allowDuplicate)


class PhotoSubmission(Submission[Submitted]):
    """A submission of local photos: in order, one request each, every photo read just before it is sent."""

    images: Images

    async def run(self, context: Context) -> Submitted:
        """Submit every photo that can be submitted within the call's time.

        Raises:
            AutobgError: Not one photo was accepted.
        """
        paths = await context.consult(context.fence.find, self.images)
        approved = await self._approved(paths, context)
        tally = _Tally()
        for number, path in enumerate(paths):
            await context.call.progress(
                f"Submitting photo {number + 1} of {len(paths)}", done=number, total=len(paths)
            )
            try:
                tally.accepted.append(await self._submit(path, approved, context))
            except (FileRefusedError, StillUnknownError) as error:
                tally.add(path, error)
            except AutobgError as error:
                tally.add(path, error)
                tally.stop(paths[number + 1 :], error)
                break
        return tally.result()

    def of(self, path: Path) -> Self:
        """This submission for one photo alone."""
        return self.model_copy(update={"images": [str(path)]})

    async def _submit(self, path: Path, approved: list[str] | None, context: Context) -> Submitted:
        single = self.of(path)
        request = await single.request(context)
        if approved is None:
            return await single.submit(request, context)
        if request.fingerprint() in approved:
            approved.remove(request.fingerprint())  # an approval pays once
            return await single.submit(request, context)
        if earlier := await single.purchase(request, context).earlier():
            return single.recorded(earlier)
        raise FileRefusedError(f"{path} is not what was approved; it was not sent.")

    async def _approved(self, paths: list[Path], context: Context) -> list[str] | None:
        """The fingerprints that a person has approved; None where no approval is wanted."""
        if context.settings.approve != "paid":
            return None
        unpaid = []
        for path in paths:
            single = self.of(path)
            with suppress(FileRefusedError, StillUnknownError):
                request = await single.request(context)
                if await single.purchase(request, context).earlier() is None:
                    unpaid.append(single.entry(request, context))
        if unpaid:
            await approve(unpaid, context)
        return [submission.fingerprint for submission in unpaid]


async def approve(submissions: list[ledger.Submission], context: Context) -> None:
    """Ask the person at the host before credits are spent, where the settings want that.

    Raises:
        SpendingRefusedError: They said no, or there is no way to ask.
    """
    if context.settings.approve != "paid":
        return
    first, pictures = submissions[0], sum(submission.pictures for submission in submissions)
    credits_left = (await GetUserCreditDetails().run(context)).current_credits
    question = (
        f"{first.tool}: submit {pictures} picture{'' if pictures == 1 else 's'} of vehicle {quoted(first.vehicle, 60)} "
        f"for up to {pictures} credit{'' if pictures == 1 else 's'}? {credits_left} credits are left."
    )
    fingerprints = [submission.fingerprint for submission in submissions]
    subject = hashlib.sha256("".join([context.account, *fingerprints]).encode()).hexdigest()
    if not await context.call.ask(question, subject):
        raise SpendingRefusedError(f"{first.tool}: the user did not approve. Nothing was sent.")


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
