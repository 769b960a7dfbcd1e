"""How long a host waits: from the start of a server to its list of tools, `--help`, and the import."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from interleaved import Row, milliseconds, ratio, timed

PEERS = Path(__file__).with_name("bench_peers.py")
OURS = [sys.executable, "-m", "autobg_mcp"]
MESSAGES = (
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list"},
)


def rows(quick: bool) -> Iterator[Row]:
    """The table's lines."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"AUTOBG_STATE_DIR": folder, "AUTOBG_API_KEY": "key"}
        taken = timed(
            {
                "bare SDK": partial(list_tools, [sys.executable, str(PEERS), "list"], {}),
                "ours": partial(list_tools, OURS, environment),
                "--help": partial(run, [*OURS, "--help"]),
                "import": partial(run, [sys.executable, "-c", "import autobg_mcp"]),
                "python": partial(run, [sys.executable, "-c", ""]),
            },
            rounds=5 if quick else 15,
        )
    yield Row(
        "start to tools/list, times a bare SDK server", f"{ratio(taken, 'ours', 'bare SDK'):.2f}", "1.12"
    )
    yield Row("the same in all", f"{milliseconds(taken, 'ours')} beside {milliseconds(taken, 'bare SDK')}")
    yield Row("`--help`", f"{median(taken['--help']):.2f} s", "0.1 s")
    above_s = median(one - bare for one, bare in zip(taken["import"], taken["python"], strict=True))
    yield Row("`import autobg_mcp`, above python itself", f"{above_s * 1e3:.0f} ms", "20 ms")


def list_tools(command: list[str], environment: dict[str, str]) -> None:
    """Start a server, ask for its tools over stdio as a host does, and end it."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=PEERS.parent
    ) as server:
        assert server.stdin
        assert server.stdout
        for message in MESSAGES:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            server.stdin.flush()
            if "id" in message:
                assert json.loads(server.stdout.readline())["result"]


def run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
