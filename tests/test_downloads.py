"""downloadProcessedImages: whatever its answer carries or leads to is saved, and nothing else is fetched."""

import base64
import copy
import gzip
import hashlib
import io
import json
import os
import socket
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from conftest import KEY, Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pictures_drawn import zipped
from PIL import Image
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from autobg_mcp.api.call import TimeBudget
from autobg_mcp.api.http import Http
from autobg_mcp.api.links import public_address
from autobg_mcp.errors import LinkRefusedError
from autobg_mcp.sandbox import SandboxOptions, World, build_sandbox
from autobg_mcp.settings import Settings

pytestmark = pytest.mark.anyio

TOOL = "downloadProcessedImages"
FORMS = {"links": "links", "map": "links", "base64": "base64", "zip": "an archive"}
PUBLIC = "93.184.216.34"


def drawn(colour: str = "red", kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (120, 80), colour).save(file, kind)
    return file.getvalue()


def saved(tmp_path: Path) -> dict[str, bytes]:
    """Every file in the output folder by its relative path."""
    results = tmp_path / "results"
    return {
        str(path.relative_to(results)): path.read_bytes() for path in results.rglob("*") if path.is_file()
    }


def unsaved(result: CallToolResult) -> dict[str, str]:
    """What was not saved, and why."""
    entries = structured(result)["notSaved"]
    assert isinstance(entries, list)
    return {str(entry["name"]): str(entry["reason"]) for entry in entries if isinstance(entry, dict)}


class Web:
    """The API and every other server: one answer to the tool's request, and what stands behind each path."""

    def __init__(self) -> None:
        self.answer: bytes = b""
        self.pages: dict[str, Response] = {}
        self.slow_s = 0.0
        self.sleep: Callable[[float], Awaitable[None]] = anyio.sleep
        self.requests: list[Request] = []

    def data(self, data: JsonValue) -> None:
        self.answer = json.dumps({"status": True, "message": "", "data": data}).encode()

    async def serve(self, request: Request) -> Response:
        self.requests.append(request)
        if request.method == "POST":
            return Response(self.answer)
        await self.sleep(self.slow_s)
        return self.pages.get(request.url.path, Response("gone", 404))

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.serve, methods=["GET", "POST"])])


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def sandbox(web: Web) -> Starlette:
    return web.app()


@pytest.fixture
async def host(web: Web, connect: Connect) -> AsyncGenerator[McpClient]:
    async with connect() as client:
        yield client


async def download(host: McpClient, *pic_ids: int) -> CallToolResult:
    return await host.call_tool(TOOL, {"picIDs": list(pic_ids or (1, 2))})


class TestTheSandbox:
    """Forms that the answer may plausibly have."""

    @pytest.fixture(params=FORMS)
    def sandbox_options(self, request: pytest.FixtureRequest) -> SandboxOptions:
        return SandboxOptions(download_form=request.param)

    @pytest.fixture
    def sandbox(self, sandbox_options: SandboxOptions, clock: Clock) -> Starlette:
        return build_sandbox(sandbox_options, clock=clock, sleep=clock.sleep)

    @pytest.fixture
    async def batch_id(self, client: McpClient, world: World, photos: Path) -> str:
        arguments = {"images": [str(photos / "cars")], "numberPlate": "V", "processType": "ai"}
        result = await client.call_tool("replaceNumPlate", arguments | {"numPlateProcessor": 1})
        world.advance(2)
        return str(structured(result)["batchID"])

    async def test_every_picture_is_saved_by_its_id_whatever_the_form(
        self, client: McpClient, world: World, batch_id: str, tmp_path: Path
    ) -> None:
        await client.call_tool("getImageStatus", {"batchID": batch_id})
        result = structured(await client.call_tool(TOOL, {"picIDs": [512251, 512252, 512253]}))
        assert result["came"] == FORMS[world.options.download_form]
        assert result["notSaved"] == []
        assert sorted(saved(tmp_path)) == [
            f"{batch_id}/{512250 + number}_car-{number}.jpg" for number in (1, 2, 3)
        ]

    async def test_pictures_that_were_reviewed_are_not_saved_twice(
        self, client: McpClient, batch_id: str, tmp_path: Path
    ) -> None:
        await client.call_tool("reviewBatch", {"batchID": batch_id})
        reviewed = saved(tmp_path)
        await client.call_tool(TOOL, {"picIDs": [512251, 512252]})
        assert saved(tmp_path) == reviewed

    @pytest.mark.usefixtures("batch_id")
    async def test_a_picture_that_is_not_done_is_the_apis_refusal(self, client: McpClient) -> None:
        await client.call_tool("reportImages", {"picIDs": [512251], "reportReason": ["Other"]})
        result = await client.call_tool(TOOL, {"picIDs": [512251]})
        assert result.is_error
        assert "“Image 512251 is not processed”" in text_of(result)


