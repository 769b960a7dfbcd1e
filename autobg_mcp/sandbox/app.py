"""The sandbox as an ASGI application: routing table, key, limit, failures on demand, and inspection.

A request passes: key → limit → read and record → failure on demand → contract → the endpoint's own answer.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, get_args

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from autobg_mcp.sandbox import answers, billing, failures, reading, stand_ins, submitting
from autobg_mcp.sandbox.exchanges import Exchange, exchanges
from autobg_mcp.sandbox.failures import ConnectionDropped, refusal
from autobg_mcp.sandbox.inspection import Inspection
from autobg_mcp.sandbox.reading import Asked, BodyKind, Contract, Refused
from autobg_mcp.sandbox.recording import RecordedRequest
from autobg_mcp.sandbox.visit import Visit
from autobg_mcp.sandbox.world import FakeAccount, World

PREFIX: Final = "/public/api/v1"

# tool, method, path, body, requests a window, fields: * required, @ file, ... others too
TABLE: Final = """
createTemplate                   POST /templates/create                          form  100 background@* side@ frontRear@ numberPlate@ brandLogo@ numPlate* bAlignment name* numPlateBgHexCode
listTemplates                    POST /templates/list                            none  100
uploadImagesWithoutTemplate      POST /images/uploadWithoutTemplateCC            form   10 cc@* numberPlate* numPlateProcessor* processType*
uploadImagesWithTemplate         POST /images/uploadWithTemplateCC               form   10 cc@* numberPlate* templateCC* processType*
uploadImagesWithDynamicBranding  POST /images/uploadWithTemplateCCDynamicBranding form  10 cc@* numberPlate* templateCC* processType* ...
getImageStatus                   POST /images/imagesStatus                       json  100 batchID*
reportImages                     POST /images/reportImages                       json   10 picIDs* reportReason* reportComment
getImagesBase64                  GET  /images/getImagesBase64                    query 100 picID*
getImagesRaw                     GET  /images/getImagesRaw                       query 100 picID*
getUserUsage                     POST /user/getUsage                             json  100 reportOption startDate endDate
getUserCreditDetails             POST /user/getUserCreditDetails                 none  100
replaceNumPlateS3                POST /images/replaceNumPlateS3-v3               json   10 numberPlate* clientS3Uris* numberPlateS3String numPlateProcessor* processType*
replaceNumPlate                  POST /images/replaceNumPlate-v3                 form   10 cc@* numberPlate* numPlateProcessor* numPlateImage@ processType*
uploadS3UrlsWithoutTemplate      POST /images/uploadWithoutTemplateCC-v2         json   10 numberPlate* processType* clientS3Uris*
uploadS3UrlsWithTemplate         POST /images/uploadWithTemplateCC-v2            json   10 numberPlate* templateCC* processType* clientS3Uris*
uploadS3UrlsWithDynamicBranding  POST /images/uploadWithTemplateCCDynamicBranding-v2 json 10 numberPlate* templateCC* processType* clientS3Uris* ...
downloadProcessedImages          POST /images/downloadImages-v2                  json  100 picIDs batchID
sendImagesForQA                  POST /images/sendForQA-v2                       json   10 picIDs*
listLibraryTemplates             GET  /templates/library                         none  100
uploadImagesWithLibraryTemplate  POST /images/uploadWithDefaultTemplateCC        form   10 cc@* numberPlate* templateCC* processType*
"""

Act = Callable[[Visit], Awaitable[Response]]
# what an endpoint does; one that has no line here answers its documented exchange
ACTS: Final[dict[str, Act]] = {
    "createTemplate": answers.create_template,
    "listTemplates": answers.list_templates,
    "uploadImagesWithoutTemplate": submitting.without_template,
    "uploadImagesWithTemplate": submitting.with_template,
    "uploadImagesWithDynamicBranding": submitting.with_dynamic_branding,
    "getImageStatus": answers.images_status,
    "reportImages": answers.report_images,
    "getImagesBase64": answers.image_base64,
    "getImagesRaw": answers.image_raw,
    "getUserUsage": billing.usage,
    "getUserCreditDetails": billing.credit_details,
    "replaceNumPlateS3": submitting.s3_replace_plate,
    "replaceNumPlate": submitting.replace_plate,
    "uploadS3UrlsWithoutTemplate": submitting.s3_without_template,
    "uploadS3UrlsWithTemplate": submitting.s3_with_template,
    "uploadS3UrlsWithDynamicBranding": submitting.s3_with_dynamic_branding,
    "downloadProcessedImages": answers.download_images,
    "sendImagesForQA": answers.send_for_qa,
    "listLibraryTemplates": answers.list_library,
    "uploadImagesWithLibraryTemplate": submitting.with_library_template,
}


@dataclass(frozen=True, slots=True)
class TableLine:
    """One line of the table."""

    tool: str
    method: str
    path: str
    body: BodyKind
    limit: int
    contract: Contract


def endpoints() -> tuple[TableLine, ...]:
    """Read the table."""
    lines = [line.split(maxsplit=5) for line in TABLE.strip().splitlines()]
    bodies = {str(kind): kind for kind in get_args(BodyKind)}
    return tuple(
        TableLine(tool, method, path, bodies[body], int(limit), Contract.of(" ".join(words)))
        for tool, method, path, body, limit, *words in lines
    )


class SandboxApp(Starlette):
    """Starlette that can also break a connection; a broken one leaves no answer and no trace in uvicorn's log."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; where no socket can be closed, `ConnectionDropped` goes to whoever called."""
        scope["sandbox.send"] = send
        try:
            await super().__call__(scope, receive, send)
        except ConnectionDropped:
            if not scope.get("sandbox.closed"):
                raise


