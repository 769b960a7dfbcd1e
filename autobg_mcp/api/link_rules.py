"""Which links the API is asked to fetch: to one picture each, on a host that it can reach and the operator allows.

What can be known without asking anybody is known before a credit is spent: no name is looked up, nothing is fetched.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from pydantic import JsonValue

from autobg_mcp.api.links import named_host
from autobg_mcp.api.same_link import IS_LINK, ascii_host, links_in
from autobg_mcp.errors import ArgumentsRefusedError, LinkRefusedError
from autobg_mcp.text import quoted

LONGEST_LINK_CHARS = 2000

_NO_LINK = (
    f"a link that begins with https://, http:// or s3://, at most {LONGEST_LINK_CHARS} characters; files of this machine "
    "go to the tools without S3 in their name"
)
_BLANK = "one link without blanks: a blank that belongs to a name is written %20"
_HIDDEN = "a link without line breaks, tabs and other characters that nobody sees"
_PRIVATE = "a link to a public host: the API, which fetches it, does not reach a private one"

# A link inside another's path or query, as proxies and resizers have it, stands behind / or =.
_SECOND_LINK = re.compile(
    r"(?:[\s,;|]|%20|%2c|%3b|%0a|\.(?:jpe?g|png|webp|hei[cf]))(?:https?|s3)://", re.IGNORECASE
)
# A name with a blank in it may be two where a picture's name ends before the blank.
_NAME_AND_MORE = re.compile(r"\.(?:jpe?g|png|webp|hei[cf])\s", re.IGNORECASE)
_WEB_LINK = re.compile(r"(https?://[^\s/?#]+)([/?#].*)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"(https?|s3)://", re.IGNORECASE)
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_NO_PICTURE = re.compile(
    r"\.(pdf|zip|rar|7z|tar|t?gz|html?|txt|csv|json|xml|docx?|xlsx?|pptx?|mp[34]|mov|avi|mkv|webm)$",
    re.IGNORECASE,
)
# Names that no public DNS answers: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, and what routers and offices use.
_PRIVATE_NAME = re.compile(
    r"(^|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|test|invalid|onion|home\.arpa)$"
)

_FILE_HOST = "put the pictures where a link leads to each file, or upload them from this machine"


class _Page(NamedTuple):
    """What shows a picture or a folder in a browser instead of answering the file."""

    host: str
    """One pattern for the host; it may stand below another name."""
    path: str
    remedy: str
    unless: str = ""
    """A pattern for the parameter that makes a download of it."""


_PAGES = (
    _Page(
        r"(drive|docs)\.google\.com",
        r"/(file|document|drive|open|folderview)\b.*",
        "https://drive.google.com/uc?export=download&id=… leads to the file",
    ),
    _Page(
        r"dropbox\.com",
        r"/(s|sh|scl|home|preview)/.*",
        "dl=1 in place of dl=0 leads to the file",
        r"(dl|raw)=1",
    ),
    _Page(r"sharepoint\.com", r"/(?!.*download\.aspx).*", "download=1 leads to the file", r"download=1"),
    _Page(
        r"onedrive\.live\.com|1drv\.ms", r"/(?!download).*", "copy the link of its download", r"download=1"
    ),
    _Page(r"github\.com", r"/[^/]+/[^/]+/(blob|tree)/.*", "copy the link of its button Raw", r"raw=(true|1)"),
    _Page(r"box\.com", r"/(s|file|folder|v)/.*", "copy its direct link"),
    _Page(r"photos\.google\.com|photos\.app\.goo\.gl|icloud\.com", r"/.*", _FILE_HOST),
    _Page(r"wetransfer\.com|we\.tl|mega\.nz|transfernow\.net|fromsmash\.com", r"/.*", _FILE_HOST),
    _Page(r"(facebook|instagram|flickr)\.com", r"/.*", "copy the address of the picture itself"),
    _Page(r"imgur\.com", r"/(a|gallery)/.*", "copy the address of the picture itself"),
    _Page(
        r"console\.(aws\.amazon|cloud\.google)\.com|portal\.azure\.com",
        r"/.*",
        "copy the object's URL, or sign one",
    ),
)


def checked_link(link: str) -> str:
    """The link, if it is one and may lead to one picture that the API can fetch; what no address holds is percent-encoded.

    Raises:
        ValueError: It is not; the text says what would be right and does not show the link.
    """
    if _SECOND_LINK.search(link[: 2 * LONGEST_LINK_CHARS]):
        raise ValueError("one link: this text holds two, give each as an item of its own")
    if len(link) > LONGEST_LINK_CHARS or not _SCHEME.match(link):
        raise ValueError(_NO_LINK)
    if not link.isprintable():
        raise ValueError(_HIDDEN)
    link = _encoded(link)
    if len(link) > LONGEST_LINK_CHARS or not IS_LINK.fullmatch(link):
        raise ValueError(_BLANK if " " in link else _NO_LINK)
    try:
        parts = urlsplit(link)
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        raise ValueError(_NO_LINK) from None
    if "@" in parts.netloc:
        raise ValueError("a link without user name and password in it")
    host = ascii_host(parts.hostname or "")
    if parts.scheme != "s3":
        _check_host(parts, host)
    _check_picture(parts, host)
    return link


def _encoded(link: str) -> str:
    """The link with blanks and letters such as ü percent-encoded behind its host, as browsers do.

    A key in `s3://` is no part of an address, so nothing of it is encoded; nor is a blank that may part two names.
    """
    web = None if _NAME_AND_MORE.search(link) else _WEB_LINK.fullmatch(link)
    return web[1] + quote(web[2], safe=_ASCII) if web else link


def check_hosts(values: Mapping[str, JsonValue], allowed: Iterable[str]) -> None:
    """Hold every link in a request's fields against the hosts that the operator allows; none named allows all.

    Args:
        values: The fields.
        allowed: `pictures.example` is that host alone, `*.example` every host below it; a bucket in `s3://bucket/…`
            counts as `bucket.s3.amazonaws.com`.

    Raises:
        ArgumentsRefusedError: One leads to another host.
    """
    hosts = tuple(allowed)
    if not hosts:
        return
    for link in links_in(list(values.values())):
        parts = urlsplit(link)
        host = ascii_host(parts.hostname or "") + (".s3.amazonaws.com" if parts.scheme == "s3" else "")
        if not any(host == one or (one[:2] == "*." and host.endswith(one[1:])) for one in hosts):
            raise ArgumentsRefusedError(
                f"Links to {quoted(host, 100)} are not sent: AUTOBG_LINK_HOSTS allows {', '.join(hosts)}.",
                next_step="Name links to an allowed host, or ask the person who runs this server to change the setting.",
            )


def _check_host(parts: SplitResult, host: str) -> None:
    """Refuse what is no host of the Internet by its name or number alone."""
    try:
        address = parts.netloc
        with suppress(UnicodeError):
            address = address.encode("idna").decode()
        named_host(f"https://{address}")
    except LinkRefusedError:
        raise ValueError(_PRIVATE) from None
    if _PRIVATE_NAME.search(host) or not ({".", ":"} & set(host)):
        raise ValueError(_PRIVATE)


def _check_picture(parts: SplitResult, host: str) -> None:
    """Refuse what leads to something else than a picture by its path alone."""
    if parts.path.strip("/") == "" and not parts.query:
        raise ValueError("a link to a picture; this one names only a host")
    if parts.scheme == "s3" and parts.path.endswith("/"):
        raise ValueError("a link to a picture; this one names a folder, whose pictures need a link each")
    if ending := _NO_PICTURE.search(parts.path):
        raise ValueError(f"a link to a picture; this one leads to a {ending[0].lower()} file")
    given = {f"{name}={value[0]}".lower() for name, value in parse_qs(parts.query).items()}
    for page in _PAGES:
        is_page = re.fullmatch(rf"(.+\.)?({page.host})", host) and re.fullmatch(page.path, parts.path)
        if is_page and not any(re.fullmatch(page.unless, one) for one in given):
            raise ValueError(f"a link to the picture's file; this one shows a page: {page.remedy}")
