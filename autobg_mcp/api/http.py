"""Puts requests on the wire and reads answers: the only module that imports httpx."""

import ssl
from contextlib import ExitStack, nullcontext
from functools import cache, partial
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx
import truststore
from pydantic import SecretStr

from autobg_mcp.api.bodies import LARGE_BYTES, BodyRefusedError, gathered, without_key
from autobg_mcp.api.call import TimeBudget
from autobg_mcp.api.exchange import Answer, Request, lost, unexpected
from autobg_mcp.api.links import public_address
from autobg_mcp.api.outgoing import body_of
from autobg_mcp.api.stamps import Stamps
from autobg_mcp.api.unreachable import no_connection, proxy_for
from autobg_mcp.errors import ApiError, ConfigurationError, LinkRefusedError
from autobg_mcp.installation import adding
from autobg_mcp.settings import Settings
from autobg_mcp.text import quoted
from autobg_mcp.throttle import Slot

if TYPE_CHECKING:
    from starlette.types import ASGIApp

CONNECT_TIMEOUT_S = 8.0
"""With the moment a request takes to be written, below the throttle's reach of 10 s."""

MAX_LINKED_BYTES = 64 * 2**20
"""What a link leads to is refused while it arrives where it is larger."""

MAX_REFUSAL_BYTES = 64 * 2**10
"""A refusal is known by its status; its words are dropped where they are longer."""

MAX_REDIRECTS = 3
HTTP_OK, HTTP_REDIRECTED = 200, 300


