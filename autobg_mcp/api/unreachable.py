"""The way to the API: which proxy it leads through, and in words why a request never got there."""

import socket
import ssl
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from autobg_mcp.errors import ConnectionFailedError
from autobg_mcp.text import cleaned, quoted

_HTTPS_PORT = 443
_TOO_EARLY, _EXPIRED, _OTHER_HOST, _OTHER_IP = 9, 10, 62, 64
"""OpenSSL's codes for certificates out of their time, and of another host (x509_vfy.h)."""

_TRUST = (
    "Ask the user whether a proxy inspects TLS here: then SSL_CERT_FILE in the env block of the host's configuration names "
    "a file with that proxy's certificate (on macOS and Windows it goes into the system's store instead)."
)
_CLOCK = "Ask the user to check the date of this machine, and AUTOBG_BASE_URL."
_ADDRESS = "Ask the user to check AUTOBG_BASE_URL, and whether the network wants a login."
_PROXY = "Ask the user to check HTTPS_PROXY and its login, or name the API's host in NO_PROXY where no proxy is needed."


class _Why(NamedTuple):
    """Why there is no connection, what to do next (None: as usual), and whether the same may be tried again."""

    words: str
    next_step: str | None = None
    repeatable: bool = True
    hurdle: Literal["network", "certificate"] = "network"


def proxy_for(address: str) -> str | None:
    """The proxy that the environment or the system names for an address; None for none, or where NO_PROXY exempts it.

    Over plain http the API is on this machine, where no proxy reaches it.
    """
    parts, named = urlsplit(address), getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    if parts.scheme == "http" or not proxy or proxy_bypass(f"{parts.hostname}:{parts.port or _HTTPS_PORT}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def no_connection(tool: str, address: str, error: Exception, timeout_s: float) -> ConnectionFailedError:
    """The error for a request of which nothing has left this machine.

    Args:
        tool: The tool that it belongs to.
        address: Where the API is.
        error: What came of the attempt; its causes tell more.
        timeout_s: How long it took at most, in seconds.
    """
    proxy, host = proxy_for(address), cleaned(urlsplit(address).hostname or "", 80)
    place, through = host, ""
    if proxy is not None:
        place = f"the proxy {cleaned(urlsplit(proxy).hostname or '', 80)}"
        through = f" through {place}"
    why = _why(list(_causes(error)), host, place, timeout_s)
    failed = ConnectionFailedError(
        f"{tool}: no connection to {host}{through}: {why.words}.",
        next_step=why.next_step,
        repeatable=why.repeatable,
    )
    failed.hurdle = why.hurdle
    return failed


def _why(causes: list[BaseException], host: str, place: str, timeout_s: float) -> _Why:
    """What the first cause says that says more than that there is no connection."""
    told = (_told(cause, host, place, timeout_s) for cause in causes)
    return next(filter(None, told), None) or _Why(f"it failed ({type(causes[0]).__name__})")


def _told(cause: BaseException, host: str, place: str, timeout_s: float) -> _Why | None:
    why: _Why | None = None
    match cause:
        case ssl.SSLCertVerificationError():
            why = _untrusted(cause, host)
        case ssl.SSLError():
            why = _Why(f"{host} does not speak TLS as expected ({cleaned(cause.reason or '', 80)})", _ADDRESS)
        case socket.gaierror():
            why = _Why(f"the name of {place} cannot be found")
        case ConnectionRefusedError():
            why = _Why(f"{place} refuses the connection")
        case TimeoutError():
            why = _Why(f"{place} does not answer within {timeout_s:g} s")
        case OSError() if cause.strerror:
            why = _Why(cleaned(cause.strerror, 80))
        case _ if type(cause).__name__ == "ProxyError":  # httpx's, which is imported in one place
            is_login = str(cause).startswith(("407", "Invalid username"))
            why = _Why(f"the proxy refuses it ({quoted(str(cause), 80)})", _PROXY, repeatable=not is_login)
    return why


def _untrusted(error: ssl.SSLCertVerificationError, host: str) -> _Why:
    """A certificate that is not trusted stays so until somebody does something."""
    steps = {_TOO_EARLY: _CLOCK, _EXPIRED: _CLOCK, _OTHER_HOST: _ADDRESS, _OTHER_IP: _ADDRESS}
    words = f"the certificate of {host} is not trusted ({cleaned(error.verify_message, 120).rstrip('.')})"
    return _Why(words, steps.get(error.verify_code, _TRUST), repeatable=False, hurdle="certificate")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the members of groups included."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
