"""Which links in answers are fetched.

A link in an answer is text from outside. It is fetched only over https and only from public addresses, and the
address that was checked is the one to connect to: a name that resolves differently a moment later changes nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from autobg_mcp.errors import LinkRefusedError
from autobg_mcp.text import quoted

_MOST_CHARS = 8192
_HTTPS_PORT = 443
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")
_NUMBER_AT_END = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)$")

# The only part of IPv6 that is assigned to hosts on the Internet (IANA IPv6 Address Space).
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Translators put an IPv4 address into the last 32 bits (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Public by Python's tables, but leading to routers, documentation or a cloud's own services.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
            "192.88.99.0/24",  # 6to4 relays (RFC 7526)
            "168.63.129.16/32",  # the host agent of every Azure machine
            "2001::/23",  # Teredo and other protocol assignments (RFC 2928)
            "2002::/16",  # 6to4 (RFC 7526)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)


@dataclass(frozen=True)
class Target:
    """Where to connect for a link.

    Attributes:
        host: The name for TLS and the Host header, in lower case and ASCII.
        port: The TCP port.
        ip: The address to connect to; the only one that was checked.
        url: The link as given, without its fragment and with other than ASCII characters percent-encoded.
    """

    host: str
    port: int
    ip: str
    url: str


def public_address(
    url: str,
    *,
    resolve: Callable[..., list[tuple[Any, ...]]] = socket.getaddrinfo,
) -> Target:
    """Where to connect for `url`, if it may be fetched. Check each redirect by this again.

    Args:
        url: The link.
        resolve: Looks up a name, called once, as `socket.getaddrinfo`.

    Raises:
        LinkRefusedError: It is not https, carries a password, or its host is unknown or not public.
    """
    parts = _split(url)
    if parts.scheme != "https":
        raise LinkRefusedError(f"{quoted(url)} is not an https link.")
    host = _named(parts, url)
    try:
        port = parts.port or _HTTPS_PORT
    except ValueError as error:
        raise LinkRefusedError(f"{quoted(url)} has no valid port.") from error
    ips = _resolved(host, port, resolve)
    for ip in ips:
        if not _is_public(ip):
            raise LinkRefusedError(f"{quoted(host)} is at {ip}, which is not a public address.")
    return Target(host, port, str(ips[0]), quote(parts._replace(fragment="").geturl(), safe=_ASCII))


def named_host(url: str) -> str:
    """The host that `url` names, in lower case, as far as can be told without looking it up.

    Raises:
        LinkRefusedError: The link carries a password, or its host is no valid one or an address that is not public.
    """
    host = _named(_split(url), url)
    with suppress(ValueError):
        if not _is_public(ipaddress.ip_address(host)):
            raise LinkRefusedError(f"{quoted(host)} is not a public address.")
    return host


def _split(url: str) -> SplitResult:
    if len(url) > _MOST_CHARS or not url.isprintable() or " " in url or "\\" in url:
        raise LinkRefusedError(
            f"{quoted(url)} is too long or holds spaces, backslashes or hidden characters."
        )
    try:
        return urlsplit(url)
    except ValueError as error:
        raise LinkRefusedError(f"{quoted(url)} is not an address.") from error


def _named(parts: SplitResult, url: str) -> str:
    """The host's name or plain address; numbers in any other notation are refused."""
    host = (parts.hostname or "").removesuffix(".")
    if "@" in parts.netloc:
        raise LinkRefusedError("The link carries a user name or password.")
    if not _HOST.fullmatch(host) or ("[" in parts.netloc and ":" not in host):
        raise LinkRefusedError(f"{quoted(url)} names no valid host.")
    if _NUMBER_AT_END.search(host) or ":" in host:
        try:
            ipaddress.ip_address(host)
        except ValueError as error:
            raise LinkRefusedError(f"{quoted(host)} is an address in an unusual notation.") from error
    return host


def _resolved(
    host: str, port: int, resolve: Callable[..., list[tuple[Any, ...]]]
) -> list[IPv4Address | IPv6Address]:
    try:
        ips = [ipaddress.ip_address(answer[4][0]) for answer in resolve(host, port, type=socket.SOCK_STREAM)]
    except (OSError, ValueError):
        ips = []
    if not ips:
        raise LinkRefusedError(f"The host {quoted(host)} cannot be found.")
    return ips


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Whether `ip` belongs to one host on the Internet."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return _is_public(IPv4Address(int(ip) & 0xFFFF_FFFF))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)
