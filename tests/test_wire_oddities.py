"""Odd answers to an upload, on a real wire: each is known for what it is, costs no photo twice and strands none."""

import gzip
import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from conftest import Clock, Connect
from documented import text_of
from hostile_pages import bare_deflate
from mcp import Client as McpClient
from odd_wire import OddWire, Spoil, bare, changed, chunked, image, plain, without
from paid_calls import check_ends, check_reasons, drawn, followed, paid, played, standing
from pydantic import JsonValue
from starlette.applications import Starlette
from uploading import spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


Wired = Callable[..., AbstractAsyncContextManager[McpClient]]


class Odd(NamedTuple):
    """An odd answer.

    Attributes:
        holds: What is known of the photo: it was accepted, it was not, or nobody knows.
        answer: What stands on the wire.
        says: Words that name the reason.
    """

    holds: Literal["accepted", "refused", "unknown"]
    answer: Spoil
    says: str = ""


def packed(pack: Callable[[bytes], bytes], coding: str) -> Spoil:
    return lambda body: plain(pack(body), f"Content-Encoding: {coding}")


def twice(body: bytes) -> bytes:
    return gzip.compress(gzip.compress(body))


def instead(content: bytes, *headers: str, status: str = "200 OK") -> Spoil:
    return lambda _: plain(content, *headers, status=status)


def put(old: bytes, new: bytes) -> Spoil:
    """The proper answer with one place of its text replaced."""
    return lambda body: plain(re.sub(old, new.replace(b"\\", b"\\\\"), body, count=1))


BROKEN, LOST, SHAPE, COMPRESSED = (
    "JSON that is broken", "the connection broke", "data of another shape", "compressed although nobody asked",
)  # fmt: skip
PAGE, EMPTY, NO_JSON = "a web page came in place", "an empty body", "bytes that are no JSON"
DATED = "Date: Mon, 01 Jan 2024 00:00:00 GMT"

