"""The ways in which people, shells and hosts write a path, and what in two names is the same to a reader."""

import re
import unicodedata
from urllib.parse import unquote

_MOST_SPELLINGS = 16
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "\u2018": "\u2019", "«": "»"}
_ADDRESS = re.compile(r"file:(//localhost(?=/)|//)?", re.IGNORECASE)
_ROOT_OF_DRIVE = re.compile(r"^/(?=[A-Za-z]:[\\/])")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
# A shell escapes what is no letter, digit or underscore; before a letter a backslash is a separator.
_ESCAPED = re.compile(r"\\(\W)")
_GLOB = re.compile(r"[*?[]")
_LINK = re.compile(r"(https?|s3|ftps?|gs)://", re.IGNORECASE)
# How base64 begins: of JPEG, PNG, WebP and HEIC. A path has dots and ends sooner.
_DATA = re.compile(r"(?i:data:)[\w/+.-]*[;,]|(/9j/|iVBORw0KGgo|UklGR|AAAA)[A-Za-z0-9+/=\s]{40,}$")
# An ending, a separator, and more behind it.
_SEVERAL = re.compile(r"""\.\w{3,4}["']?\s*[,;\n]\s*["']?[^\s,;]""")
# Typists, word processors and models take one for the other.
_ALIKE = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a", "'")
    | dict.fromkeys("\u201c\u201d\u201e", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)


def spellings(name: str) -> list[str]:
    """What else may be meant by a name, the fewest changes first: the name itself is not among it, nor is an empty one.

    Blanks and quotation marks around it go, `file:` addresses and percent signs (RFC 8089, RFC 3986) are decoded,
    backslashes are a shell's escapes or Windows' separators.
    """
    found = [name]
    for undone in (_unwrapped, _mentioned, _addressed, _decoded, _unescaped, _separated):
        found = list(dict.fromkeys([*found, *map(undone, found)]))[:_MOST_SPELLINGS]
    return [text for text in found if text != name and text.strip() and "\0" not in text]


def folded(name: str) -> str:
    """The same text for names that differ in case, in kinds and numbers of blanks, in accents' form, quotes or dashes."""
    composed = unicodedata.normalize("NFC", name.translate(_ALIKE)).casefold()
    return " ".join(unicodedata.normalize("NFC", composed).split())


def is_pattern(name: str) -> bool:
    """Whether a name, or a part of one, can be a glob pattern."""
    return _GLOB.search(name) is not None


def is_link(name: str) -> bool:
    """Whether a name is the address of something on another machine."""
    return any(_LINK.match(text) for text in (name, _unwrapped(name)))


def is_data(name: str) -> bool:
    """Whether a name is a picture's content itself, as a `data:` address or as base64."""
    return any(_DATA.match(text) for text in (name, _unwrapped(name)))


def is_list(name: str) -> bool:
    """Whether a name reads like several, one after the other."""
    return _SEVERAL.search(name) is not None


def is_of_windows(name: str) -> bool:
    """Whether a name begins with a drive, as only Windows has it."""
    return any(_DRIVE.match(text) for text in (name, *spellings(name)))


def _unwrapped(text: str) -> str:
    """Without blanks and quotation marks around it."""
    text = text.strip()
    while len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _mentioned(text: str) -> str:
    """Without the sign by which hosts let a person mention a file."""
    return text.removeprefix("@")


def _addressed(text: str) -> str:
    """The path in a `file:` address; one of another machine becomes a name that is not absolute."""
    address = _ADDRESS.match(text)
    return _ROOT_OF_DRIVE.sub("", _decoded(text[address.end() :])) if address else text


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _separated(text: str) -> str:
    return text.replace("\\", "/")
