"""Failures on demand, looking into the sandbox, and real connections to it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from sandbox_visitor import PLAIN, REPORT, STATUS, Visitor, picture

from autobg_mcp.sandbox import ConnectionDropped, FailureKind, SandboxOptions
from autobg_mcp.sandbox.app import PREFIX

pytestmark = pytest.mark.anyio

# --- failures on demand


def body_of(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return answer.text


NO = {"status": False}
SPOILT: dict[FailureKind, tuple[int, object]] = {
    "401": (401, NO | {"message": "You are not Authorized"}),
    "soft": (200, NO | {"message": "Something went wrong"}),
    "402": (402, NO | {"message": "Payment Required"}),
    "403": (403, NO | {"message": "Forbidden"}),
    "404": (404, NO | {"message": "Not Found"}),
    "410": (410, NO | {"message": "Gone"}),
    "412": (412, NO | {"message": "Precondition Failed"}),
    "413": (413, NO | {"message": "Payload Too Large"}),
    "415": (415, NO | {"message": "Unsupported Media Type"}),
    "422": (422, NO | {"message": "Unprocessable Entity"}),
    "credits": (200, NO | {"message": "Insufficient credits"}),
    "no_car": (200, NO | {"message": "No car found in the image"}),
    "too_large": (200, NO | {"message": "File too large"}),
    "pending": (200, NO | {"message": "Image is not processed"}),
    "500": (500, NO | {"message": "Internal Server Error"}),
    "503": (503, NO | {"message": "Service Unavailable"}),
    "429": (429, NO | {"message": "Too many requests"}),
    "html": (200, "<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>"),
    "403_page": (
        403,
        "<html><head><title>403 Forbidden</title></head><body>Request blocked</body></html>",
    ),
    "413_page": (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    "truncated": (200, '{"status":true,"mes'),
    "empty": (200, ""),
    "not_json": (200, "Processed OK"),
    "wrong_shape": (200, {"status": True, "message": "", "data": {"unexpected": True}}),
    "slow": (200, {"status": True, "message": "", "data": []}),
}


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_failure_on_demand_spoils_one_answer(visitor: Visitor, kind: FailureKind) -> None:
    visitor.world.fail_next("templates/list", kind, delay_s=3)
    answer = await visitor.post("/templates/list")
    assert (answer.status_code, body_of(answer)) == SPOILT[kind]
    assert visitor.slept == ([3] if kind == "slow" else [])
    assert (await visitor.post("/templates/list")).json()["data"] == []


@pytest.mark.parametrize(("kind", "batches"), [("drop_before", 0), ("drop_after", 1), ("hang", 1)])
async def test_a_broken_connection_acts_or_not(visitor: Visitor, kind: FailureKind, batches: int) -> None:
    visitor.world.fail_next("", kind, delay_s=9)
    with pytest.raises(ConnectionDropped):
        await visitor.upload()
    assert len((await visitor.get("http://sandbox/_sandbox/state")).json()["batches"]) == batches
    assert visitor.slept == ([9] if kind == "hang" else [])


@pytest.mark.parametrize(("kind", "batches"), [("html", 0), ("503", 0), ("truncated", 1), ("wrong_shape", 1)])
async def test_a_spoilt_upload_has_acted_or_not(visitor: Visitor, kind: FailureKind, batches: int) -> None:
    visitor.world.fail_next(PLAIN, kind)
    await visitor.upload()
    assert len((await visitor.get("http://sandbox/_sandbox/state")).json()["batches"]) == batches


async def test_a_failure_waits_for_its_own_path_and_lasts_as_long_as_told(visitor: Visitor) -> None:
    visitor.world.fail_next("templates/list", "500", times=2)
    codes = [
        (await visitor.post(path)).status_code
        for path in ["/user/getUserCreditDetails", *["/templates/list"] * 3]
    ]
    assert codes == [200, 500, 500, 200]


async def test_a_failure_meets_the_request_it_was_ordered_for(visitor: Visitor) -> None:
    order = {"path": "templates/list", "kind": "402", "after": 2}
    await visitor.post("http://sandbox/_sandbox/failures", order)
    codes = [(await visitor.post("/templates/list")).status_code for _ in range(4)]
    assert codes == [200, 200, 402, 200]


@pytest.mark.parametrize("kind", ["429", "503"])
async def test_an_api_that_is_overloaded_says_when_to_come_back(visitor: Visitor, kind: FailureKind) -> None:
    visitor.world.fail_next("templates/list", kind, delay_s=90)
    assert (await visitor.post("/templates/list")).headers["retry-after"] == "90"


async def test_a_picture_of_the_wrong_shape_is_an_envelope() -> None:
    visitor = Visitor(SandboxOptions(turnaround_s=0))
    await visitor.upload()
    visitor.world.fail_next("getImagesRaw", "wrong_shape")
    assert (await visitor.get("/images/getImagesRaw", picID=512251)).json()["data"] == [["unexpected"]]


async def test_an_uploader_who_leaves_midway_changes_nothing(visitor: Visitor) -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def unheard(_: object) -> None: ...

    headers = [(b"authorization", b"key-a"), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PREFIX + PLAIN,
        "headers": headers,
        "query_string": b"",
    }
    with pytest.raises(ConnectionDropped):
        await visitor.app(scope, gone, unheard)
    assert not visitor.world.requests


# --- inspection


async def test_the_state_sums_up_all_users(visitor: Visitor) -> None:
    await visitor.upload("a.jpg", "b.jpg")
    await visitor.upload(key="key-b")
    visitor.now_s = 1.5
    state = (await visitor.get("http://sandbox/_sandbox/state")).json()
    assert (state["credits_spent"], state["credits_left"], state["refused_429"]) == (3, 197, 0)
    assert state["requests"] == {PREFIX + PLAIN: 2}
    assert [(batch["batchID"], batch["pictures"], batch["processed"]) for batch in state["batches"]] == [
        (1206, 2, 1),
        (1207, 1, 1),
    ]


async def test_the_state_shows_reports_and_never_a_key(visitor: Visitor) -> None:
    await visitor.upload()
    visitor.now_s = 2
    await visitor.post("/images/reportImages", REPORT)
    answer = await visitor.get("http://sandbox/_sandbox/state")
    assert answer.json()["reports"][0]["picIDs"] == [512251]
    assert "key-a" not in answer.text + repr(visitor.world.requests) + repr(visitor.world.accounts)


async def test_a_failure_can_be_ordered_over_http(visitor: Visitor) -> None:
    order = {"path": "templates/list", "kind": "503", "times": 1, "delay_s": 0}
    assert (await visitor.post("http://sandbox/_sandbox/failures", order)).json() == {"waiting": 1}
    assert (await visitor.post("/templates/list")).status_code == 503


async def test_the_clock_can_be_turned_over_http(visitor: Visitor) -> None:
    await visitor.upload()
    await visitor.post("http://sandbox/_sandbox/advance", {"seconds": 2})
    assert (await visitor.post(STATUS, {"batchID": "1206"})).json()["data"][0]["isProcessed"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [("failures", {"kind": "earthquake"}), ("failures", []), ("advance", {}), ("advance", [])],
)
async def test_a_wrong_order_is_refused(visitor: Visitor, path: str, body: object) -> None:
    assert (await visitor.post(f"http://sandbox/_sandbox/{path}", body)).status_code == 400


async def test_a_recorded_upload_shows_its_parts(visitor: Visitor) -> None:
    await visitor.upload("a.jpg")
    request = visitor.world.requests[-1]
    parts = [(part.name, part.filename, part.content_type, part.text) for part in request.form]
    assert parts[:2] == [("numberPlate", None, None, "KA-01"), ("processType", None, None, "ai")]
    assert parts[-1] == ("cc", "a.jpg", "image/jpeg", None)
    assert (request.form[-1].size_bytes, "authorization" in request.headers) == (len(picture()), False)


async def test_64_kib_of_a_request_are_kept(visitor: Visitor) -> None:
    async def slices() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 10_000

    await visitor.post(STATUS, content=slices())
    assert [len(request.body) for request in visitor.world.requests] == [65_536]


# --- over real HTTP


@pytest.fixture
async def address(visitor: Visitor) -> AsyncIterator[str]:
    """The sandbox behind uvicorn on a free loopback port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(visitor.app, log_config=None, log_level="info", lifespan="off"))
    serving = asyncio.create_task(server.serve([listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "hang"])
async def test_a_dropped_connection_closes_without_a_byte_or_a_log_line(
    visitor: Visitor, address: str, kind: FailureKind, caplog: pytest.LogCaptureFixture
) -> None:
    visitor.world.fail_next("templates/list", kind)
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": "key-a"}) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.post(f"{PREFIX}/templates/list")
        assert (await client.post(f"{PREFIX}/templates/list")).status_code == 200
    assert [record.levelname for record in caplog.records if record.levelname != "INFO"] == []
    assert [record.getMessage()[-3:] for record in caplog.records if record.name == "uvicorn.access"] == [
        "200"
    ]


async def test_a_refused_upload_leaves_the_connection_usable(visitor: Visitor, address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        refused = await client.post(PREFIX + PLAIN, files={"cc": ("car.jpg", b"x" * 3_000_000)})
        assert (refused.status_code, (await client.get("/_sandbox/state")).status_code) == (401, 200)
