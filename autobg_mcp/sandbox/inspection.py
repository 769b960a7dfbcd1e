"""Looking into a running sandbox over HTTP, and steering it: everything under `/_sandbox`."""

import hmac
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from autobg_mcp.sandbox import failures, stand_ins
from autobg_mcp.sandbox.answers import LIBRARY_PATH, PICTURES_PATH, picture_token
from autobg_mcp.sandbox.failures import refusal
from autobg_mcp.sandbox.submitting import LIBRARY
from autobg_mcp.sandbox.world import FakeAccount, World


class Inspection:
    """Answers for one world: what it counted, failures and time on order, and the pictures behind download links."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """List its five routes."""
        return [
            Route("/_sandbox/state", self._state),
            Route("/_sandbox/failures", self._fail, methods=["POST"]),
            Route("/_sandbox/advance", self._advance, methods=["POST"]),
            Route(PICTURES_PATH + "/{picture_id:int}/{token}", self._picture),
            Route(LIBRARY_PATH + "/{template_id:int}.jpg", self._backdrop),
        ]

    async def _state(self, _: Request) -> Response:
        return JSONResponse(snapshot(self._world))

    async def _fail(self, request: Request) -> Response:
        try:
            failure = failures.ask_failure(json.loads(await request.body()))
        except (ValueError, TypeError) as error:
            return refusal(str(error), 400)
        self._world.failures.append(failure)
        return JSONResponse({"waiting": len(self._world.failures)})

    async def _advance(self, request: Request) -> Response:
        try:
            seconds = float(json.loads(await request.body())["seconds"])
        except (ValueError, TypeError, KeyError):
            return refusal('Send a JSON object such as {"seconds": 60}', 400)
        self._world.advance(seconds)
        return JSONResponse({"now": self._world.now()})

    async def _picture(self, request: Request) -> Response:
        picture_id = int(request.path_params["picture_id"])
        for account in self._world.accounts.values():
            token = picture_token(account.user, picture_id)
            found = account.pictures.get(picture_id)
            if found and hmac.compare_digest(token, request.path_params["token"]):
                return Response(await self._world.result(found), media_type=found.job.media_type)
        return refusal("Not Found", 404)

    async def _backdrop(self, request: Request) -> Response:
        if not request.query_params.get("Expires", "").isdigit():
            return refusal("Forbidden", 403)
        if int(request.query_params["Expires"]) < self._world.now():
            return refusal("Request has expired", 403)
        for template_id, _, colour in LIBRARY:
            if template_id == request.path_params["template_id"]:
                picture = await self._world.in_thread(lambda: stand_ins.backdrop(colour))  # noqa: B023  # used at once
                return Response(picture, media_type="image/jpeg")
        return refusal("Not Found", 404)


def snapshot(world: World) -> dict[str, object]:
    """Sum up a world over all its users, ready for JSON."""
    accounts = world.accounts.values()
    spent = sum(account.spent.total() for account in accounts)
    total = world.options.credits * max(1, len(accounts))
    return {
        "credits_spent": spent,
        "credits_left": total - spent,
        "refused_429": world.refused_429,
        "refused_429_by_path": dict(world.refused_429_by_path),
        "requests": dict(world.requests_by_path),
        "batches": [entry for account in accounts for entry in _batches(account, world.now())],
        "reports": [
            {"user": account.user, "picIDs": report.picture_ids, "reportReason": report.reasons}
            | {"reportComment": report.comment}
            for account in accounts
            for report in account.reports
        ],
    }


def _batches(account: FakeAccount, now_s: float) -> list[dict[str, object]]:
    return [
        {
            "user": account.user,
            "batchID": batch.batch_id,
            "numberPlate": batch.number_plate,
            "pictures": len(batch.pictures),
            "processed": sum(picture.is_processed(now_s) for picture in batch.pictures),
        }
        for batch in account.batches.values()
    ]
