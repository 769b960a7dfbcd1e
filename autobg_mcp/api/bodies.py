"""What a server answers: bodies bounded while they arrive and unfold, JSON read once, when it was sent, and when to come back."""

import email.utils
import io
import math
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterator, Mapping

import anyio.to_thread
from pydantic import JsonValue
from pydantic_core import from_json

from autobg_mcp.text import redacted

LARGE_BYTES = 64 * 2**10
"""What is larger is read in a worker thread, so that other calls go on."""

MOST_VALUES = 250_000
"""The most values, names and commas in texts of one JSON body: reading as many takes about 0.1 s and 60 MB."""

LONGEST_RETRY_AFTER_S = 86_400.0
"""Whatever a server says, it is asked again after a day."""

_PICTURES = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"PK\x03\x04")
_PIECE_BYTES = 2**20
_MOST_MENDED_BYTES = 4 * 2**20
_COMPRESSIONS = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB, _BARE = 47, -15
"""Window bits of zlib: gzip and zlib, told apart by their heads, and the bare stream that some servers call deflate."""

# Half of a surrogate pair stands for no character. The first group keeps escaped backslashes and whole pairs.
_HALF_CHARACTER = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class TooManyValuesError(ValueError):
    """JSON that is not read because reading it would take long."""


class BodyRefusedError(Exception):
    """A body that is not taken in; the text says in a few words what it is."""


async def gathered(chunks: AsyncIterator[bytes], encoding: str, max_bytes: int) -> bytes:
    """The whole body, uncompressed.

    A server may compress once, in the two ways that every HTTP client knows, although nobody asks for it.

    Args:
        chunks: The body as it stands on the wire.
        encoding: The value of `Content-Encoding`.
        max_bytes: The most bytes of the body, on the wire and unfolded.

    Raises:
        BodyRefusedError: It is larger, compressed in another way, or damaged.
    """
    layers = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(layers) > 1 or not _COMPRESSIONS.issuperset(layers):
        raise BodyRefusedError("a body that is compressed although nobody asked for it")
    content = io.BytesIO()  # hands out what it gathered without a copy
    inflater = _Inflater(content, max_bytes) if layers else None
    async for chunk in chunks:
        if inflater is not None:
            await anyio.to_thread.run_sync(inflater.feed, chunk)
        elif content.write(chunk) and content.tell() > max_bytes:
            raise _too_large(max_bytes)
    if inflater is not None:
        inflater.finish()
    return content.getvalue()


class _Inflater:
    """Undoes one layer of gzip or deflate piece by piece, never further than the bound."""

    def __init__(self, content: io.BytesIO, max_bytes: int) -> None:
        self._content = content
        self._max_bytes = max_bytes
        self._stream: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> None:
        """Unfold what arrived; what follows the end of the compressed data is dropped.

        Raises:
            BodyRefusedError: It is too large or damaged.
        """
        try:
            for piece in self._pieces(chunk):
                self._content.write(piece)
                if self._content.tell() > self._max_bytes:
                    raise _too_large(self._max_bytes)
        except zlib.error:
            raise BodyRefusedError("a body whose compression is damaged") from None

    def finish(self) -> None:
        """The body has ended.

        Raises:
            BodyRefusedError: The compressed data had not.
        """
        if self._stream is not None and not self._stream.eof:
            raise BodyRefusedError("a body whose compression is damaged")

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._stream = zlib.decompressobj(_window_bits(chunk))
        while not self._stream.eof:
            piece = self._stream.decompress(chunk, _PIECE_BYTES)
            chunk = self._stream.unconsumed_tail
            if not piece and not chunk:
                return
            yield piece


def _window_bits(head: bytes) -> int:
    """RFC 1950 and RFC 1952: a zlib stream has 8 in its first four bits, gzip begins with 1F."""
    return _GZIP_OR_ZLIB if head[:1] == b"\x1f" or head[0] & 15 == 8 else _BARE  # noqa: PLR2004  # as said above


def _too_large(max_bytes: int) -> BodyRefusedError:
    size = f"{max_bytes >> 20} MB" if max_bytes >> 20 else f"{max_bytes >> 10} kB"
    return BodyRefusedError(f"more than {size}")


def without_key(secret: str, content: bytes) -> bytes:
    """The body without the key, should the API echo it in whatever spelling; pictures and archives are left alone."""
    if content.startswith(_PICTURES):
        return content
    text = content.decode("latin-1")
    told = redacted(text, [secret])
    return content if told == text else told.encode("latin-1")


def parsed(content: bytes) -> JsonValue:
    """A body as JSON; half a character becomes a question mark, of fields of the same name the last one counts.

    Raises:
        TooManyValuesError: It may hold more than `MOST_VALUES`.
        ValueError: It is not JSON in UTF-8, nested more than 200 deep, or holds a number that no JSON can pass on.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooManyValuesError(f"JSON of more than {MOST_VALUES:,} values")
    content = content.removeprefix(BOM_UTF8)
    try:
        value: JsonValue = from_json(content, allow_inf_nan=False)
    except ValueError:
        if len(content) > _MOST_MENDED_BYTES or b"\\u" not in content:
            raise
        mended = _HALF_CHARACTER.sub(lambda found: found[1] or b"?", content)
        value = from_json(mended, allow_inf_nan=False)
    _check_numbers(value)
    return value


def _check_numbers(value: JsonValue) -> None:
    """1e999 is allowed by the grammar and infinite when read."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, float) and not math.isfinite(one):
            raise ValueError("a number without bound")
        if isinstance(one, dict | list):
            left.extend(one.values() if isinstance(one, dict) else one)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds in `Retry-After`, in its two forms; a date counts from the answer's own, not from our clock."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value):
        return min(float(value), LONGEST_RETRY_AFTER_S)
    try:
        until = email.utils.parsedate_to_datetime(value)
        sent = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return min(max(0.0, (until - sent).total_seconds()), LONGEST_RETRY_AFTER_S)
    except (TypeError, ValueError, OverflowError):
        return None


def sent_at_s(headers: Mapping[str, str]) -> float | None:
    """The moment in `Date`, in seconds since 1970; None where there is none."""
    try:
        return email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