class Desk:
    """Serves one endpoint: everything up to the endpoint's own answer."""

    def __init__(self, world: World, endpoint: TableLine) -> None:
        self.world = world
        self.endpoint = endpoint
        self.act = None if world.options.replay else ACTS.get(endpoint.tool)
        self.limit = world.options.limits.get(endpoint.path, endpoint.limit)

    async def serve(self, request: Request) -> Response:
        """Answer a request, or break its connection."""
        try:
            return await self._serve(request)
        except ConnectionDropped:
            request.scope["sandbox.closed"] = await failures.close_socket(request.scope["sandbox.send"])
            raise

    async def _serve(self, request: Request) -> Response:
        world, path = self.world, self.endpoint.path
        at, account = world.now(), world.account(request.headers.get("authorization", ""))
        wait_s = world.limits.admit(account.user, path, self.limit, at) if account else 0.0
        async with await reading.read(request, self.endpoint.body) as asked:
            world.record(_recorded(request, asked, at, account))
            if account is None:
                return refusal(failures.UNAUTHORIZED, 401)
            if wait_s:
                world.refused_429_by_path[path] += 1
                return failures.too_many(wait_s)
            failure = world.take_failure(path)
            early = failures.early_answer(failure) if failure else None
            if early is not None:
                return early
            answer = await self._act(Visit(world, account, asked, request))
            return await failures.spoil(failure, answer, world.sleep) if failure else answer

    async def _act(self, visit: Visit) -> Response:
        if self.act is None:
            return _replayed(exchanges()[self.endpoint.tool])
        try:
            if visit.asked.fault is not None:
                raise visit.asked.fault
            self.endpoint.contract.check(visit.asked)
            return await self.act(visit)
        except Refused as refused:
            return refusal(refused.message, refused.status_code)


def create_app(world: World) -> Starlette:
    """Put the endpoints and the inspection of a world together."""
    desks = [Desk(world, endpoint) for endpoint in endpoints()]
    routes = [
        Route(PREFIX + desk.endpoint.path, desk.serve, methods=[desk.endpoint.method]) for desk in desks
    ]
    routes += Inspection(world).routes()
    app = SandboxApp(routes=routes, exception_handlers={HTTPException: _no_such_page})
    app.state.world = world
    return app


async def _no_such_page(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.detail, error.status_code)


def _replayed(example: Exchange) -> Response:
    """Answer the documents' example; a picture where the example is one."""
    media_type = example.response.contentType
    if example.response.body is not None:
        content = json.dumps(example.response.body).encode()
    elif media_type == "text/plain":
        content = base64.b64encode(stand_ins.stand_in(example.tool))
    else:
        content = stand_ins.stand_in(example.tool)
    return Response(content, example.response.status, media_type=media_type)


def _recorded(request: Request, asked: Asked, at: float, account: FakeAccount | None) -> RecordedRequest:
    headers = {name: value for name, value in request.headers.items() if name != "authorization"}
    return RecordedRequest(
        request.method,
        request.url.path,
        request.url.query,
        headers,
        headers.get("content-type", ""),
        asked.body,
        asked.parts,
        at,
        account.user if account else "",
    )