OWN = "http://localhost"
CAR, VAN = drawn("red"), drawn("blue")
CODED = base64.b64encode(CAR).decode()


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ([f"{OWN}/car", f"{OWN}/van"], ["downloads/download-1.jpg", "downloads/download-2.jpg"]),
        (f"{OWN}/car", ["downloads/download.jpg"]),
        ({"1": f"{OWN}/car", "2": f"{OWN}/van"}, ["pictures/1.jpg", "pictures/2.jpg"]),
        ({"images": [{"picID": 1, "image": {"href": f"{OWN}/car"}}]}, ["pictures/1.jpg"]),
        ([{"picID": "2", "urls": [f"{OWN}/car", f"{OWN}/van"]}], ["pictures/2-2.jpg", "pictures/2.jpg"]),
        ([{"fileName": "front.jpg", "url": f"{OWN}/car"}], ["downloads/front.jpg"]),
        ([{"picID": 77, "url": f"{OWN}/car"}], ["downloads/77.jpg"]),
        ([{"url": f"{OWN}/car", "thumb": f"{OWN}/car"}], ["downloads/download-1.jpg"]),
        ([CODED], ["downloads/download-1.jpg"]),
        ([{"picID": 1, "data": f"data:image/jpeg;base64,{CODED}"}], ["pictures/1.jpg"]),
        ({"zip": f"{OWN}/zip"}, ["downloads/van.jpg", "pictures/1.jpg"]),
    ],
)
async def test_links_and_base64_are_found_wherever_they_stand(
    data: JsonValue, names: list[str], web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data(data)
    web.pages = {"/car": Response(CAR), "/van": Response(VAN)}
    web.pages["/zip"] = Response(zipped({"1-car.jpg": CAR, "a/../van.jpg": VAN, "readme.txt": b"hello"}))
    result = await download(host)
    assert unsaved(result) == {}
    assert sorted(saved(tmp_path)) == names


async def test_a_lone_picture_is_named_by_the_id_that_was_asked_for(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.answer = drawn(kind="WEBP")
    assert structured(await download(host, 7))["came"] == "one picture"
    assert saved(tmp_path) == {"pictures/7.webp": web.answer}


async def test_the_answer_tells_path_type_size_and_hash(web: Web, host: McpClient, tmp_path: Path) -> None:
    web.answer = CAR
    assert structured(await download(host, 7))["files"] == [
        {
            "path": str(tmp_path / "results" / "pictures" / "7.jpg"),
            "mime": "image/jpeg",
            "size_bytes": len(CAR),
            "width_px": 120,
            "height_px": 80,
            "sha256": hashlib.sha256(CAR).hexdigest(),
        }
    ]


REFUSED = {
    "http://pictures.example/a.jpg": "is not an https link",
    "http://127.0.0.1/a.jpg": "is not an https link",
    "https://127.0.0.1/a.jpg": "is at 127.0.0.1, which is not a public address",
    "https://10.0.0.1/a.jpg": "not a public address",
    "https://192.168.1.1:8443/a.jpg": "not a public address",
    "https://169.254.169.254/latest/meta-data": "not a public address",
    "https://[::1]/a.jpg": "not a public address",
    "https://[fe80::1]/a.jpg": "not a public address",
    "https://[::ffff:10.0.0.1]/a.jpg": "not a public address",
    "https://0x7f000001/a.jpg": "unusual notation",
    "https://me:secret@pictures.example/a.jpg": "user name or password",
    "https://localhost/a.jpg": "not a public address",
    "https://xn--.localhost/a.jpg": "“xn--.localhost”",
    "http://localhost:8080/a.jpg": "is not an https link",
    "https://[/a.jpg": "is not an address",
}


@pytest.mark.parametrize(("link", "reason"), REFUSED.items(), ids=REFUSED)
async def test_a_link_to_anything_but_a_public_https_address_is_refused(
    link: str, reason: str, web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data([{"picID": 1, "url": link}, {"picID": 2, "url": f"{OWN}/car"}])
    web.pages = {"/car": Response(CAR), "/a.jpg": Response(VAN)}
    [(name, told)] = unsaved(await download(host)).items()
    assert name == "1"
    assert reason in told
    assert saved(tmp_path) == {"pictures/2.jpg": CAR}
    assert [request.url.path for request in web.requests[1:]] == ["/car"]


async def test_every_redirect_is_checked_anew(web: Web, host: McpClient, tmp_path: Path) -> None:
    web.data({"1": f"{OWN}/inside", "2": f"{OWN}/onward", "3": f"{OWN}/round"})
    web.pages = {
        "/inside": RedirectResponse("https://169.254.169.254/latest"),
        "/onward": RedirectResponse("/car"),
        "/round": RedirectResponse("/round"),
        "/car": Response(CAR),
    }
    refused = unsaved(await download(host, 1, 2, 3))
    assert "169.254.169.254, which is not a public address" in refused["1"]
    assert "leads on and on" in refused["3"]
    assert saved(tmp_path) == {"pictures/2.jpg": CAR}


class Names:
    """A name server that answers something else each time."""

    def __init__(self, *ips: str) -> None:
        self._ips = list(ips)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (self._ips.pop(0), port))]


def answer_by(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let links be looked up by `names`."""
    assert public_address.__kwdefaults__
    monkeypatch.setitem(public_address.__kwdefaults__, "resolve", names)


async def test_a_name_is_looked_up_once_and_that_address_is_connected_to(
    web: Web, host: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(PUBLIC, "127.0.0.1")
    answer_by(names, monkeypatch)
    web.data({"1": "https://pictures.example:8443/car"})
    web.pages = {"/car": Response(CAR)}
    assert unsaved(await download(host)) == {}
    assert (names.asked, web.requests[-1].scope["server"]) == (["pictures.example"], (PUBLIC, 8443))
    assert web.requests[-1].headers["host"] == "pictures.example:8443"


async def test_a_name_that_turns_private_at_a_redirect_is_refused(
    web: Web, host: McpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_by(Names(PUBLIC, "10.0.0.7"), monkeypatch)
    web.data({"1": "https://pictures.example/again"})
    web.pages = {"/again": RedirectResponse("/car"), "/car": Response(CAR)}
    assert "is at 10.0.0.7, which is not a public address" in unsaved(await download(host))["1"]


async def test_a_link_is_fetched_directly_even_where_the_environment_names_a_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connected: list[tuple[str, int]] = []

    async def connect_tcp(remote_host: str, remote_port: int, **_: object) -> None:
        connected.append((remote_host, remote_port))
        raise OSError

    monkeypatch.setattr("anyio.connect_tcp", connect_tcp)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    http = Http(Settings.load(state_dir=tmp_path))
    with pytest.raises(LinkRefusedError, match="ConnectError"):
        await http.fetch(f"https://{PUBLIC}/car", TimeBudget(5))
    assert connected == [(PUBLIC, 443)]


@pytest.mark.parametrize("link", [f"{OWN}/car", f"https://{PUBLIC}/car"])
async def test_the_key_is_not_sent_along(link: str, web: Web, host: McpClient) -> None:
    web.data({"1": link})
    web.pages = {"/car": Response(CAR)}
    assert unsaved(await download(host)) == {}
    sent, fetched = web.requests
    assert sent.headers["authorization"] == KEY
    assert KEY not in str(fetched.headers.items()) + str(fetched.url)


async def test_a_link_that_leads_to_too_much_is_refused(
    web: Web, host: McpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("autobg_mcp.api.http.MAX_LINKED_BYTES", 2 * 2**20)
    web.data({"1": f"{OWN}/large", "2": f"{OWN}/car"})
    web.pages = {"/large": Response(CAR + bytes(2 * 2**20)), "/car": Response(CAR)}
    assert "leads to more than 2 MB" in unsaved(await download(host))["1"]
    assert list(saved(tmp_path)) == ["pictures/2.jpg"]


async def test_a_packed_picture_is_unpacked_no_further_than_the_bound(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data({"1": f"{OWN}/bomb", "2": f"{OWN}/car"})
    packed = {"Content-Encoding": "gzip"}
    web.pages = {
        "/bomb": Response(gzip.compress(CAR + bytes(2**27)), headers=packed),
        "/car": Response(gzip.compress(CAR), headers=packed),
    }
    assert "leads to more than 64 MB" in unsaved(await download(host))["1"]
    assert saved(tmp_path) == {"pictures/2.jpg": CAR}


async def test_slow_links_end_with_the_time_and_lose_nothing_that_came(
    web: Web, connect: Connect, clock: Clock, tmp_path: Path
) -> None:
    web.data({"1": CODED, "2": f"{OWN}/car", "3": f"{OWN}/van"})
    web.pages["/car"], web.slow_s, web.sleep = Response(CAR), 50, clock.sleep
    async with connect() as host:
        refused = unsaved(await download(host, 1, 2, 3))
    assert refused == {"3": "not fetched: the time was over; call again with what is missing"}
    assert sorted(saved(tmp_path)) == ["pictures/1.jpg", "pictures/2.jpg"]


async def test_a_link_that_does_not_answer_is_given_up_in_time(web: Web, connect: Connect) -> None:
    web.data({"1": f"{OWN}/car"})
    web.slow_s = 60
    async with connect(timeout_s=0.3) as host:
        refused = unsaved(await download(host, 1))
    assert "did not answer within 0.3 s" in refused["1"]


async def test_where_nothing_can_be_saved_the_folder_is_to_be_mended_and_no_other_tool_called(
    web: Web, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("in the way")
    web.data({"1": base64.b64encode(CAR).decode()})
    async with connect(output_dir=tmp_path / "taken") as host:
        result = await download(host)
    assert "cannot be written to" in unsaved(result)["1"]
    assert str(structured(result)["next"]).startswith(
        "Ask the person who runs this server to mend AUTOBG_OUTPUT_DIR"
    )


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Response("gone", 404), "answered HTTP 404"),
        (Response("<html>sign in", media_type="text/html"), "it is no picture"),
        (Response(b""), "it is no picture"),
        (Response(b"PK\x03\x04" + bytes(100)), "damaged"),
        (Response(zipped({"a.zip": zipped({"a.jpg": CAR})})), "another archive"),
    ],
)
async def test_what_a_link_leads_to_in_place_of_a_picture_is_told(
    page: Response, reason: str, web: Web, host: McpClient
) -> None:
    web.data({"1": f"{OWN}/page"})
    web.pages = {"/page": page}
    result = await download(host)
    assert reason in unsaved(result)["1"]
    assert structured(result)["next"] == "getImagesRaw for each picID that is missing"


async def test_a_picture_named_with_the_key_is_saved_under_another_name(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.answer = zipped({f"{KEY}.jpg": CAR})
    result = structured(await download(host))
    assert next(iter(saved(tmp_path))) in str(result["files"])
    assert KEY not in str(list(saved(tmp_path)))


async def test_a_picture_of_megabytes_comes_whole_out_of_an_archive(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    large = CAR + os.urandom(3_000_000)
    web.answer = zipped({"1-car.jpg": large})
    assert unsaved(await download(host)) == {}
    assert saved(tmp_path) == {"pictures/1.jpg": large}


async def test_pictures_in_front_of_a_bomb_are_kept(web: Web, host: McpClient, tmp_path: Path) -> None:
    web.answer = zipped({"1-car.jpg": CAR, "2-van.jpg": VAN + bytes(30_000_000)})
    result = await download(host)
    assert structured(result)["came"] == "an archive"
    assert "“2-van.jpg” in the archive unpacks to too much" in unsaved(result)["download"]
    assert saved(tmp_path) == {"pictures/1.jpg": CAR}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "an empty body"),
        (b"{", "JSON that is broken"),
        (b'{"status": true, "data": []}', "JSON without pictures"),
        (
            b'{"status": true, "data": ["soon", 7, null, "' + b"words, " * 100 + b'"]}',
            "JSON without pictures",
        ),
        (zipped({"readme.txt": b"hello"}), "an archive without pictures"),
        (json.dumps([f"{OWN}/{number}" for number in range(501)]).encode(), "more than 500 links"),
        (b"[" * 100_000, "JSON that is broken"),
    ],
)
async def test_an_answer_without_pictures_is_an_error(
    answer: bytes, told: str, web: Web, host: McpClient
) -> None:
    web.answer = answer
    result = await download(host)
    assert result.is_error
    assert f"{TOOL}: the API answered with {told}" in text_of(result)


async def test_a_refusal_is_told_as_the_apis_own(web: Web, host: McpClient) -> None:
    web.answer = b'{"status": false, "message": "Image 7 is not processed"}'
    assert "“Image 7 is not processed”" in text_of(await download(host))


async def test_progress_counts_the_links(web: Web, host: McpClient) -> None:
    heard: list[tuple[float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((total, message))

    web.data([f"{OWN}/car", f"{OWN}/van"])
    await host.call_tool(TOOL, {"picIDs": [1, 2]}, progress_callback=hear)
    assert heard == [(2, "Fetching picture 1 of 2"), (2, "Fetching picture 2 of 2")]


def fetched(web: Web) -> list[str]:
    """The paths of the links that were fetched."""
    return [request.url.path for request in web.requests if request.method == "GET"]


async def test_links_beyond_the_pictures_asked_for_are_named_and_not_fetched(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data([{"picID": 1, "urls": [f"{OWN}/car?{number}" for number in range(40)]}])
    web.pages = {"/car": Response(CAR)}
    result = structured(await download(host, 1))
    assert fetched(web) == ["/car"]
    assert saved(tmp_path) == {"pictures/1.jpg": CAR}
    surplus = "left out: more pictures came than were asked for"
    names = [*(f"1-{number}" for number in range(2, 22)), "19 more"]
    assert result["notSaved"] == [{"name": name, "reason": surplus} for name in names]
    assert "next" not in result


@pytest.mark.parametrize(
    "data",
    [
        {"1": [f"{OWN}/car", f"{OWN}/car?small"], "2": [f"{OWN}/van", f"{OWN}/van?small"]},
        {"9": f"{OWN}/car?9", "1": f"{OWN}/car", "2": f"{OWN}/van"},
    ],
)
async def test_the_first_link_of_each_picture_asked_for_comes_before_all_others(
    data: JsonValue, web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data(data)
    web.pages = {"/car": Response(CAR), "/van": Response(VAN)}
    await download(host, 1, 2)
    assert set(saved(tmp_path).values()) == {CAR, VAN}
    assert sorted(fetched(web)) == ["/car", "/van"]


async def test_a_link_that_fails_makes_room_for_the_next_one_of_its_picture(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.data({"1": [f"{OWN}/gone", f"{OWN}/car"]})
    web.pages = {"/car": Response(CAR)}
    result = await download(host, 1)
    assert list(unsaved(result)) == ["1-1"]
    assert list(saved(tmp_path).values()) == [CAR]


async def test_pictures_beyond_those_asked_for_stay_in_the_archive_and_are_named(
    web: Web, host: McpClient, tmp_path: Path
) -> None:
    web.answer = zipped({"1.jpg": CAR, "2.jpg": VAN})
    result = await download(host, 1)
    assert saved(tmp_path) == {"pictures/1.jpg": CAR}
    assert unsaved(result) == {"2.jpg": "left out: more pictures came than were asked for"}


async def test_one_call_keeps_no_more_than_its_share_of_the_disk(
    web: Web, host: McpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("autobg_mcp.tools.crate.MOST_SAVED_BYTES", len(CAR) + 10)
    web.data({"1": f"{OWN}/car", "2": f"{OWN}/van"})
    web.pages = {"/car": Response(CAR), "/van": Response(VAN)}
    result = await download(host, 1, 2)
    assert saved(tmp_path) == {"pictures/1.jpg": CAR}
    assert "call again with what is missing" in unsaved(result)["2"]


def packed(method: int, content: bytes = CAR) -> bytes:
    """An archive of one picture, packed by this method."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("1.jpg", content)
    return file.getvalue()


def overlapping() -> bytes:
    """An archive whose two entries share one picture's bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("1.jpg", CAR)
        again = copy.copy(archive.infolist()[0])
        again.filename = "2.jpg"
        archive.filelist.append(again)
    return file.getvalue()


def nameless() -> bytes:
    """An archive of one picture without a name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("1.jpg", CAR)
        archive.infolist()[0].filename = ""
    return file.getvalue()


def claiming(size_bytes: int) -> bytes:
    """An archive of one stored picture that says it has another size."""
    true, false = (size.to_bytes(4, "little") for size in (len(CAR), size_bytes))
    return packed(zipfile.ZIP_STORED).replace(true * 2, true + false)


UNUSUAL = {
    "bzip2": (packed(zipfile.ZIP_BZIP2), "packed in an unusual way"),
    "LZMA": (packed(zipfile.ZIP_LZMA), "packed in an unusual way"),
    "entries that share bytes": (overlapping(), "damaged"),
    "more bytes than there are": (claiming(len(CAR) + 9), "damaged"),
    "fewer bytes than there are": (claiming(len(CAR) - 9), "damaged"),
    "a huge size": (claiming(2**31), "unpacks to too much"),
    "a name that is empty": (nameless(), "damaged"),
    "501 files": (zipped({f"{number}.txt": b"" for number in range(501)}), "more than 500 files"),
}


@pytest.mark.parametrize(("content", "reason"), UNUSUAL.values(), ids=UNUSUAL)
async def test_an_archive_that_is_no_usual_one_is_refused_in_words(
    content: bytes, reason: str, web: Web, host: McpClient
) -> None:
    web.answer = content
    assert reason in unsaved(await download(host, 1))["1"]
