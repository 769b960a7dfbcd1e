"""The documents' own exchanges, and that the sandbox is a second witness."""

import ast
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sandbox_visitor import Visitor, opened, picture

from autobg_mcp import sandbox
from autobg_mcp.sandbox import BEHAVIOURS, SandboxOptions, exchanges
from autobg_mcp.sandbox.app import ACTS, PREFIX, endpoints

pytestmark = pytest.mark.anyio

# --- exchanges


def test_every_endpoint_has_an_exchange_and_every_exchange_an_endpoint() -> None:
    shown = {(tool, exchange.request.method, exchange.request.path) for tool, exchange in exchanges().items()}
    assert shown == {(endpoint.tool, endpoint.method, PREFIX + endpoint.path) for endpoint in endpoints()}


async def play(visitor: Visitor, tool: str) -> httpx.Response:
    request = exchanges()[tool].request
    form = request.form or []
    async with visitor.client() as client:
        return await client.request(
            request.method,
            f"http://sandbox{request.path}",
            params=request.query,
            content=request.body,
            headers={"Content-Type": "application/json"} if request.body else {},
            data={name: value for name, value in form if isinstance(value, str)} or None,
            files=[(name, (value.file, picture())) for name, value in form if not isinstance(value, str)]
            or None,
        )


@pytest.mark.parametrize("tool", sorted(exchanges()))
async def test_a_replayed_exchange_is_the_documents_own(tool: str) -> None:
    visitor, example = Visitor(SandboxOptions(replay=True)), exchanges()[tool]
    answer = await play(visitor, tool)
    assert answer.headers["content-type"].startswith(example.response.contentType)
    if example.response.body is None:
        data = base64.b64decode(answer.text) if tool == "getImagesBase64" else answer.content
        assert opened(data).format == "JPEG"
    else:
        assert answer.content == json.dumps(example.response.body).encode()
    assert visitor.world.requests[-1].body.startswith((example.request.body or "").encode())


NEEDS_STATE = {"Template not found", "Batch not found", "Image 512251 not found", "Image 5960 not found"} | {
    f"Image {picture_id} not found" for picture_id in (5006, 5096)
}


@pytest.mark.parametrize("tool", sorted(exchanges()))
async def test_the_documents_example_is_accepted_but_for_what_it_presumes(tool: str) -> None:
    answer = await play(Visitor(), tool)
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] is True or body["message"] in NEEDS_STATE


async def test_a_replay_still_asks_for_the_key_and_counts() -> None:
    visitor = Visitor(SandboxOptions(replay=True, limits={"/templates/list": 1}))
    codes = [(await visitor.post("/templates/list", key=key)).status_code for key in ("", "k", "k")]
    assert codes == [401, 200, 429]


async def test_an_endpoint_without_an_act_of_its_own_answers_its_documented_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(ACTS, "listTemplates")
    example = exchanges()["listTemplates"].response.body
    assert (await Visitor().post("/templates/list")).json() == example


# --- the second witness


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module}"


def test_the_sandbox_imports_nothing_of_ours() -> None:
    modules = list(Path(sandbox.__file__).parent.glob("*.py"))
    ours = {name for module in modules for name in imported(module) if name.startswith(("autobg_mcp", "."))}
    assert len(modules) > 10
    assert {name for name in ours if not name.startswith("autobg_mcp.sandbox")} == set()


def test_importing_the_sandbox_leaves_pillow_alone() -> None:
    code = "import sys, autobg_mcp.sandbox; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_behaviour_has_a_ground() -> None:
    assert len({behaviour.what for behaviour in BEHAVIOURS}) == len(BEHAVIOURS) > 30
    assert all(behaviour.ground for behaviour in BEHAVIOURS)
