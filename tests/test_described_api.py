"""The description that generated tools are measured with says what the sandbox's contract says."""

import sys
from pathlib import Path

import pytest

from autobg_mcp.sandbox.app import endpoints

sys.path.append(str(Path(__file__).parent.parent / "examples"))
from autobg_openapi import ENDPOINTS

LOGOS = {"brandLogo", "bAlignment"}  # of uploads with a logo, whose fields the documents do not name
LINES = {line.tool: line for line in endpoints()}


@pytest.mark.parametrize("about", ENDPOINTS, ids=lambda about: about[0])
def test_each_described_endpoint_has_the_path_and_the_fields_of_the_contract(about: tuple[str, ...]) -> None:
    tool, method, path, _, required, others, _ = about
    line = LINES[tool]
    assert (line.method.lower(), line.path) == (method, path)
    assert line.contract.required <= {*required.split()}
    assert {*required.split(), *others.split()} - LOGOS <= line.contract.known
