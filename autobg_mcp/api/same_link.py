"""When two links lead to the same picture: what they say, whoever signed them and until when."""

import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from pydantic import JsonValue

IS_LINK = re.compile(r"(https?|s3)://\S+", re.IGNORECASE)
"""A text that is a link and nothing else."""

# Each store's parameters that sign a link, behind one that every link so signed has. Others, such as versionId, a size
# or a picture's id, say which picture it is. Sources: the stores' pages on presigned and signed links.
_SIGNATURES = tuple(
    (re.compile(mark, re.IGNORECASE), re.compile(names, re.IGNORECASE))
    for mark, names in (
        # AWS v4, and who speaks it: MinIO, R2, Spaces, Wasabi. Its SDK adds x-id.
        ("x-amz-signature", "x-amz-.*|x-id|response-.*"),
        ("x-goog-signature", "x-goog-.*|response-.*"),
        # AWS v2, CloudFront, Google's v2 and its CDN, Aliyun OSS v1: each with a name of its own for the key.
        (
            "signature",
            "signature|expires|policy|(aws|google|oss)access(key)?id|key-pair-id|keyname|urlprefix|hash-algorithm|(x-amz-)?security-token|response-.*",
        ),
        # Azure's shared access signatures, Cloudflare Images
        (
            "sig",
            "sig|s[eptvri]|spr|sip|srt|ss|sdd|ses|skoid|sktid|skt|ske|sks|skv|saoid|suoid|scid|rsc[cdelt]|exp",
        ),
        ("x-oss-signature", "x-oss-(signature.*|credential|date|expires|security-token|additional-headers)"),
        ("q-signature", "q-(sign|ak|key|header|url).*|x-cos-security-token"),  # Tencent COS
        ("__token__|hdn(ea|ts)", "__token__|hdn(ea|ts)"),  # Akamai
        ("authorization", "authorization"),  # Backblaze B2
        ("rlkey", "st"),  # Dropbox: rlkey is the file's own, st the session's
        ("hm", "hm|ex|is"),  # Discord
        ("oh", "oh|oe|_nc_.*"),  # Facebook, Instagram
    )
)
# At other places a token may be all that says which picture it is.
_TOKEN = re.compile(
    r"token|expires|token_path|verify", re.IGNORECASE
)  # Firebase, Supabase, Bunny, Cloudflare
_NAMES_A_PICTURE = re.compile(r"\.(jpe?g|png|webp|heic|heif)$", re.IGNORECASE)

_PORTS = {"https": 443, "http": 80}
_S3_HOST = re.compile(r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?")


def links_in(value: JsonValue) -> Iterator[str]:
    """Every text that is a link, wherever it stands."""
    if isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from links_in(inner)
    elif isinstance(value, str) and IS_LINK.fullmatch(value):
        yield value


def unsigned(link: str) -> str:
    """The link without its signature and fragment; what is no link stays as it is."""
    with suppress(ValueError):
        parts = urlsplit(link)
        if IS_LINK.fullmatch(link):
            return urlunsplit(parts._replace(query=_unsigned_query(parts), fragment=""))
    return link


def same_link(link: str) -> str:
    """One spelling for all links that lead to the same picture; what is no link stays as it is.

    Left out are signature, fragment, default port and the difference between http and https; parameters are put in
    order, and dot segments and escapes are resolved. The three addresses of an object in S3 are one.
    """
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return link
    if not IS_LINK.fullmatch(link):
        return link
    host, path = ascii_host(parts.hostname or ""), _path(parts.path)
    query = urlencode(sorted(parse_qsl(_unsigned_query(parts), keep_blank_values=True)))
    bucket = host if parts.scheme == "s3" else _s3_bucket(host)
    if bucket is not None:
        return urlunsplit(("s3", bucket, path, query, "") if bucket else ("s3", path[1:], "", query, ""))
    address = host if port in (None, _PORTS.get(parts.scheme)) else f"{host}:{port}"
    return urlunsplit(("https", address, path, query, ""))


def _s3_bucket(host: str) -> str | None:
    """The bucket in a host of S3, empty where the path begins with it; None for any other host."""
    found = _S3_HOST.fullmatch(host)
    return (found["bucket"] or "") if found else None


def _unsigned_query(parts: SplitResult) -> str:
    """The query as it is written, without the parameters of the stores whose signature it carries."""
    pairs = [(pair.partition("=")[0], pair) for pair in parts.query.split("&")]
    signs = [names for mark, names in _SIGNATURES if any(mark.fullmatch(name) for name, _ in pairs)]
    if _NAMES_A_PICTURE.search(parts.path):
        signs.append(_TOKEN)
    return "&".join(pair for name, pair in pairs if not any(sign.fullmatch(name) for sign in signs))


def ascii_host(host: str) -> str:
    """The host in lower case as DNS compares it, with other letters than ASCII encoded where that can be done."""
    with suppress(UnicodeError):
        return host.removesuffix(".").encode("idna").decode()
    return host.removesuffix(".")


def _path(path: str) -> str:
    """The path with its escapes and dot segments resolved (RFC 3986, section 5.2.4)."""
    kept: list[bytes] = []
    for segment in unquote_to_bytes(path).split(b"/")[1:]:
        if segment == b"..":
            kept = kept[:-1]
        elif segment != b".":
            kept.append(segment)
    return "/" + quote(b"/".join(kept))