class Http:
    """The connections to the API and to the links it answers with.

    Args:
        settings: Where the API is, and how long a request may take.
        app: An ASGI application that stands in for the network, such as the sandbox; None is the network.
    """

    def __init__(self, settings: Settings, app: "ASGIApp | None" = None) -> None:
        self.settings = settings
        self._transport = None if app is None else _InProcess(app)
        self._http: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def transfer(self, request: Request, key: SecretStr, slot: Slot, time: TimeBudget) -> Answer:
        """Put one request on the wire, stamping its slot, and read its whole answer.

        What is free is broken off when its call has to answer; what spends has the whole time of a request, since its
        answer tells what was paid for.

        Raises:
            ConnectionFailedError: It never reached the API.
            OutcomeUnknownError: It may have, but no whole answer came back.
            ConfigurationError: The address or a proxy cannot be used.
        """
        secret, stamps, http = key.get_secret_value(), Stamps(slot), self._open()
        most_s = self._most_s(None if request.spends else time)
        if self._transport is not None:  # only the network reports its events
            stamps.begin()
        try:
            end = nullcontext() if request.spends else time.ending()
            with ExitStack() as opened, anyio.fail_after(self.settings.timeout_s), end:
                async with http.stream(
                    request.method,
                    self.settings.base_url + request.path,
                    params=request.query,
                    extensions={"trace": stamps},
                    **body_of(request, secret, opened),
                ) as response:
                    content = await _taken_in(request, response)
        except (httpx.InvalidURL, UnicodeError):  # the second: of a name that begins with xn-- and is none
            raise ConfigurationError("AUTOBG_BASE_URL names no valid address.") from None
        except Exception as error:
            # What speaks SOCKS raises errors of its own while it asks for the way.
            if stamps.begun and not isinstance(error, httpx.TransportError | TimeoutError):
                raise
            begun = stamps.begun and not isinstance(error, httpx.ConnectError)
            raise self._broken(request, error, most_s, begun=begun) from None

        read = partial(_read, response, secret, content)
        return await anyio.to_thread.run_sync(read) if len(content) > LARGE_BYTES else read()

    def _most_s(self, time: TimeBudget | None) -> float:
        """How long a request may take, in seconds: until its call ends, unless that is None."""
        timeout_s = self.settings.timeout_s
        return timeout_s if time is None else min(timeout_s, round(time.ends_in_s()))

    def _broken(self, request: Request, error: Exception, most_s: float, *, begun: bool) -> ApiError:
        """The error for a request without a whole answer; of one that had not `begun` to leave, all is known."""
        if not begun:
            reach_s = min(CONNECT_TIMEOUT_S, most_s)
            return no_connection(request.tool, self.settings.base_url, error, reach_s)
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return lost(request, f"no answer within {most_s:g} s")
        return lost(request, f"the connection broke ({type(error).__name__})")

    async def fetch(self, link: str, time: TimeBudget) -> bytes:
        """What a link from an answer leads to, by the end of the call; the key is not sent along.

        Links to the API's own address go the API's way. All others are public https addresses: each is looked up once,
        connected to directly and never through a proxy, which would look it up again; every redirect anew.

        Raises:
            LinkRefusedError: It is not fetched, or it did not lead to anything within size and time.
        """
        most_s = self._most_s(time)
        try:
            with anyio.fail_after(self.settings.timeout_s), time.ending():
                for _ in range(MAX_REDIRECTS + 1):
                    answer = await self._get(link)
                    if isinstance(answer, bytes):
                        return answer
                    link = answer
        except (TimeoutError, httpx.TimeoutException):
            raise LinkRefusedError(
                f"The link {quoted(link, 100)} did not answer within {most_s:g} s."
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise LinkRefusedError(f"The link {quoted(link, 100)} failed ({type(error).__name__}).") from None
        raise LinkRefusedError(f"The link {quoted(link, 100)} leads on and on.")

    async def _get(self, link: str) -> bytes | str:
        """The content behind a link, or the link it redirects to."""
        url, base = httpx.URL(link), httpx.URL(self.settings.base_url)
        is_own = (url.scheme, url.raw_host, url.port) == (base.scheme, base.raw_host, base.port)
        headers: dict[str, str] = {}
        extensions = {}
        if not is_own:
            target = await anyio.to_thread.run_sync(public_address, link, abandon_on_cancel=True)
            named = httpx.URL(target.url).copy_with(host=target.host)
            url, headers["Host"] = named.copy_with(host=target.ip), named.netloc.decode()
            extensions["sni_hostname"] = target.host
        # A connection is never used again: one to a shared address was opened in the name of another host.
        async with (
            self._new_http(proxy_for(self.settings.base_url) if is_own else None) as http,
            http.stream("GET", url, headers=headers, extensions=extensions) as response,
        ):
            if response.has_redirect_location:
                return str(httpx.URL(link).join(response.headers["location"]))
            if response.status_code != HTTP_OK:
                raise LinkRefusedError(f"The link {quoted(link, 100)} answered HTTP {response.status_code}.")
            try:
                return await gathered(response.aiter_raw(), _encoding(response), MAX_LINKED_BYTES)
            except BodyRefusedError as error:
                raise LinkRefusedError(f"The link {quoted(link, 100)} leads to {error}.") from None

    def _open(self) -> httpx.AsyncClient:
        """The HTTP client, opened at the first request: loading the certificates takes longer than starting up."""
        self._http = self._http or self._new_http(proxy_for(self.settings.base_url))
        return self._http

    def _new_http(self, proxy: str | None) -> httpx.AsyncClient:
        """An HTTP client without cookies; it goes through the API's proxy, or where that is None through none.

        Raises:
            ConfigurationError: That proxy cannot be used.
        """
        try:
            http = self._bare_http(proxy)
        except ImportError:
            raise ConfigurationError(
                "The way to the API leads through a SOCKS proxy (ALL_PROXY or HTTPS_PROXY), which this installation cannot "
                f"speak: {adding('socks')}, or name the API's host in NO_PROXY."
            ) from None
        except (ValueError, httpx.InvalidURL) as error:
            raise ConfigurationError(
                f"What HTTPS_PROXY or ALL_PROXY names is no proxy's address ({type(error).__name__})."
            ) from None
        http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return http

    def _bare_http(self, proxy: str | None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            timeout=httpx.Timeout(self.settings.timeout_s, connect=CONNECT_TIMEOUT_S, pool=CONNECT_TIMEOUT_S),
            # Bytes that a server sends behind an answer would count as the answer to the next request, of another photo.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            headers={"User-Agent": _user_agent(), "Accept-Encoding": "identity"},
            proxy=None if self._transport else proxy,
            trust_env=False,
        )


@cache
def _user_agent() -> str:
    """What the server calls itself; a client is opened for every link, and the installed metadata is parsed once."""
    return f"autobg-mcp/{version('autobg-mcp')}"


class _InProcess(httpx.ASGITransport):
    """Carries requests to an application in this process; what it raises is a connection that breaks, or is refused."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionRefusedError as error:
            raise httpx.ConnectError(str(error)) from error
        except Exception as error:  # over a network nobody sees what broke behind it
            raise httpx.ReadError(type(error).__name__) from error


async def _taken_in(request: Request, response: httpx.Response) -> bytes:
    """The body of an answer, bounded.

    Raises:
        UnexpectedAnswerError: A success has a body that is not taken in.
    """
    failed = response.status_code >= HTTP_REDIRECTED
    max_bytes = MAX_REFUSAL_BYTES if failed else request.max_answer_bytes
    try:
        return await gathered(response.aiter_raw(), _encoding(response), max_bytes)
    except BodyRefusedError as error:
        if failed:
            return b""
        raise unexpected(request, str(error)) from None


def _read(response: httpx.Response, secret: str, content: bytes) -> Answer:
    """The answer, read once and without the key."""
    answer = Answer(
        status=response.status_code,
        content=without_key(secret, content),
        headers=dict(response.headers),
    )
    answer.unfold()
    return answer


def _encoding(response: httpx.Response) -> str:
    encoding: str = response.headers.get("content-encoding", "")
    return encoding
