"""What is handed to others is whole: the bundle, the image, the release, and the table of what checkers find."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
from bundle_described import ASKED, MANIFEST
from PIL import Image
from readme_parts import ROOT, SERVER_JSON
from settings_described import variable

from autobg_mcp.settings import Settings

DEPLOY = ROOT / "examples" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")
WORKFLOW = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
OUTSIDE = (ROOT / ".ci" / "outside").read_text("utf-8")
ACCEPTED = tomllib.loads((ROOT / "tests" / "outside" / "accepted.toml").read_text("utf-8"))
PARTS = set(re.findall(r'^    Part\("([\w.-]+)"', OUTSIDE, re.MULTILINE))
CHECKOUT = pytest.mark.skipif(
    not (ROOT / "autobg_mcp").is_dir(), reason="the package is installed, not beside the tests"
)
CONSUMERS = {path.stem for path in (ROOT / "tests" / "consumers").glob("*.*")} - {"story"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The folder that is packed."""
    command = [sys.executable, str(DEPLOY / "mcpb" / "bundle.py"), str(tmp_path / "bundle")]
    subprocess.run(command, check=True, timeout=30)
    return tmp_path / "bundle"


@CHECKOUT
def test_the_bundle_holds_all_that_its_build_reads(bundle: Path) -> None:
    project = tomllib.loads((bundle / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    read = [
        *(
            one["path"]
            for one in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["fragments"]
        ),
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    ]
    assert [name for name in read if not (bundle / name).exists()] == []


def test_every_link_on_the_package_s_page_works_without_the_files_beside_it() -> None:
    page = str(metadata("autobg-mcp").json["description"])
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 20
    assert [link for link in links if not link.startswith("https://")] == []


@CHECKOUT
def test_the_bundle_holds_what_its_manifest_names(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    assert (bundle / manifest["icon"]).exists()
    assert (bundle / manifest["server"]["entry_point"]).exists()


@CHECKOUT
def test_the_bundle_holds_nothing_that_a_run_left(bundle: Path) -> None:
    assert [*bundle.rglob("__pycache__")] == []


@CHECKOUT
def test_a_bundle_is_never_laid_over_another(bundle: Path) -> None:
    command = [sys.executable, str(DEPLOY / "mcpb" / "bundle.py"), str(bundle)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert (run.returncode, "FileExistsError" in run.stderr) == (1, True)


def test_the_bundle_asks_for_the_key_as_a_secret_and_for_a_folder() -> None:
    asked = json.loads(MANIFEST.read_text("utf-8"))["user_config"]
    assert asked["api_key"]["sensitive"]
    assert asked["image_dirs"]["type"] == "directory"


def test_a_host_leaves_no_setting_of_the_bundle_unreplaced() -> None:
    asked = json.loads(MANIFEST.read_text("utf-8"))["user_config"]
    assert [name for name, about in asked.items() if not (about.get("required") or "default" in about)] == []


def test_the_answers_that_a_bundle_gives_by_itself_are_settings_that_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, about in ASKED.items():
        if "default" in about:
            monkeypatch.setenv(variable(name), str(about["default"]).lower())
    assert Settings.load(api_key="k").approve == ASKED["approve"]["default"]


def test_the_icon_is_as_large_as_server_json_says() -> None:
    (icon,) = json.loads(SERVER_JSON.read_text("utf-8"))["icons"]
    with Image.open(ROOT / icon["src"].partition("/main/")[2]) as picture:
        assert ["{}x{}".format(*picture.size)] == icon["sizes"]


def test_the_image_runs_without_root() -> None:
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1:] == ["10001"]
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("ENTRYPOINT")


def test_the_image_names_the_python_that_it_stands_on() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.\d+-slim", base) for base in bases)


@CHECKOUT
def test_the_image_copies_only_what_is_there_and_let_through() -> None:
    lines = re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE)
    copied = {name for line in lines for name in line.split()}
    let_through = re.findall(
        r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE
    )
    assert copied == {name.partition("/")[0] for name in let_through}
    assert all((ROOT / name).exists() for name in let_through)


def test_the_health_of_the_image_is_a_command_that_sends_nothing() -> None:
    assert 'CMD ["autobg-mcp", "call", "getJobs"]' in DOCKERFILE


def test_every_action_of_the_release_is_pinned_by_its_whole_commit() -> None:
    used = re.findall(r"uses: (.+)$", WORKFLOW, re.MULTILINE)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


def test_the_release_keeps_no_secret() -> None:
    assert "secrets." not in WORKFLOW
    assert "\npermissions: {}\n" in WORKFLOW


@pytest.mark.parametrize("page", [DEPLOY / "README.md"], ids=lambda path: path.parent.name)
def test_each_link_of_the_page_on_other_ways_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text("utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_consumer_is_a_part_of_the_outside() -> None:
    assert CONSUMERS <= PARTS


@pytest.mark.parametrize("consumer", ["story.py", "typescript_sdk.mjs"])
def test_the_photo_that_consumers_send_is_there(consumer: str) -> None:
    (photo,) = re.findall(r'"([\w-]+\.jpg)"', (ROOT / "tests" / "consumers" / consumer).read_text("utf-8"))
    assert (ROOT / "examples" / "photos" / photo).is_file()


def test_the_table_of_findings_speaks_of_checkers_that_are_run() -> None:
    assert ACCEPTED.keys() <= PARTS - CONSUMERS


@pytest.mark.parametrize("checker", ACCEPTED)
def test_each_accepted_finding_has_its_reason_and_stands_once(checker: str) -> None:
    found = [finding for entry in ACCEPTED[checker] for finding in entry.get("found", ())]
    assert len(found) == len(set(found))
    assert all(entry["reason"].strip() for entry in ACCEPTED[checker])
