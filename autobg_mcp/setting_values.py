"""What the values of settings are: texts taken apart, addresses in one spelling, a key that is one; raises ValueError in words.

No value is shown in them, since any may be a key that was pasted into the wrong line.
"""

import ipaddress
import json
import os
import posixpath
import re
import stat
import string
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

MOST_KEY_CHARS = 10_000
"""Characters of a key file that are read, whatever else it is."""

_STORE = re.compile(r"sqlite:|memory:|(redis|rediss|valkey|valkeys|unix)://\S+")
_HOST = re.compile(r"(\*\.)?[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNRESERVED = frozenset((string.ascii_letters + string.digits + "-._~").encode())
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")

# ${VAR}, ${input:key}, $(command); $VAR and $env:VAR, %VAR% where a path or a value begins and ends with them
_UNREPLACED = re.compile(
    r"\$\{|\$\(|(?:^|[:;,=])\$(?:env:)?[A-Za-z_]\w*(?=$|[/\\:;,])|(?:^|[:;,=/\\])%[A-Za-z_]\w+%(?=$|[/\\:;,])"
)
_QUOTATION_MARKS = "\"'“”‘’«»`"  # noqa: RUF001  # the very characters that word processors put there
_PLACEHOLDER = re.compile(
    r"[<{\[].*[>}\]]|x{3,}|\.{3,}|\*{3,}|"
    r"(?:(?:insert|enter|paste|put|add|replacewith|set)?(?:your|my|the)?(?:autobg)?(?:api)?(?:key|token|secret)(?:here|value)?)|"
    r"(?:changeme|replaceme|placeholder|todo|tbd|null|none|undefined)",
    re.IGNORECASE | re.DOTALL,
)


def written_out(value: object) -> object:
    """A value without quotation marks around it, in which no host has left the name of a variable, such as `${HOME}`."""
    for text in value if isinstance(value, list | tuple) else (value,):
        if not isinstance(text, str | Path):
            continue
        if _UNREPLACED.search(str(text)):
            raise ValueError(
                "it names a variable (such as ${NAME}, $NAME or %NAME%) that the host has not replaced; write the value itself"
            )
        if str(text)[:1] in tuple(_QUOTATION_MARKS):
            raise ValueError("it stands in quotation marks; write it without them")
    return value


def pairs(value: object) -> object:
    """`a=x, b=y` as a dictionary."""
    if not isinstance(value, str):
        return value
    parts = [part.partition("=") for part in value.split(",") if part.strip()]
    if not all(separator and name.strip() and text.strip() for name, separator, text in parts):
        raise ValueError("expected name=value pairs separated by commas")
    return {name.strip(): text.strip() for name, _, text in parts}


def words(value: object) -> object:
    """`a, b` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def json_object(value: object) -> object:
    """An object in JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError(
            'an object in JSON, such as {"reportImages": {"reportComment": "comment"}}'
        ) from None


def hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of hosts, or of all below one."""
    if not all(_HOST.fullmatch(host) for host in value):
        raise ValueError("hosts such as pictures.example or *.s3.amazonaws.com, separated by commas")
    return tuple(host.lower() for host in value)


def folders(value: object) -> object:
    """Folders as a list, split where this system splits its paths."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def store(value: str) -> str:
    """The address of a store of budgets."""
    if not _STORE.fullmatch(value):
        raise ValueError("sqlite:, memory: or an address such as redis://host:6379/0")
    return value


def api_address(value: str) -> str:
    """The address of an API, in one spelling, to which a key may travel."""
    try:
        parts = urlsplit(value.strip())
        parts.port  # noqa: B018  # raises for a port that is none
    except ValueError:
        parts = urlsplit("")  # the reason shows the value, which may hold a secret
    if "@" in parts.netloc:
        raise ValueError("without user:password@; the API takes its key from AUTOBG_API_KEY alone")
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address such as https://host/path")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(
            "https://, since over http:// the key can be read on its way (http:// is for localhost)"
        )
    return one_address(value)


def one_address(value: str) -> str:
    """One spelling for all that lead to the same place: RFC 3986, section 6.2, and no slash or dot at an end."""
    parts = urlsplit(value.strip())
    netloc = _one_host(parts)
    if parts.port not in (None, _DEFAULT_PORTS.get(parts.scheme)):
        netloc += f":{parts.port}"
    path = _ESCAPED.sub(_one_escape, quote(parts.path, safe="%/:@!$&'()*+,;=~"))
    path = "" if path in ("", "/") else posixpath.normpath("/" + path.lstrip("/"))
    return urlunsplit((parts.scheme, netloc, "" if path == "/" else path, parts.query, ""))


def _one_host(parts: SplitResult) -> str:
    host = (parts.hostname or "").removesuffix(".")
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004  # as IP counts
    with suppress(UnicodeError):
        return host.encode("idna").decode().lower()
    return host


def _one_escape(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code in _UNRESERVED else found[0].upper()


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine whatever any name server says."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.removesuffix(".") == "localhost"


def key_of_file(path: Path) -> tuple[str, bool]:
    """What a key file holds, and whether others may read it; raises OSError for what is no plain file.

    As ssh does it, only a file of this user is looked at, and none where there are no modes; root's are left out too, since
    that is how secrets are laid into a container.
    """
    if not path.is_file():
        raise FileNotFoundError(path)  # a pipe would be waited for
    with path.open(encoding="utf-8-sig") as file:
        status = os.fstat(file.fileno())
        is_own = sys.platform != "win32" and status.st_uid == os.geteuid() != 0
        return file.read(MOST_KEY_CHARS), is_own and bool(status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def api_key(text: str) -> str:
    """A key as it can stand in a header."""
    key = text.strip()
    if not key.strip(_QUOTATION_MARKS):
        _no_key("")
    if key[0] in _QUOTATION_MARKS or key[-1] in _QUOTATION_MARKS:
        _no_key("it stands in quotation marks; write the key without them")
    if _UNREPLACED.search(key):
        _no_key("it is the name of a variable that the host has not replaced; write the key itself")
    if re.match(r"bearer\b", key, re.IGNORECASE):
        _no_key("it begins with Bearer; write the bare key")
    if _PLACEHOLDER.fullmatch(re.sub(r"[\s_-]", "", key)):
        _no_key("it is the placeholder of an example; write the key that Autobg has issued")
    if len(key) >= MOST_KEY_CHARS or not key.isascii() or not key.isprintable() or " " in key:
        _no_key("")
    return key


def _no_key(why: str) -> NoReturn:
    raise ValueError(why or "expected one line of visible ASCII, without Bearer")
