"""Answers over a real socket that are made to fill memory or to stop the server: each is refused early, in words."""

import base64
import functools
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_pages import bare_deflate, page, served
from PIL import Image
from test_spreadsheet import FAR_APART, MANY_TIMES, workbook

from autobg_mcp.client import Client
from autobg_mcp.errors import OutcomeUnknownError
from autobg_mcp.settings import Settings
from autobg_mcp.tools.account import GetUserCreditDetails

pytestmark = pytest.mark.long

STATUS: tuple[str, dict[str, object]] = ("getImageStatus", {"batchID": "1"})
PICTURE: tuple[str, dict[str, object]] = ("getImagesRaw", {"picID": 1})
BALANCE: tuple[str, dict[str, object]] = ("getUserCreditDetails", {})
USAGE: tuple[str, dict[str, object]] = ("getUserUsage", {"reportOption": "Today"})
DOWNLOAD: tuple[str, dict[str, object]] = ("downloadProcessedImages", {"picIDs": [1]})
NOBODY_ASKED = "compressed although nobody asked"
CREDITS = b'{"status": true, "data": {"current_credits": 3}}'


def envelope(data: bytes) -> bytes:
    return b'{"status": true, "message": "", "data": %s}' % data


@functools.cache
def bomb() -> bytes:
    """256 MB of zeros in a megabyte."""
    return gzip.compress(bytes(2**28), 1)


def noise() -> bytes:
    """A picture of 30 MB that cannot be packed any further."""
    file = io.BytesIO()
    Image.frombytes("RGB", (3200, 3200), os.urandom(3 * 3200 * 3200)).save(file, "PNG", compress_level=0)
    return file.getvalue()


