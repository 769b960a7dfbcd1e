"""Calls the API: waits for a free slot, sends, and turns refusals into errors. The only module that imports httpx."""

import email.utils
import json
import math
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self, TypedDict

import anyio
import httpx
import truststore
from starlette.types import ASGIApp

from autobg_mcp import __version__
from autobg_mcp.context import Call, Context, OnWire, unwatched
from autobg_mcp.errors import ApiError, ConnectionFailedError, RateLimitedError, ServerFaultError, cleaned
from autobg_mcp.exchange import Answer, FilePart, Request, error_in, lost, unexpected
from autobg_mcp.ledger import Ledger
from autobg_mcp.pictures.fence import Fence
from autobg_mcp.pictures.outbox import Outbox
from autobg_mcp.settings import Settings, account_of
from autobg_mcp.throttle import Slot, Throttle, Waiting, open_throttle, parse_rate_limits
from autobg_mcp.tool import ResultT_co, Tool

CONNECT_TIMEOUT_S = 8.0
"""With the moment a request takes to be written, below the throttle's reach of 10 s."""

MAX_ANSWER_BYTES = 64 * 2**20
"""A larger answer is refused while it arrives."""

SHORTEST_KEY_CHARS = 8


class Client:
    """The Autobg API for Python: `await client.call(ListTemplates())`.

    One client serves any number of concurrent calls. Use it as an async context manager.

    Args:
        settings: Where the API is, the key, the folders and the limits.
        throttle: Keeps calls under the API's limits; None opens the one the settings name.
        fence: Which local files may be read; None allows the folders in the settings.
        app: An ASGI application that stands in for the network, such as the sandbox; None is the network.
        clock: Seconds that only grow, for the time budgets of calls.
        sleep: Passes seconds while a tool waits.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        throttle: Throttle | None = None,
        fence: Fence | None = None,
        app: ASGIApp | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.throttle = throttle or open_throttle("memory:", state_dir=settings.state_dir)
        self._limits = parse_rate_limits(settings.rate_limits)
        self._fence = fence or Fence(settings.image_dirs)
        self._outbox = Outbox(settings.output_folder())
        self._ledger = Ledger(settings.state_dir)
        self._transport = None if app is None else _InProcess(app)
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, the throttle and the ledger."""
        if self._http is not None:
            await self._http.aclose()
        await self.throttle.aclose()
        self._ledger.close()

    async def call(self, tool: Tool[ResultT_co], call: Call | None = None) -> ResultT_co:
        """Run one tool and answer its typed result.

        Raises:
            AutobgError: It could not be done; the error says whether credits were spent and what to do next.
        """
        call = call or Call(max_wait_s=self.settings.max_wait_s, clock=self.clock, sleep=self.sleep)
        context = Context(
            api=self,
            settings=self.settings,
            fence=self._fence,
            outbox=self._outbox,
            ledger=self._ledger,
            account=account_of(call.key or self.settings.key(), self.settings.base_url),
            call=call,
        )
        return await tool.run(context)

    async def send(self, request: Request, call: Call, on_wire: OnWire = unwatched) -> Answer:
        """Send one request as often as is safe, and answer its success.

        A 429 means that the API did not act, so any request is tried again once its gate opens. A request that never
        reached the API is tried again once; a lost answer only where asking again changes nothing.

        Raises:
            AutobgError: There is no success; the error says whether credits may have been spent.
        """
        tries_left: dict[type[ApiError], int] = {
            RateLimitedError: 3,
            ConnectionFailedError: 1,
            ServerFaultError: 1,
        }
        refused: Slot | None = None
        while True:
            try:
                answer, error, refused = await self._send_once(request, call, on_wire, refused)
            except ConnectionFailedError as failure:
                answer, error = None, failure
            if answer is not None and error is None:
                return answer
            kind = next((kind for kind in tries_left if isinstance(error, kind)), None)
            if error is None or kind is None or not error.repeatable or not tries_left[kind]:
                raise error or unexpected(request, "nothing")
            tries_left[kind] -= 1

    async def _send_once(
        self, request: Request, call: Call, on_wire: OnWire, refused: Slot | None
    ) -> tuple[Answer, ApiError | None, Slot]:
        """Wait for a slot and use it; `refused` is the slot of an attempt that a 429 turned away."""
        key = call.key or self.settings.key()
        limit = self._limits.get(request.tool) or self._limits.get("*") or request.rate

        async def tell(waiting: Waiting) -> None:
            await call.progress(
                f"Waiting about {math.ceil(waiting.left_s)} s for a free slot of {request.tool} "
                f"({limit.calls} calls per {limit.window_s:g} s), number {waiting.place} in the queue."
            )

        async with self.throttle.slot(
            f"{account_of(key, self.settings.base_url)}:{request.tool}",
            limit,
            max_wait_s=call.time_left_s(),
            on_wait=tell,
            after=refused,
        ) as slot:
            call.waited_s += slot.waited_s
            call.left[request.tool] = slot.left
            answer = await self._transfer(request, key.get_secret_value(), slot, on_wire)
            error = error_in(request, answer)
            limited = isinstance(error, RateLimitedError)
            await slot.answered(refused=limited, retry_after_s=answer.retry_after_s)
            if limited:
                await on_wire(False)
        return answer, error, slot

    async def _transfer(self, request: Request, secret: str, slot: Slot, on_wire: OnWire) -> Answer:
        """Put one request on the wire and read its whole answer."""

        async def watch(event: str, _info: Mapping[str, object]) -> None:
            if event.endswith("send_request_headers.started"):
                await on_wire(True)
                slot.sent()

        if self._transport is not None:  # only the network reports its events
            await watch("send_request_headers.started", {})
        try:
            with anyio.fail_after(self.settings.timeout_s):
                async with self._open().stream(
                    request.method,
                    self.settings.base_url.rstrip("/") + request.path,
                    params=request.query,
                    extensions={"trace": watch},
                    **_body(request, secret),
                ) as response:
                    content = await _content(request, response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            host = cleaned(httpx.URL(self.settings.base_url).host, 80)
            raise ConnectionFailedError(
                f"{request.tool}: no connection to {host} ({type(error).__name__})."
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise lost(request, f"no answer within {self.settings.timeout_s:g} s") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise lost(request, f"the connection broke ({type(error).__name__})") from None
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            content=_without(secret, content),
            retry_after_s=_retry_after_s(response),
        )

    def _open(self) -> httpx.AsyncClient:
        """The HTTP client, opened at the first request: loading the certificates takes longer than starting up."""
        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=self._transport,
                verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                timeout=httpx.Timeout(
                    self.settings.timeout_s, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S
                ),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
                headers={"User-Agent": f"autobg-mcp/{__version__}"},
            )
        return self._http


