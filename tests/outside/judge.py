"""Runs one checker, and compares what it finds with what `accepted.toml` explains: `python judge.py CHECKER COMMAND PHOTOS`.

The checker's own programs are found on PATH. What is found and not explained, and what is explained and no longer found,
is printed, and the exit code is 1.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bundled import faults_of_the_bundle
from hosted import HOSTS, faults_of_the_host

HERE = Path(__file__).parent
LONGEST_S = 80

ROOT = HERE.parent.parent


def output(*command: str) -> str:
    """What a program prints; whether it passed is judged by what it found.

    Raises:
        AssertionError: It prints nothing.
    """
    run = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    assert run.stdout.strip(), run.stderr
    return run.stdout


def answered(*command: str) -> Any:
    """The JSON that a program prints."""
    text = output(*command)
    return json.loads(text[text.index("{") :])


@contextmanager
def over_http() -> Iterator[str]:
    """The address of the server over HTTP, served by the Python that has the product."""
    python = Path(sys.argv[2]).parent / "python"
    process = subprocess.Popen(
        [python, HERE / "over_http.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


def served() -> str:
    return f"{sys.argv[2]} serve --sandbox"


def table(checker: str) -> list[dict[str, Any]]:
    """What `accepted.toml` says of a checker."""
    entries: list[dict[str, Any]] = tomllib.loads((HERE / "accepted.toml").read_text("utf-8")).get(
        checker, []
    )
    assert all(entry["reason"] for entry in entries)
    return entries


def lost(checker: str, name: str, points: float) -> Iterator[str]:
    """Too few points of 100: fewer than 95, or than the table accepts."""
    least = min([95, *(entry["least"][name] for entry in table(checker) if name in entry.get("least", ()))])
    if points < least:
        yield f"{name}: {points:.0f} of 100, and {least} is the least"


def tdqs() -> Iterator[str]:
    for one in answered("tdqs", "lint", "--command", served(), "--format", "json")["findings"]:
        yield f"{one['severity']} {one['rule']}: {one['tool']}"


def mcpcheck() -> Iterator[str]:
    with over_http() as url:
        checks = answered("mcpcheck", url, "--legacy-probes", "--json")["checks"]
    for check in checks:
        if not check["passed"]:
            yield f"{check['name']}: {check['summary']}"
        for one in [*check["failures"], *check["warnings"]]:
            yield f"{one['code']}: {one['subject']}"


def halflist() -> Iterator[str]:
    report = answered("halflist", "check", "--stdio", served(), "-q", "--format", "json")
    for suite in report["suites"]:
        for check in suite["checks"]:
            if check["status"] != "PASS":
                yield f"{check['status']}: {check['name']}"


def mcp_quality() -> Iterator[str]:
    report = answered("mcp-quality", "run", "--json", served())
    for name, family in report["families"].items():
        yield from lost("mcp-quality", name, family["score"])
        for one in family["findings"]:
            yield f"{one['code']}: {'several tools' if one['severity'] == 'low' else one['tool']}"


def audit_mcp() -> Iterator[str]:
    with over_http() as url:
        report = answered("audit-mcp", "--json", url)
    for pillar, points in report["pillars"].items():
        yield from lost("audit-mcp", pillar, points)
    for one in report["findings"]:
        yield f"{one['severity']}: {one['measured']}"


def inspector() -> Iterator[str]:
    listed = answered(
        "mcp-inspector", "--cli", *served().split(), "--method", "tools/list", "--strict", "--format", "json"
    )
    assert len(listed["result"]["tools"]) > 1
    for one in listed.get("schemaFindings", []):
        yield json.dumps(one)


def conformance(revision: str) -> Iterator[str]:
    """Every check of every scenario of a revision that does not succeed."""
    with over_http() as url:
        program = ("conformance", "server", "--url", url, "--requirements", revision, "-o", "results")
        output(*program)
    reports = sorted(Path("results").glob("server-*/checks.json"))
    assert len(reports) > 20, "hardly a scenario was run"  # of 33 and 50
    for report in reports:
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", report.parent.name)
        for check in json.loads(report.read_text("utf-8")):
            if check["status"] in ("FAILURE", "WARNING"):
                yield scenario if check["id"] == scenario else f"{scenario}: {check['id']}"


def hadolint() -> Iterator[str]:
    for one in json.loads(output("hadolint", "-f", "json", str(ROOT / "examples/deploy/Dockerfile"))):
        yield f"{one['code']}: line {one['line']}"


def zizmor() -> Iterator[str]:
    program = ("zizmor", "--offline", "--persona", "pedantic", "--format", "json")
    for one in json.loads(output(*program, str(ROOT / ".github/workflows"))):
        yield f"{one['ident']}: {one['desc']}"


CHECKERS: dict[str, Callable[[], Iterator[str]]] = {
    "tdqs": tdqs,
    "mcpcheck": mcpcheck,
    "halflist": halflist,
    "mcp-quality": mcp_quality,
    "audit-mcp": audit_mcp,
    "inspector": inspector,
    "conformance-2025-11-25": lambda: conformance("2025-11-25"),
    "conformance-2026-07-28": lambda: conformance("2026-07-28"),
    "hadolint": hadolint,
    "zizmor": zizmor,
    "mcpb": lambda: faults_of_the_bundle(ROOT / "examples/deploy/mcpb/bundle.py"),
    **{host: partial(faults_of_the_host, host, *sys.argv[2:]) for host in HOSTS},
}


def main() -> int:
    checker = sys.argv[1]
    found = set(CHECKERS[checker]())
    known, sometimes = (
        {one for entry in table(checker) for one in entry.get(key, ())} for key in ("found", "sometimes")
    )
    found -= sometimes
    for finding in sorted(found - known):
        print(f"not explained in accepted.toml: {finding}")
    for finding in sorted(known - found):
        print(f"explained in accepted.toml, and no longer found: {finding}")
    print(f"{len(found)} findings, {len(found & known)} explained")
    return 1 if found != known else 0


if __name__ == "__main__":
    sys.exit(main())
