"""Base64 text, in any of the ways it is written."""

import binascii
import io

_MARK, _LONGEST_HEAD_CHARS = b"base64,", 200
_PIECE_CHARS = 2**20
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\f\v"


def decoded(text: str | bytes) -> bytes | None:
    """The bytes in base64 text, with or without a data: address before it; None where it is no base64.

    It is read piece by piece, so that a large picture is not held several times.
    """
    content, rest, ended = io.BytesIO(), b"", False
    try:
        for start in range(_head_chars(text), len(text), _PIECE_CHARS):
            piece = _ascii(text[start : start + _PIECE_CHARS]).translate(_URL_SAFE, _BLANKS)
            if ended and piece.strip(b"="):
                return None
            rest += piece
            ended = ended or b"=" in rest
            whole = len(rest) // 4 * 4
            content.write(binascii.a2b_base64(rest[:whole], strict_mode=True))
            rest = rest[whole:]
        if rest:
            content.write(binascii.a2b_base64(rest + b"=" * (-len(rest) % 4), strict_mode=True))
    except ValueError:  # of the encoding or of base64 itself
        return None
    return content.getvalue()


def _head_chars(text: str | bytes) -> int:
    """The length of what stands before the base64, such as `data:image/png;base64,`."""
    head, mark, _ = _ascii(text[:_LONGEST_HEAD_CHARS]).partition(_MARK)
    return len(head + mark) if mark else 0


def _ascii(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("ascii")