class _InProcess(httpx.ASGITransport):
    """Carries requests to an application in this process; what it raises is a connection that breaks."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except Exception as error:  # over a network nobody sees what broke behind it
            raise httpx.ReadError(type(error).__name__) from error


class _Body(TypedDict, total=False):
    headers: dict[str, str]
    content: bytes
    files: list[tuple[str, tuple[str | None, bytes | str, str | None]]]


def _body(request: Request, secret: str) -> _Body:
    """Headers and body as httpx takes them; every form field goes through `files`, which keeps their order."""
    headers = {"Authorization": secret}
    if request.body is not None:
        headers["Content-Type"] = "application/json"
        return _Body(headers=headers, content=json.dumps(request.body, ensure_ascii=False).encode())
    if request.form is None:
        return _Body(headers=headers)
    return _Body(
        headers=headers,
        files=[
            (
                name,
                (part.file_name, part.content, part.mime)
                if isinstance(part, FilePart)
                else (None, part, None),
            )
            for name, part in request.form
        ],
    )


def _without(secret: str, content: bytes) -> bytes:
    """The content without the key, should the API echo it; pictures are left alone."""
    if len(secret) < SHORTEST_KEY_CHARS or content[:1] in (b"\xff", b"\x89", b"R", b"P"):
        return content
    return content.replace(secret.encode(), b"[API key]")


async def _content(request: Request, response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise unexpected(request, f"more than {MAX_ANSWER_BYTES // 2**20} MB")
    return bytes(content)


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds in `Retry-After`, in its two forms; a date counts from the answer's own, not from our clock."""
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
        sent = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (until - sent).total_seconds())
    except (TypeError, ValueError):
        return None
