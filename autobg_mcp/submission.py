"""How a call that costs credits goes: one request per picture, paid for once, and nothing lost from the answer."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Generic, Self, TypeVar

from pydantic import Field

from autobg_mcp import ledger
from autobg_mcp.context import Context
from autobg_mcp.endpoint import Endpoint
from autobg_mcp.endpoints.account import GetUserCreditDetails
from autobg_mcp.endpoints.fields import Images
from autobg_mcp.errors import (
    AutobgError,
    FileRefusedError,
    OutcomeUnknownError,
    SpendingRefusedError,
    StillUnknownError,
    quoted,
)
from autobg_mcp.exchange import Answer, Request
from autobg_mcp.ledger import Entry
from autobg_mcp.outcomes import Accepted, Submitted, Tally
from autobg_mcp.spending import AlreadySubmittedError, Purchase, Verdict, at

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
        tally = Tally()
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