def archive(method: int, size_bytes: int) -> bytes:
    """A zip with one file of zeros, packed by this method."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        opened.writestr("1.jpg", bytes(size_bytes))
    return file.getvalue()


def directory(entries: int) -> bytes:
    """A zip that is nothing but a list of files."""
    listed = b"PK\1\2".ljust(46, b"\0") * entries
    return b"PK\3\4" + listed + b"PK\5\6" + bytes(8) + len(listed).to_bytes(4, "little") + b"\4\0\0\0\0\0"


REFUSED: dict[str, tuple[tuple[str, dict[str, object]], Callable[[], bytes], str]] = {
    "gzip-in-gzip": (STATUS, lambda: page(gzip.compress(bomb()), "Content-Encoding: gzip, gzip"), NOBODY_ASKED),
    "brotli": (STATUS, lambda: page(b"\x0b\x02\x80{}\x03", "Content-Encoding: br"), NOBODY_ASKED),
    "gzip-bomb": (STATUS, lambda: page(bomb(), "Content-Encoding: gzip"), "more than 4 MB"),
    "picture-bomb": (PICTURE, lambda: page(bomb(), "Content-Encoding: gzip"), "more than 64 MB"),
    "cut-gzip": (BALANCE, lambda: page(gzip.compress(CREDITS)[:-12], "Content-Encoding: gzip"), "compression is damaged"),
    "no-gzip": (BALANCE, lambda: page(CREDITS, "Content-Encoding: gzip"), "compression is damaged"),
    "16-mb-of-braces": (STATUS, lambda: page(envelope(b"[" + b"{}," * (5 * 2**20) + b"{}]")), "more than 4 MB"),
    "many-values": (STATUS, lambda: page(envelope(b"[" + b"{}," * 1_300_000 + b"{}]")), "JSON of more than 250,000 values"),
    "many-faults": (STATUS, lambda: page(envelope(b"[" + b'{"a":1},' * 80_000 + b"{}]")), "data of another shape"),
    "deep": (STATUS, lambda: page(envelope(b"[" * 100_000)), "JSON that is broken"),
    "long-number": (BALANCE, lambda: page(envelope(b'{"current_credits": %s}' % (b"9" * 4_000_000))), "JSON that is broken"),
    "after-the-end": (BALANCE, lambda: page(CREDITS + b"{}"), "JSON that is broken"),
    "utf-16": (BALANCE, lambda: page(CREDITS.decode().encode("utf-16")), "bytes that are no JSON"),
    "bzip2": (DOWNLOAD, lambda: page(archive(zipfile.ZIP_BZIP2, 2**27)), "packed in an unusual way"),
    "directory": (DOWNLOAD, lambda: page(directory(1_000_000)), "more than 500 files"),
    "deflated": (DOWNLOAD, lambda: page(archive(zipfile.ZIP_DEFLATED, 2**27)), "unpacks to too much"),
    "cells-far-apart": (USAGE, lambda: page(workbook(FAR_APART)), "not understood"),
    "shared-text": (USAGE, lambda: page(workbook(*MANY_TIMES)), "not understood"),
    "sheet-of-blanks": (USAGE, lambda: page(workbook(f"<row>{' ' * 2**27}</row>")), "not understood"),
    "large-refusal": (STATUS, lambda: page(b"no " * (4 * 2**20), status="403 Forbidden"), "allows no call (HTTP 403)"),
    "compressed-refusal": (STATUS, lambda: page(b"?", "Content-Encoding: br", status="401 Unauthorized"), "refused the key"),
    "elsewhere": (STATUS, lambda: page(b"", "Location: http://127.0.0.1:1/", status="302 Found"), "leads elsewhere"),
    "no-content": (STATUS, lambda: b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "an empty body"),
    "endless-head": (STATUS, lambda: b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000, "the connection broke"),
    "not-modified": (STATUS, lambda: b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", "HTTP 304"),
    "shorter-than-said": (STATUS, lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", "the connection broke"),
}  # fmt: skip
"""By name: what is called, what the server says, and what a model reads of it."""

CODED = "picture-in-an-envelope"
READ = {
    "gzip": page(gzip.compress(CREDITS), "Content-Encoding: gzip"),
    "zlib": page(bare_deflate(CREDITS), "Content-Encoding: deflate"),
    "identity": page(CREDITS, "Content-Encoding: identity", "Content-Type: text/nonsense; charset=utf-7"),
    "named-twice": page(envelope(b'{"current_credits": 9, "current_credits": 3}')),
    "after-hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50 + page(CREDITS),
    "longer-than-said": page(CREDITS).replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n") + b"more",
}
"""What is odd and still an answer: three credits are left."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every call above, made one after another by one process."""
    coded = base64.b64encode(noise()).replace(b"/", b"\\/")  # as PHP writes JSON
    picture = page(b'{"status": true, "message": "termin\\u00e9", "data": "%s"}' % coded)
    pages = {name: answer() for name, (_, answer, _) in REFUSED.items()} | READ | {CODED: picture}
    calls = {name: call for name, (call, _, _) in REFUSED.items()} | dict.fromkeys(READ, BALANCE)
    calls[CODED] = ("getImagesBase64", {"picID": 1})
    command = [sys.executable, str(Path(__file__).with_name("measured_calls.py"))]
    with served(pages) as address:
        asked = [[name, f"{address}/{name}", *call] for name, call in calls.items()]
        done = subprocess.run(
            [*command, str(tmp_path_factory.mktemp("hostile"))],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=300,
            check=True,
        )
    results: dict[str, Any] = json.loads(done.stdout)
    return results


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_answer_is_refused_in_words(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["is_error"] or not measured[name]["data"].get("files")
    assert REFUSED[name][2] in measured[name]["text"]


@pytest.mark.parametrize("name", READ)
def test_an_odd_answer_is_read(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["data"]["current_credits"] == 3


def test_a_large_picture_in_base64_is_saved(measured: dict[str, Any]) -> None:
    assert "Saved as" in measured[CODED]["text"]


@pytest.mark.parametrize("name", [*REFUSED, *READ, CODED])
def test_no_answer_fills_memory_or_stops_the_other_calls(name: str, measured: dict[str, Any]) -> None:
    assert measured[name]["grown_bytes"] < 300 * 2**20
    assert measured[name]["longest_gap_s"] < 2.5
    assert measured[name]["took_s"] < 30


@pytest.mark.anyio
async def test_an_answer_that_trickles_is_given_up_in_time(tmp_path: Path) -> None:
    trickle = [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"{"] * 100]
    with served({"slow": trickle}) as address:
        settings = Settings.load(
            api_key="test-key-0123456789", base_url=f"{address}/slow", state_dir=tmp_path, timeout_s=0.3
        )
        async with Client(settings) as client:
            with pytest.raises(OutcomeUnknownError, match=r"no answer within 0\.3 s"):
                await client.call(GetUserCreditDetails())
