"""How a call that costs credits goes: one request per picture, paid for once, and nothing lost from the answer."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Generic, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field

from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.errors import (
    AutobgError,
    FileRefusedError,
    RequestRefusedError,
    SpendingRefusedError,
    StillUnknownError,
)
from autobg_mcp.money import ledger
from autobg_mcp.money.ledger import Entry
from autobg_mcp.money.purchase import AlreadySubmittedError, Purchase, Verdict, earlier
from autobg_mcp.text import at, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.tools.account import GetUserCreditDetails
from autobg_mcp.tools.fields import Images
from autobg_mcp.tools.tally import Accepted, LinkTally, Submitted, Tally

AcceptedT_co = TypeVar("AcceptedT_co", bound=Accepted, covariant=True)


class Submission(Endpoint[AcceptedT_co], Generic[AcceptedT_co]):
    """An endpoint that costs credits: every picture is paid for once."""

    effect = "spends"
    idempotent = True  # the ledger answers a repeat

    allowDuplicate: Annotated[bool, Field(exclude=True, description="Pay again for a repeat.")] = False

    async def earlier(self, picture: ledger.Intent, context: Context) -> Entry | None:
        """The accepted submission that a picture repeats, unless the caller wants to pay again."""
        return None if self.allowDuplicate else await earlier(picture, context)

    async def pay(self, request: Request, pictures: list[ledger.Intent], context: Context) -> AcceptedT_co:
        """Send one request and pay for the pictures in it.

        Raises:
            AlreadySubmittedError: Another call was faster with one of them; nothing was sent.
            AutobgError: They were not accepted, or nobody knows.
        """

        async def read(answer: Answer) -> tuple[AcceptedT_co, list[Verdict]]:
            result = await self.read(request, answer, context)
            return result, result.verdicts(len(pictures))

        return await Purchase(request, pictures, context, allow_duplicate=self.allowDuplicate).send(read)

    def recorded(self, repeated: Entry) -> AcceptedT_co:
        """The answer to a repeat, from the ledger."""
        note = f"not sent again: submitted at {at(repeated.at)}; allowDuplicate: true would pay once more"
        images = [{"fileName": repeated.file_name}]
        return self.result_type().model_validate(
            {"batchID": repeated.batch_id, "images": images, "note": note}
        )

    def picture(self, request: Request, name: str, context: Context) -> ledger.Intent:
        """How the ledger writes down the one picture of a request."""
        fields: dict[str, object] = dict(self)
        file = request.file()
        return ledger.Intent(
            account=context.account,
            host=context.call.host,
            tool=self.tool,
            vehicle=str(fields["numberPlate"]),
            template=None if fields.get("templateCC") is None else str(fields["templateCC"]),
            file_name=name,
            pictures=1,
            fingerprint=request.fingerprint(),
            source=file.source if file else None,
        )


class LinkSubmission(Submission[Accepted]):
    """A submission of links: all that were not submitted before go out in one request."""

    async def run(self, context: Context) -> Accepted:
        """Submit what is new among the links.

        Raises:
            AutobgError: They were not accepted, or nobody knows.
        """
        while True:
            tally, new = LinkTally(), {}
            for link in self.links():
                single = self.of([link])
                name = urlsplit(link).path.rpartition("/")[2]  # what follows may be a signature
                picture = single.picture(await single.request(context), name, context)
                try:
                    repeated = await self.earlier(picture, context)
                except StillUnknownError as error:
                    tally.unknown.append(error)
                    continue
                if repeated:
                    tally.accepted.append(self.recorded(repeated))
                else:
                    new[link] = picture
            with suppress(AlreadySubmittedError):  # then the ledger knows more now
                if new:
                    await approve(list(new.values()), context)
                    part = self.of(list(new))
                    tally.accepted.append(
                        await part.pay(await part.request(context), list(new.values()), context)
                    )
                return tally.result()

    def of(self, links: list[str]) -> Self:
        """This submission for some of its links."""
        return self.model_copy(update={"clientS3Uris": links})

    def links(self) -> list[str]:
        """The links, a field that each endpoint declares in the place its documents give it."""
        links: list[str] = dict(self)["clientS3Uris"]
        return links


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
        tally, refused_before = Tally(), False
        for number, path in enumerate(paths):
            await context.call.progress(
                f"Submitting photo {number + 1} of {len(paths)}", done=number, total=len(paths)
            )
            try:
                tally.accepted.append(await self._submit(path, approved, context))
                refused_before = False
            except (FileRefusedError, StillUnknownError) as error:
                tally.add(path, error)
            except AutobgError as error:
                tally.add(path, error)
                # One refusal may be about that photo alone; a second in a row would meet the rest too.
                if refused_before or not isinstance(error, RequestRefusedError):
                    tally.stop(paths[number + 1 :], error)
                    break
                refused_before = True
        return tally.result()

    def of(self, path: Path) -> Self:
        """This submission for one photo alone."""
        return self.model_copy(update={"images": [str(path)]})

    async def _submit(self, path: Path, approved: list[str] | None, context: Context) -> Submitted:
        single = self.of(path)
        request, picture = await single.ready(context)
        while True:
            if repeated := await self.earlier(picture, context):
                return self.recorded(repeated)
            if approved is not None and picture.fingerprint not in approved:
                raise FileRefusedError(f"{path} is not what was approved; it was not sent.")
            if approved is not None:
                approved.remove(picture.fingerprint)  # an approval pays once
            try:
                return await single.pay(request, [picture], context)
            except AlreadySubmittedError:  # the ledger knows it now, and nothing was paid here
                if approved is not None:
                    approved.append(picture.fingerprint)

    async def ready(self, context: Context) -> tuple[Request, ledger.Intent]:
        """The request for one photo, and how the ledger writes it down."""
        request = await self.request(context)
        file = request.file()
        return request, self.picture(request, file.file_name if file else "", context)

    async def _approved(self, paths: list[Path], context: Context) -> list[str] | None:
        """The fingerprints that a person has approved; None where no approval is wanted."""
        if context.settings.approve != "paid":
            return None
        unpaid: list[ledger.Intent] = []
        for path in paths:
            with suppress(FileRefusedError, StillUnknownError):
                _, picture = await self.of(path).ready(context)
                twin = not self.allowDuplicate and any(
                    one.fingerprint == picture.fingerprint for one in unpaid
                )
                if not twin and await self.earlier(picture, context) is None:
                    unpaid.append(picture)
        if unpaid:
            await approve(unpaid, context)
        return [picture.fingerprint for picture in unpaid]


async def approve(submissions: list[ledger.Intent], context: Context) -> None:
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
    asked_at = context.call.time_left_s()
    approved = await context.call.ask(question, subject)
    context.call.give_back(asked_at - context.call.time_left_s())
    if not approved:
        raise SpendingRefusedError(f"{first.tool}: the user did not approve. Nothing was sent.")
