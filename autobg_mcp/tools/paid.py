"""How a call that costs credits goes: approved where that is wanted, paid for once, and nothing lost from the answer."""

import hashlib
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.errors import SpendingRefusedError
from autobg_mcp.money.ledger import Entry, Intent
from autobg_mcp.money.purchase import Verdict
from autobg_mcp.text import at, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.account import GetUserCreditDetails
from autobg_mcp.tools.tally import Accepted

AcceptedT_co = TypeVar("AcceptedT_co", bound=Accepted, covariant=True)


class Submission(Endpoint[AcceptedT_co], Generic[AcceptedT_co]):
    """An endpoint that costs credits: every picture is paid for once."""

    effect = "spends"
    idempotent = True  # the ledger answers a repeat
    audited_fields = ("batchID",)

    allowDuplicate: Annotated[bool, Field(exclude=True, description="Pay again for a repeat.")] = False

    async def earlier(self, picture: Intent, context: Context) -> Entry | None:
        """The accepted submission that a picture repeats, unless the caller wants to pay again."""
        return None if self.allowDuplicate else await context.till.earlier(picture, context.time)

    async def pay(self, request: Request, pictures: list[Intent], context: Context) -> AcceptedT_co:
        """Send one request and pay for the pictures in it.

        Raises:
            AlreadySubmittedError: Another call was faster with one of them; nothing was sent.
            AutobgError: They were not accepted, or nobody knows.
        """

        async def read(answer: Answer) -> tuple[AcceptedT_co, list[Verdict]]:
            result = await self.parse(request, answer, context)
            return result, result.verdicts(len(pictures))

        result, unwritten = await context.till.pay(
            context.tries(request), pictures, read, allow_duplicate=self.allowDuplicate
        )
        result.unwritten(unwritten)
        return result

    def recorded(self, repeated: Entry) -> AcceptedT_co:
        """The answer to a repeat, from the ledger."""
        note = f"not sent again: submitted at {at(repeated.at)}; allowDuplicate: true would pay once more"
        images = [{"fileName": repeated.file_name}]
        return self.result_type().model_validate(
            {"batchID": repeated.batch_id, "images": images, "note": note}
        )

    def intent(self, request: Request, name: str, context: Context) -> Intent:
        """How the ledger writes down the one picture of a request."""
        template, file = getattr(self, "templateCC", None), request.file()
        return Intent(
            account=context.account.id,
            host=context.call.host,
            tool=self.tool,
            vehicle=self.vehicle(),
            template=None if template is None else str(template),
            file_name=name,
            pictures=1,
            fingerprint=request.fingerprint(),
            source=file.source if file else None,
            process_type=getattr(self, "processType", None),
        )

    def vehicle(self) -> str:
        """The id of the vehicle, a field that each endpoint declares in the place its documents give it."""
        return str(dict(self)["numberPlate"])

    def audited(self, result: Result | None) -> dict[str, str | None]:
        """The vehicle, too."""
        return {"vehicle": self.vehicle(), **super().audited(result)}


async def approve(pictures: list[Intent], context: Context) -> None:
    """Ask the person at the host before credits are spent, where the settings want that.

    Raises:
        SpendingRefusedError: They said no, or there is no way to ask.
    """
    if context.settings.approve != "paid":
        return
    first, count = pictures[0], sum(picture.pictures for picture in pictures)
    credits_left = (await GetUserCreditDetails().run(context)).current_credits
    question = (
        f"{first.tool}: submit {count} picture{'' if count == 1 else 's'} of vehicle {quoted(first.vehicle, 60)} "
        f"for up to {count} credit{'' if count == 1 else 's'}? {credits_left} credits are left."
    )
    fingerprints = [picture.fingerprint for picture in pictures]
    subject = hashlib.sha256("".join([context.account.id, *fingerprints]).encode()).hexdigest()
    left_s = context.time.left_s()
    approved = await context.call.ask(question, subject)
    context.time.give_back(left_s - context.time.left_s())
    if not approved:
        raise SpendingRefusedError(f"{first.tool}: the user did not approve. Nothing was sent.")
