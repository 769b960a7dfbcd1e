"""A host that goes away in the middle of a call: what was paid is known to the next one, and nothing is in doubt."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from documented import structured
from test_stdio import UPLOAD, process

pytestmark = pytest.mark.anyio

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}


@pytest.fixture
def environment(photos: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What leads a server to a sandbox in a process of its own, and to the photos."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout
        pairs = [pair.partition("=") for pair in sandbox.stdout.readline().split()]
        yield {name: value for name, _, value in pairs} | {
            "AUTOBG_IMAGE_DIRS": str(photos),
            "AUTOBG_STATE_DIR": str(tmp_path / "state"),
            "AUTOBG_OUTPUT_DIR": str(tmp_path / "results"),
        }
        sandbox.terminate()


def abandoned(environment: dict[str, str], messages: int) -> str:
    """What a server logs whose host asks for an upload, reads so many messages, and goes."""
    call = {"name": "uploadImagesWithoutTemplate", "arguments": UPLOAD | {"images": ["cars"]}}
    asked = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call | {"_meta": {"progressToken": 1}}},
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "autobg_mcp"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | environment,
    ) as server:  # fmt: skip
        assert server.stdin
        assert server.stdout
        assert server.stderr
        server.stdin.write("".join(json.dumps(one) + "\n" for one in asked).encode())
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
