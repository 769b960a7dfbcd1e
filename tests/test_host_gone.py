"""A host that goes away in the middle of a call: what was paid is known to the next one, and nothing is in doubt."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from documented import structured
from ledger_cases import by_hand
from served_sandbox import sandbox_served, steer
from test_stdio import UPLOAD, process
from uploading import PATH

pytestmark = pytest.mark.anyio

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}


@pytest.fixture
def environment(photos: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    with sandbox_served(photos, tmp_path) as environment:
        yield environment


def asked() -> bytes:
    """What a host writes that asks for an upload of three photos."""
    call = {"name": "uploadImagesWithoutTemplate", "arguments": UPLOAD | {"images": ["cars"]}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call | {"_meta": {"progressToken": 1}}},
    ]
    return "".join(json.dumps(one) + "\n" for one in messages).encode()


def abandoned(environment: dict[str, str], messages: int) -> str:
    """What a server logs whose host asks for an upload, reads so many messages, and goes."""
    with subprocess.Popen(
        [sys.executable, "-m", "autobg_mcp"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    ) as server:  # fmt: skip
        assert server.stdin
        assert server.stdout
        assert server.stderr
        server.stdin.write(asked())
        server.stdin.flush()
        for _ in range(messages):
            assert b"jsonrpc" in server.stdout.readline()
        server.stdout.close()
        server.stdin.close()
        return server.stderr.read().decode()


def test_who_breaks_an_upload_off_hears_how_it_goes_on(environment: dict[str, str], photos: Path) -> None:
    pairs = [f"images={photos / 'cars'}", "numberPlate=V", "numPlateProcessor=1", "processType=ai"]
    slowly = {"AUTOBG_RATE_LIMITS": "*=1/60s", "AUTOBG_MAX_WAIT_S": "200"}
    with subprocess.Popen(
        [sys.executable, "-m", "autobg_mcp", "call", "uploadImagesWithoutTemplate", *pairs],
        stderr=subprocess.PIPE, text=True, env=os.environ | environment | slowly,
    ) as command:  # fmt: skip
        assert command.stderr
        while not command.stderr.readline().startswith("Waiting"):
            assert command.poll() is None
        command.send_signal(signal.SIGINT)
        last = command.stderr.read()
    assert "the same call, without allowDuplicate, sends what is left" in last
    assert command.returncode == 130


@pytest.mark.parametrize("messages", [3])
async def test_what_was_paid_before_a_host_went_away_is_known_and_nothing_is_in_doubt(
    messages: int, environment: dict[str, str], tmp_path: Path
) -> None:
    log = abandoned(environment, messages)
    async with process("auto", tmp_path, environment=environment) as host:
        known = structured(await host.call_tool("listBatches", {}))
        batch_id = re.findall("'batchID': '(\\d+)'", str(known))[0]
        status = structured(await host.call_tool("getImageStatus", {"batchID": batch_id, "all": True}))
    assert f"'pictures': {str(status['images']).count('picID')}," in str(known)
    assert (known["outcomeUnknown"], "Traceback" in log) == ([], False)


# Told to end


@contextmanager
def photo_on_the_wire(environment: dict[str, str], answer_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """A server whose first photo of three has reached an API that answers after so many seconds."""
    steer(
        environment,
        "failures",
        {"path": "/uploadWithoutTemplateCC", "kind": "slow", "delay_s": answer_s, "times": 9},
    )
    with subprocess.Popen(
        [sys.executable, "-m", "autobg_mcp"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment,
    ) as server:  # fmt: skip
        assert server.stdin
        server.stdin.write(asked())
        server.stdin.flush()
        while PATH not in steer(environment, "state")["requests"]:
            assert server.poll() is None
        yield server
        if server.poll() is None:
            server.kill()


def told_to_end(server: subprocess.Popen[bytes], how: str) -> float:
    """How many seconds a server takes to end after the first SIGTERM, as hosts end one."""
    assert server.stdin
    if how == "standard input is closed before":
        server.stdin.close()
        time.sleep(0.2)
    told_s = time.monotonic()
    server.terminate()
    if how == "told twice":
        time.sleep(0.2)
        server.terminate()
    server.wait(10)
    return time.monotonic() - told_s


WAYS = pytest.mark.parametrize("how", ["told once", "told twice", "standard input is closed before"])


@pytest.mark.long
@WAYS
def test_the_photo_on_the_wire_is_finished_and_none_is_begun_once_a_server_is_told_to_end(
    how: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with photo_on_the_wire(environment, answer_s=1.0) as server:
        told_to_end(server, how)
    assert by_hand(tmp_path / "state", "SELECT state, batch_id FROM entries") == [("accepted", "1206")]
    assert steer(environment, "state")["requests"][PATH] == 1


@pytest.mark.long
@WAYS
def test_a_photo_that_takes_too_long_is_unknown_before_the_host_kills_the_server(
    how: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with photo_on_the_wire(environment, answer_s=30) as server:
        assert told_to_end(server, how) < 2.5
    entries = by_hand(tmp_path / "state", "SELECT state, reason FROM entries")
    assert entries == [("unknown", "the call was broken off")]
    assert steer(environment, "state")["requests"][PATH] == 1


@pytest.mark.long
def test_an_idle_server_ends_as_soon_as_it_is_told(environment: dict[str, str]) -> None:
    with photo_on_the_wire(environment, answer_s=0) as server:
        while steer(environment, "state")["requests"][PATH] < 3:
            assert server.poll() is None
        assert told_to_end(server, "told once") < 1.5
