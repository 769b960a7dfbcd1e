"""A file name that every operating system accepts, made from words that come from outside."""

import re
import unicodedata

_MOST_CHARS = 100
_MOST_READ_CHARS = 10_000  # what is left out of so many leaves a name
# File systems count bytes, most allow 255: this leaves room for `-12` and an ending.
_MOST_BYTES = 200
# Separators of any system, and what else Windows refuses in names.
_UNSAFE = re.compile(r'[\\/:*?"<>|]+')
# Control and formatting characters, lone surrogates, private and unassigned characters, line separators.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


def safe_name(text: str, *, fallback: str = "picture") -> str:
    """One path component without separators, reserved names, hidden characters or dots at its ends.

    Args:
        text: Any text, for example a picture's name or a batch id.
        fallback: The name when nothing of `text` can be kept.

    Returns:
        At most 100 characters and 200 bytes of UTF-8, in composed form (NFC).
    """
    seen = "".join(
        c
        for c in unicodedata.normalize("NFC", text[:_MOST_READ_CHARS])
        if unicodedata.category(c) not in _UNSEEN_CATEGORIES
    )
    name = " ".join(_UNSAFE.sub("_", seen).split())[:_MOST_CHARS]
    name = name.encode()[:_MOST_BYTES].decode(errors="ignore")
    name = name.lstrip(" .-~").rstrip(" .")
    return f"_{name}" if _RESERVED.match(name) else name or fallback