ODDITIES: dict[str, Odd] = {
    # the wire
    "gzip": Odd("accepted", packed(gzip.compress, "gzip")),
    "gzip in gzip": Odd("unknown", packed(twice, "gzip, gzip"), COMPRESSED),
    "gzip in gzip, said once": Odd("unknown", packed(twice, "gzip"), NO_JSON),
    "gzip, not said": Odd("unknown", lambda body: plain(gzip.compress(body)), NO_JSON),
    "gzip, cut": Odd("unknown", packed(lambda body: gzip.compress(body)[:-9], "gzip"), "compression is damaged"),
    "gzip that is none": Odd("unknown", packed(bytes, "gzip"), "compression is damaged"),
    "deflate": Odd("accepted", packed(zlib.compress, "deflate")),
    "bare deflate": Odd("accepted", packed(bare_deflate, "deflate")),
    "brotli": Odd("unknown", packed(bytes, "br"), COMPRESSED),
    "an unknown coding": Odd("unknown", packed(bytes, "x-rot13"), COMPRESSED),
    "identity": Odd("accepted", packed(bytes, "identity")),
    "a length that is too short": Odd("unknown", lambda body: bare("HTTP/1.1 200 OK", "Content-Length: 30", body=body), BROKEN),
    "a length that is too long": Odd("unknown", lambda body: bare("HTTP/1.1 200 OK", "Content-Length: 9999", body=body), LOST),
    "two lengths": Odd("unknown", lambda body: plain(body, "Content-Length: 7"), LOST),
    "a negative length": Odd("unknown", lambda body: bare("HTTP/1.1 200 OK", "Content-Length: -1", body=body), LOST),
    "chunks": Odd("accepted", chunked),
    "chunks, cut": Odd("unknown", lambda body: chunked(body, end=b""), LOST),
    "chunks with trailers": Odd("accepted", lambda body: chunked(body, trailer=b"X-Sum: 1\r\n")),
    "chunks with extensions": Odd("accepted", lambda body: chunked(body, extension=b";a=b")),
    "chunks of no size": Odd("unknown", lambda body: bare("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=b"zz\r\n" + body), LOST),
    "100 before": Odd("accepted", lambda body: bare("HTTP/1.1 100 Continue") + plain(body)),
    "103 before, many": Odd("accepted", lambda body: bare("HTTP/1.1 103 Early Hints", "Link: </a>") * 9 + plain(body)),
    "100 and nothing": Odd("unknown", lambda _: bare("HTTP/1.1 100 Continue"), LOST),
    "101": Odd("unknown", lambda _: bare("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), ""),
    "HTTP/1.0": Odd("accepted", lambda body: bare("HTTP/1.0 200 OK", body=body)),
    "HTTP/1.0, cut": Odd("unknown", lambda body: bare("HTTP/1.0 200 OK", body=body[:-9]), BROKEN),
    "HTTP/3.0": Odd("accepted", lambda body: plain(body, version="3.0")),
    "no head": Odd("unknown", bytes, LOST),
    "nothing at all": Odd("unknown", lambda _: b"", LOST),
    "a head that ends early": Odd("unknown", lambda _: b"HTTP/1.1 200 OK\r\nContent-Le", LOST),
    "a head without end": Odd("unknown", lambda _: bare("HTTP/1.1 200 OK", *["X-More: and more"] * 9999), LOST),
    "a line of a head folded": Odd("accepted", lambda body: plain(body, "X-Long: a\r\n b")),
    "another charset": Odd("accepted", lambda body: plain(body, "Content-Type: text/html; charset=utf-7")),
    "a cookie": Odd("accepted", lambda body: plain(body, "Set-Cookie: sid=a; Path=/")),
    # characters
    "a byte order mark": Odd("accepted", lambda body: plain(b"\xef\xbb\xbf" + body)),
    "blanks around": Odd("accepted", lambda body: plain(b"\r\n \t" + body + b"\r\n\r\n")),
    "UTF-16": Odd("unknown", lambda body: plain(body.decode().encode("utf-16")), NO_JSON),
    "Latin-1": Odd("unknown", put(b"Date Processed", b"verf\xfcgbar"), BROKEN),
    "half a character": Odd("accepted", put(b"Date Processed", b"bad \\ud800 thing")),
    "NUL bytes behind": Odd("unknown", lambda body: plain(body + b"\0\0"), BROKEN),
    "a NUL byte inside": Odd("unknown", put(b"Date Processed", b"Date\0Processed"), BROKEN),
    "an escaped NUL": Odd("accepted", image(fileName="a\0b.jpg")),
    # JSON
    "a field twice": Odd("accepted", put(b'"data"', b'"data": 1, "data"')),
    "NaN": Odd("unknown", put(b'"images"', b'"cost": NaN, "images"'), BROKEN),
    "a number without bound": Odd("unknown", put(b'"images"', b'"cost": 1e999, "images"'), BROKEN),
    "a number of 5,000 digits": Odd("unknown", put(b'"images"', b'"cost": %s, "images"' % (b"9" * 5000)), BROKEN),
    "deep nesting": Odd("unknown", put(b'"images"', b'"more": %s, "images"' % (b"[" * 500 + b"]" * 500)), BROKEN),
    "two documents": Odd("unknown", lambda body: plain(body + body), BROKEN),
    "something behind": Odd("unknown", lambda body: plain(body + b"<!-- 0.3 s -->"), BROKEN),
    "a warning before": Odd("unknown", lambda body: plain(b"<br />\n<b>Warning</b>: x" + body), PAGE),
    "a prefix": Odd("unknown", lambda body: plain(b")]}',\n" + body), NO_JSON),
    "a list around": Odd("unknown", lambda body: plain(b"[%s]" % body), "not its usual envelope"),
    "a text around": Odd("unknown", lambda body: plain(json.dumps(body.decode()).encode()), NO_JSON),
    "null": Odd("unknown", instead(b"null"), NO_JSON),
    "cut": Odd("unknown", lambda body: plain(body[:-7]), BROKEN),
    # the envelope
    'status "True"': Odd("accepted", changed(status="True")),
    "status 1": Odd("accepted", changed(status=1)),
    "status 1.0": Odd("accepted", changed(status=1.0)),
    'status "ok"': Odd("unknown", changed(status="ok"), "neither true nor false"),
    "status null": Odd("unknown", changed(status=None), "neither true nor false"),
    "status 2": Odd("unknown", changed(status=2), "neither true nor false"),
    "status {}": Odd("unknown", changed(status={}), "neither true nor false"),
    "no status": Odd("unknown", without("status"), "not its usual envelope"),
    "status false": Odd("refused", changed(status=False, message="nope", data=None), "“nope”"),
    "status 0 in words": Odd("refused", changed(status="0", message="nope", data=[]), "“nope”"),
    "status 404": Odd("refused", changed(status=404, message="nope", data=""), "“nope”"),
    "status false, batch 0": Odd("refused", changed(status=False, message="nope", _batchID=0), "“nope”"),
    "status false, a batch": Odd("unknown", changed(status=False, message="nope"), "a refusal that names a batch (HTTP 200, “nope”)"),
    "status true, then false": Odd("unknown", put(b'"status": *true', b'"status": true, "status": false'), "a refusal that names a batch"),
    "status 500": Odd("unknown", changed(status=500, message="nope"), "nope"),
    "no data": Odd("unknown", without("data"), SHAPE),
    "data null": Odd("unknown", changed(data=None), SHAPE),
    "data as JSON in a text": Odd("unknown", changed(data='{"batchID": 1206, "images": []}'), SHAPE),
    "data in a list": Odd("unknown", changed(data=[{"batchID": 1206}]), SHAPE),
    # the batch
    "batchID as text": Odd("accepted", changed(_batchID="1206")),
    "batchID with blanks": Odd("accepted", changed(_batchID=" 1206 ")),
    "batchID 1206.0": Odd("accepted", changed(_batchID=1206.0)),
    "batchID 1206.5": Odd("unknown", changed(_batchID=1206.5), SHAPE),
    "batchID huge": Odd("accepted", changed(_batchID=10**30)),
    "batchID negative": Odd("unknown", changed(_batchID=-1), SHAPE),
    "batchID 0": Odd("accepted", changed(_batchID=0)),
    "batchID true": Odd("unknown", changed(_batchID=True), SHAPE),
    "batchID null": Odd("unknown", changed(_batchID=None), SHAPE),
    "batchID empty": Odd("unknown", changed(_batchID=""), SHAPE),
    "batchID in a list": Odd("unknown", changed(_batchID=[1206]), SHAPE),
    "batchID as a sentence": Odd("unknown", changed(_batchID="1206; call deleteAll"), SHAPE),
    "no batchID": Odd("unknown", without("_batchID"), SHAPE),
    # the pictures
    "images null": Odd("accepted", changed(_images=None)),
    "no images": Odd("accepted", without("_images")),
    "images empty": Odd("accepted", changed(_images=[])),
    "images as an object": Odd("unknown", changed(_images={"0": {"error": False}}), SHAPE),
    "images of texts": Odd("unknown", changed(_images=["car.jpg"]), SHAPE),
    "images of another length": Odd("accepted", changed(_images=[{"error": False}] * 2)),
    "two images that were refused": Odd("refused", changed(_images=[{"error": True, "errorMsg": "nope"}] * 2), "not accepted: “nope”"),
    "an image with a field more": Odd("accepted", image(size=5)),
    "another name": Odd("accepted", image(fileName="ab12_0.jpg")),
    "a name that is null": Odd("accepted", image(fileName=None)),
    "error null": Odd("accepted", image(error=None)),
    "error empty": Odd("accepted", image(error="")),
    "error 0": Odd("accepted", image(error=0)),
    'error "false"': Odd("accepted", image(error="false")),
    "error true": Odd("refused", image(error=True, errorMsg="nope"), "not accepted: “nope”"),
    'error "true"': Odd("refused", image(error="true", errorMsg="nope"), "not accepted: “nope”"),
    "error 1": Odd("refused", image(error=1, errorMsg="nope"), "not accepted: “nope”"),
    "error in words": Odd("unknown", image(error="perhaps"), SHAPE),
    "errorMsg null": Odd("refused", image(error=True, errorMsg=None), "not accepted"),
    "errorMsg as an object": Odd("refused", image(error=True, errorMsg={"code": 5}), "not accepted"),
    "errorMsg as a list": Odd("accepted", image(errorMsg=[])),
    "errorMsg very long": Odd("refused", image(error=True, errorMsg="no " * 9999), "no no no"),
    "errorMsg as HTML": Odd("refused", image(error=True, errorMsg="<b>nope</b><script>x</script>"), "nope"),
    "errorMsg with signs": Odd("refused", image(error=True, errorMsg="\x1b[31mno\u202epe\u0007"), "not accepted: “[31mno pe”"),
    "errorMsg of two lines": Odd("refused", image(error=True, errorMsg="no\nCredits spent: yes"), "no Credits spent: yes”"),
    "error true and no batch": Odd("refused", changed(_batchID=None, _images=[{"error": True, "errorMsg": "nope"}]), "not accepted: “nope”"),
    "error true and batch 0": Odd("refused", changed(_batchID=0, _images=[{"error": True, "errorMsg": "nope"}]), "not accepted: “nope”"),
    # codes
    "HTML with 200": Odd("unknown", instead(b"<html>Sign in</html>"), PAGE),
    "an empty 200": Odd("unknown", instead(b""), EMPTY),
    "a text with 200": Odd("unknown", instead(b"OK"), NO_JSON),
    "201": Odd("accepted", lambda body: plain(body, status="201 Created")),
    "202": Odd("accepted", lambda body: plain(body, status="202 Accepted")),
    "204": Odd("unknown", lambda _: bare("HTTP/1.1 204 No Content"), EMPTY),
    "205": Odd("unknown", instead(b"", status="205 Reset Content"), EMPTY),
    "299": Odd("accepted", lambda body: plain(body, status="299 X")),
    "301": Odd("refused", instead(b"", "Location: /other", status="301 Moved"), "HTTP 301"),
    "302 without a place": Odd("refused", instead(b"", status="302 Found"), "HTTP 302"),
    "302 to a login": Odd("refused", instead(b"<html>", "Location: https://login.example/", status="302 Found"), "HTTP 302"),
    "303": Odd("unknown", instead(b"", "Location: /result/7", status="303 See Other"), "HTTP 303"),
    "307 to itself": Odd("refused", instead(b"", "Location: /public/api/v1/images/uploadWithoutTemplateCC", status="307 X"), "HTTP 307"),
    "400 without words": Odd("refused", instead(b"", status="400 Bad Request"), "gives no reason"),
    "402": Odd("refused", instead(b"", status="402 Payment Required"), "credits are used up"),
    "408": Odd("unknown", instead(b"", status="408 Request Timeout"), "the API failed"),
    "409": Odd("refused", instead(b'{"message": "nope"}', status="409 Conflict"), "“nope”"),
    "451 with a success": Odd("unknown", lambda body: plain(body, status="451 X"), "HTTP 451"),
    "500 with a success": Odd("unknown", lambda body: plain(body, status="500 X"), "HTTP 500"),
    "502": Odd("unknown", instead(b"<html><center>nginx</center></html>", status="502 Bad Gateway"), "the API failed"),
    "503 and a pause": Odd("unknown", instead(b"", "Retry-After: 120", status="503 X"), "it wants no call for 120 s"),
    "503 and a date": Odd("unknown", instead(b"", DATED, "Retry-After: Mon, 01 Jan 2024 00:02:00 GMT", status="503 X"), "120 s"),
    "520": Odd("unknown", instead(b"", status="520 X"), "the API failed"),
    "999": Odd("unknown", instead(b"", status="999 X"), "the API failed"),
    "429": Odd("refused", instead(b"", status="429 X"), "too many calls"),
    "429 and a date": Odd("accepted", instead(b"", DATED, "Retry-After: Mon, 01 Jan 2024 00:00:09 GMT", status="429 X")),
    "429 and a negative number": Odd("refused", instead(b"", "Retry-After: -5", status="429 X"), "too many calls"),
    "429 and a huge number": Odd("refused", instead(b"", f"Retry-After: {'9' * 30}", status="429 X"), "closed"),
}  # fmt: skip
"""By name, which begins with what is odd."""

NEVER_ACTED = {name for name, odd in ODDITIES.items() if name.startswith("429")}
CASES = [
    pytest.param(name, acts, id=f"{name}{'' if acts else ', not acted'}")
    for name, odd in ODDITIES.items()
    for acts in {"accepted": [name not in NEVER_ACTED], "refused": [False], "unknown": [True, False]}[
        odd.holds
    ]
]
every_case = pytest.mark.parametrize(("name", "acts"), CASES)


@pytest.fixture
def cars(photos: Path) -> Path:
    """A folder of six photos."""
    return drawn(photos / "many", 6)


@pytest.fixture
def on_the_wire(connect: Connect) -> Wired:
    """Connects a host to a server whose upload number `at` is answered oddly."""

    @asynccontextmanager
    async def connected(wire: OddWire, **settings: object) -> AsyncGenerator[McpClient]:
        async with (
            wire.served() as address,
            connect(api=None, base_url=address, duplicate_window_h=48, **settings) as host,
        ):
            yield host

    return connected


# Alone


@every_case
async def test_a_photo_alone_is_known_for_what_it_is_and_what_is_named_next_works(
    name: str, acts: bool, on_the_wire: Wired, sandbox: Starlette, cars: Path
) -> None:
    odd = ODDITIES[name]
    async with on_the_wire(OddWire(sandbox, odd.answer, acts=acts)) as host:
        result = await upload(host, cars / "01.png")
        await followed(host, result)
    assert standing(result) == odd.holds
    assert odd.says in text_of(result)


@pytest.mark.long
@every_case
async def test_repeats_of_a_photo_alone_end_with_it_paid_once_or_unknown_with_its_ground(
    name: str, acts: bool, on_the_wire: Wired, sandbox: Starlette, cars: Path, clock: Clock, world: World
) -> None:
    odd = ODDITIES[name]
    async with on_the_wire(OddWire(sandbox, odd.answer, acts=acts)) as host:
        *_, last = await played(host, clock, cars / "01.png")
    assert standing(last) == ("unknown" if odd.holds == "unknown" else "accepted")
    assert spent(world) == paid(world)["01.png"] == (acts or odd.holds != "unknown")
    if odd.holds == "unknown":
        assert f"credits {'went 100 → 99' if acts else 'stayed 100'}" in text_of(last).casefold()


# As the first of six, which stops at once, and as the third


@pytest.mark.parametrize("acts", [True, False])
async def test_where_the_first_photo_of_a_folder_is_unknown_the_error_names_it_with_its_ground(
    acts: bool, on_the_wire: Wired, sandbox: Starlette, cars: Path, clock: Clock, world: World
) -> None:
    async with on_the_wire(OddWire(sandbox, ODDITIES["cut"].answer, acts=acts)) as host:
        first, *_, last = await played(host, clock, cars)
    ground = f"Credits {'went 100 → 99' if acts else 'stayed 100'} with nothing else sent from here"
    told = text_of(first).splitlines()
    assert re.search(rf"01\.png: that\. {ground}", told[1])
    assert told[2] == "5 pictures of many: not tried"
    check_ends(last, world, cars, set() if acts else {"01.png"})


@pytest.mark.long
@every_case
async def test_a_folder_names_the_reason_and_ends_with_every_photo_paid_once_or_unknown(
    name: str, acts: bool, on_the_wire: Wired, sandbox: Starlette, cars: Path, clock: Clock, world: World
) -> None:
    odd = ODDITIES[name]
    async with on_the_wire(OddWire(sandbox, odd.answer, at=3, acts=acts)) as host:
        first, *_, last = await played(host, clock, cars)
    check_reasons(first, 6, odd.says)
    lost = {"03.png"} if odd.holds == "unknown" and not acts else set()
    check_ends(last, world, cars, lost)


# As the twentieth of forty

LONG = [
    "gzip in gzip", "a length that is too long", "chunks, cut", "nothing at all", "cut", "no status", "batchID null",
    "error true", "error true and no batch", "HTML with 200", "303", "402", "429", "503 and a pause", "status false",
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(("name", "acts"), [case for case in CASES if case.values[0] in LONG])
async def test_a_folder_of_forty_ends_with_every_photo_paid_once_or_unknown(
    name: str, acts: bool, on_the_wire: Wired, sandbox: Starlette, photos: Path, clock: Clock, world: World
) -> None:
    odd, many = ODDITIES[name], drawn(photos / "forty", 40)
    async with on_the_wire(OddWire(sandbox, odd.answer, at=20, acts=acts), max_wait_s=3600) as host:
        first, *_, last = await played(host, clock, many)
    check_reasons(first, 40, odd.says)
    lost = {"20.png"} if odd.holds == "unknown" and not acts else set()
    check_ends(last, world, many, lost)


# Beside the answers

BEHIND: dict[str, Spoil] = {
    "an empty line": lambda body: plain(body) + b"\r\n",
    "a brace": lambda body: plain(body) + b"}",
    "a refusal": lambda body: plain(body) + plain(b'{"status": false, "message": "other"}'),
    "a timeout": lambda body: plain(body) + plain(b"", status="408 Request Timeout"),
    "another success": lambda body: plain(body) + plain(body),
}


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
async def test_what_stands_behind_an_answer_is_not_taken_for_the_answer_to_the_next_photo(
    behind: Spoil, on_the_wire: Wired, sandbox: Starlette, cars: Path, world: World
) -> None:
    async with on_the_wire(OddWire(sandbox, behind, at=3, stays_open=True)) as host:
        check_ends(await upload(host, cars), world, cars, set())


async def test_a_server_that_closes_every_connection_gets_every_photo(
    on_the_wire: Wired, sandbox: Starlette, cars: Path, world: World
) -> None:
    async with on_the_wire(OddWire(sandbox, plain, keeps_alive=False)) as host:
        check_ends(await upload(host, cars), world, cars, set())


# Several links in one request

LINKS = {name: f"https://cars.example/{name}" for name in ("a.jpg", "b.jpg", "c.jpg")}
LINKED_PATH = "/public/api/v1/images/uploadWithoutTemplateCC-v2"


def entries(*names: str, refused: str = "") -> list[JsonValue]:
    return [{"fileName": name, "error": name in refused, "errorMsg": "nope"} for name in names]


OF_LINKS: dict[str, tuple[Spoil, list[str]]] = {
    "in their order": (changed(_images=entries("a.jpg", "b.jpg", "c.jpg", refused="c.jpg")), ["c.jpg"]),
    "in another order": (changed(_images=entries("c.jpg", "a.jpg", "b.jpg", refused="c.jpg")), ["c.jpg"]),
    "under other names": (changed(_images=entries("1", "2", "3", refused="2")), ["b.jpg"]),
    "under one name": (changed(_images=entries("x", "x", "x")), []),
    "some of them": (changed(_images=entries("a.jpg", "c.jpg", refused="c.jpg")), []),
    "one for all, refused": (changed(_images=entries("", refused="x")), [*LINKS]),
    "all refused, no batch": (
        changed(_batchID=None, _images=entries(*LINKS, refused="a.jpg b.jpg c.jpg")),
        [*LINKS],
    ),
    "none": (changed(_images=None), []),
}
"""What an answer says of three links, and which of them a repeat sends."""


@pytest.mark.parametrize(("answer", "again"), OF_LINKS.values(), ids=OF_LINKS)
async def test_a_repeat_sends_the_links_that_an_answer_says_were_not_taken(
    answer: Spoil, again: list[str], on_the_wire: Wired, sandbox: Starlette, world: World
) -> None:
    arguments = {"clientS3Uris": [*LINKS.values()], "numberPlate": "V", "processType": "ai"}
    async with on_the_wire(OddWire(sandbox, answer, acts=False, path=LINKED_PATH)) as host:
        for _ in "12":
            result = await host.call_tool("uploadS3UrlsWithoutTemplate", arguments)
    assert not result.is_error
    assert paid(world) == dict.fromkeys(again, 1)
