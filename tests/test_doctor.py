"""autobg-mcp doctor: each fault is named with its remedy, and no key is shown."""

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from email.utils import formatdate
from functools import partial
from pathlib import Path
from threading import Event

import anyio
import pytest
from conftest import KEY
from doctor_visits import Visit, prepared, served
from jobs_begun import FILES, begin, cars_by_files
from scripted_api import ScriptedApi

from autobg_mcp.api.call import Account
from autobg_mcp.clock import SYSTEM
from autobg_mcp.doctor import looking
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.settings import Settings

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no owners and modes")
BALANCE = b'{"status": true, "message": "", "data": {"current_credits": 10, "total_credits": 10}}'


@pytest.fixture
def visit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, photos: Path
) -> Visit:
    return prepared(monkeypatch, capsys, tmp_path, photos)


@pytest.fixture
def api() -> Iterator[str]:
    """The address of a sandbox that lets one key in."""
    with served(build_sandbox(SandboxOptions(api_keys=frozenset({KEY})))) as address:
        yield address


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


# --- all is well


def test_a_machine_on_which_all_is_well_ends_with_0(visit: Visit, api: str) -> None:
    findings = visit.finds(AUTOBG_BASE_URL=api)
    assert visit.code == 0
    assert {one["verdict"] for one in findings.values()} <= {"ok", "skipped"}
    assert "100 of 100 credits are left" in findings["account"]["seen"]


def test_a_person_reads_a_table_with_what_to_do(visit: Visit) -> None:
    printed = visit.says("--sandbox", AUTOBG_IMAGE_DIRS="")
    assert "\nwarn  image folders   none is set: no local photo can be uploaded\n" in printed
    assert "-> Set AUTOBG_IMAGE_DIRS to the folders that hold your photos" in printed
    assert printed.endswith("Nothing has to be mended. Warnings: 1.\n")


def test_what_a_sandbox_brings_is_not_told_as_a_persons_own(visit: Visit) -> None:
    found = visit.finds("--sandbox", AUTOBG_API_KEY="")
    assert "AUTOBG_BASE_URL" not in found["settings"]["seen"]
    assert found["key"]["seen"] == "none is needed: the sandbox brings its own"
    assert found["address"]["seen"] == "the sandbox, in this process"


def test_a_table_names_what_is_to_be_mended_at_its_end(visit: Visit, api: str) -> None:
    assert visit.says(AUTOBG_BASE_URL=api, AUTOBG_API_KEY="").endswith("To mend: key.\n")
    assert visit.code == 1


# --- the key and the way to the API


def test_a_key_that_the_api_refuses_is_named(visit: Visit, api: str) -> None:
    account = visit.finds(AUTOBG_BASE_URL=api, AUTOBG_API_KEY="another-key-0123456789")["account"]
    assert (account["verdict"], account["seen"]) == ("fail", "the API refuses the key")
    assert "Compare the key" in account["remedy"]
    assert "another-key-0123456789" not in visit.printed


@pytest.mark.parametrize(
    ("value", "seen"),
    [("your-api-key", "placeholder"), ("", "No API key is set."), ("${AUTOBG_API_KEY}", "names a variable")],
)
def test_a_key_that_can_be_none_is_named_and_not_sent(value: str, seen: str, visit: Visit) -> None:
    findings = visit.finds(AUTOBG_API_KEY=value)
    fault = findings.get("key") or findings["settings"]
    assert (visit.code, fault["verdict"]) == (1, "fail")
    assert seen in fault["seen"]
    assert fault["remedy"]
    assert "connection" not in findings


@posix
@pytest.mark.skipif(
    os.name == "posix" and os.geteuid() == 0, reason="root may lay secrets where all can read them"
)
def test_a_key_file_that_others_may_read_is_named(visit: Visit, api: str) -> None:
    file = visit.folder / "key"
    file.write_text(KEY)
    file.chmod(0o644)
    key = visit.finds(AUTOBG_BASE_URL=api, AUTOBG_API_KEY="", AUTOBG_API_KEY_FILE=file)["key"]
    assert (key["verdict"], key["remedy"]) == ("fail", "Run chmod 600 on it.")


def test_an_api_that_nobody_serves_is_named(visit: Visit) -> None:
    findings = visit.finds(AUTOBG_BASE_URL=f"http://127.0.0.1:{free_port()}/public/api/v1")
    assert findings["connection"]["verdict"] == "fail"
    assert "refuses the connection" in findings["connection"]["seen"]
    assert findings["connection"]["remedy"].endswith("check network, proxy and AUTOBG_BASE_URL.")
    assert findings["account"]["verdict"] == "skipped"


def test_a_name_that_leads_nowhere_is_named(visit: Visit) -> None:
    address = visit.finds(AUTOBG_BASE_URL="https://nobody.invalid/public/api/v1")["address"]
    assert address["verdict"] == "fail"
    assert "the name of nobody.invalid cannot be found" in address["seen"]
    assert "AUTOBG_BASE_URL" in address["remedy"]


def test_a_certificate_that_is_not_trusted_is_named(visit: Visit) -> None:
    with served(ScriptedApi(), tls=True) as address:
        findings = visit.finds(AUTOBG_BASE_URL=address)
    assert findings["connection"]["verdict"] == "ok"
    assert findings["certificate"]["verdict"] == "fail"
    assert findings["certificate"]["remedy"].startswith("Check whether a proxy inspects TLS here")


def test_a_proxy_that_does_not_lead_to_the_api_is_named(visit: Visit) -> None:
    proxy = f"http://someone:s3cret@127.0.0.1:{free_port()}"
    findings = visit.finds(AUTOBG_BASE_URL="https://api.example/v1", HTTPS_PROXY=proxy)
    assert findings["proxy"]["verdict"] == "warn"
    assert "http proxy 127.0.0.1" in findings["proxy"]["seen"]
    assert findings["proxy"]["remedy"] == "Where no proxy is needed, put api.example into NO_PROXY."
    assert "s3cret" not in visit.printed


@pytest.mark.parametrize(("ahead_s", "verdict"), [(-7200, "fail"), (-120, "warn"), (7200, "fail"), (0, "ok")])
def test_a_clock_that_differs_from_the_apis_is_named(ahead_s: int, verdict: str, visit: Visit) -> None:
    api = ScriptedApi()
    api.says(BALANCE, headers={"date": formatdate(SYSTEM.wall_s() + ahead_s, usegmt=True)})
    with served(api) as address:
        clock = visit.finds(AUTOBG_BASE_URL=address)["clock"]
    assert clock["verdict"] == verdict
    assert (" ahead of " in clock["seen"], " behind " in clock["seen"]) == (ahead_s < 0, ahead_s > 0)
    assert clock["remedy"].startswith("Set this machine's clock") is bool(ahead_s)


def test_a_setting_that_is_wrong_is_named_without_its_value(visit: Visit) -> None:
    settings = visit.finds(AUTOBG_TIMEOUT_S="s3cret")["settings"]
    assert (visit.code, settings["verdict"]) == (1, "fail")
    assert "AUTOBG_TIMEOUT_S" in settings["seen"]
    assert "s3cret" not in visit.printed


def test_no_credits_left_is_a_warning(visit: Visit) -> None:
    with served(build_sandbox(SandboxOptions(credits=0))) as address:
        account = visit.finds(AUTOBG_BASE_URL=address)["account"]
    assert (account["verdict"], account["remedy"][:22]) == ("warn", "Get credits from Autob")


def test_a_key_that_the_api_repeats_is_not_shown(visit: Visit) -> None:
    api = ScriptedApi()
    api.says(json.dumps({"status": False, "message": f"Bad request of {KEY}"}).encode())
    with served(api) as address:
        assert visit.finds(AUTOBG_BASE_URL=address)["account"]["verdict"] == "fail"
    assert KEY not in visit.printed


# --- folders and extras


@pytest.mark.skipif(sys.platform != "linux", reason="this system has no folder that nobody may write to")
def test_a_state_folder_that_cannot_be_written_is_named(visit: Visit, api: str) -> None:
    findings = visit.finds(AUTOBG_BASE_URL=api, AUTOBG_STATE_DIR="/proc/sys")
    assert findings["state folder"]["verdict"] == "fail"
    assert "/proc/sys cannot be written" in findings["state folder"]["seen"]
    assert "AUTOBG_STATE_DIR" in findings["state folder"]["remedy"]
    assert findings["connection"]["verdict"] == "skipped"  # no call without its slot


@posix
def test_a_state_folder_that_others_may_write_to_is_named(visit: Visit) -> None:
    state = visit.folder / "state"
    state.mkdir()
    state.chmod(0o777)
    found = visit.finds("--sandbox")["state folder"]
    assert (found["verdict"], found["remedy"]) == ("fail", f"Run: chmod go-w {state}")


def test_a_file_in_the_place_of_the_output_folder_is_named(visit: Visit) -> None:
    (visit.folder / "results").write_text("")
    found = visit.finds("--sandbox")["output folder"]
    assert found["verdict"] == "fail"
    assert "is no folder" in found["seen"]
    assert "AUTOBG_OUTPUT_DIR" in found["remedy"]


def test_an_image_folder_that_is_gone_is_named(visit: Visit) -> None:
    found = visit.finds("--sandbox", AUTOBG_IMAGE_DIRS=visit.folder / "gone")["image folder"]
    assert (found["verdict"], found["seen"]) == (
        "fail",
        f"{visit.folder / 'gone'}: No such file or directory",
    )
    assert "AUTOBG_IMAGE_DIRS" in found["remedy"]


def test_an_image_folder_without_photos_is_named_with_what_is_not_taken(visit: Visit) -> None:
    folder = visit.folder / "camera \udcff"
    folder.mkdir()
    (folder / "DSC1.NEF").touch()
    found = visit.finds("--sandbox", AUTOBG_IMAGE_DIRS=folder)["image folder"]
    assert (found["verdict"], found["seen"]) == (
        "warn",
        f"{visit.folder}/camera ?: 0 photos; not taken: 1 .nef",
    )
    assert found["remedy"].startswith("Put photos there")


def test_what_an_image_folder_holds_is_told_by_kind_without_results(visit: Visit, photos: Path) -> None:
    (photos / "autobg-output" / "1206").mkdir(parents=True)
    (photos / "autobg-output" / "1206" / "1.png").touch()
    found = visit.finds("--sandbox", AUTOBG_OUTPUT_DIR=photos / "autobg-output")["image folder"]
    assert found["seen"] == f"{photos}: 6 photos (4 JPEG, 2 PNG)"


def test_a_folder_that_another_program_may_find_elsewhere_is_named(visit: Visit, car: Path) -> None:
    found = visit.finds("--sandbox", AUTOBG_IMAGE_DIRS=car.parent.relative_to(visit.folder))["image folder"]
    assert found["verdict"] == "warn"
    assert found["remedy"].startswith("Write the whole path into AUTOBG_IMAGE_DIRS")


@pytest.mark.parametrize(
    ("module", "name", "extra"), [("pillow_heif", "a.HEIC", "heic"), ("python_calamine", "a.xlsx", "xlsx")]
)
def test_an_extra_that_files_need_and_that_is_missing_is_named(
    module: str, name: str, extra: str, visit: Visit, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    unneeded = visit.finds("--sandbox")[f"{extra.upper()} extra"]
    (photos / name).touch()
    needed = visit.finds("--sandbox")[f"{extra.upper()} extra"]
    assert (unneeded["verdict"], needed["verdict"]) == ("ok", "warn")
    assert needed["remedy"] == f"{sys.executable} -m pip install 'autobg-mcp[{extra}]'"


# --- what is kept, and hosts


@pytest.mark.parametrize(("file", "check"), [("ledger", "ledger"), ("jobs", "jobs"), ("throttle", "limits")])
def test_a_store_that_is_damaged_is_named(file: str, check: str, visit: Visit, api: str) -> None:
    (visit.folder / "state").mkdir(mode=0o700)
    (visit.folder / "state" / f"{file}.sqlite3").write_bytes(b"no database" * 100)
    (visit.folder / "state" / f"{file}.sqlite3").chmod(0o600)
    found = visit.finds(AUTOBG_BASE_URL=api)[check]
    assert found["verdict"] == "fail"
    assert "is damaged" in found["seen"]
    assert "move it away" in found["remedy"]


async def _begin_a_job(settings: Settings, folder: Path, *, carried_out: bool = False) -> str:
    storage = Storage(settings.jobs_file())
    account = Account.of(settings.key(), settings.base_url).id
    if carried_out:
        await Jobs.on(storage).queue.hold(account)
    job = await begin(
        Jobs.on(storage), account, SYSTEM.wall_s(), cars_by_files(folder, 1, 2), {FILES.tool: 1}
    )
    await storage.aclose()
    return job


def test_a_job_that_nobody_carries_out_is_named(visit: Visit, api: str, photos: Path) -> None:
    settings = Settings.load(api_key=KEY, base_url=api, state_dir=visit.folder / "state")
    job = anyio.run(_begin_a_job, settings, photos / "job")
    found = visit.finds(AUTOBG_BASE_URL=api)["jobs"]
    assert found["verdict"] == "warn"
    assert found["seen"] == f"open: {job} (2 queued); nobody carries them out"
    assert "autobg-mcp work --once" in found["remedy"]


def test_who_carries_a_job_out_is_told(visit: Visit, api: str, photos: Path) -> None:
    settings = Settings.load(api_key=KEY, base_url=api, state_dir=visit.folder / "state")
    anyio.run(partial(_begin_a_job, carried_out=True), settings, photos / "job")
    found = visit.finds(AUTOBG_BASE_URL=api)["jobs"]
    assert found["verdict"] == "ok"
    assert f"process {os.getpid()} of this machine carries them out" in found["seen"]


def test_an_allowance_that_is_used_up_is_named(visit: Visit, api: str) -> None:
    found = visit.finds(AUTOBG_BASE_URL=api, AUTOBG_RATE_LIMITS="getUserCreditDetails=1/60s")["limits"]
    assert (found["verdict"], found["seen"]) == ("warn", "no call left now: getUserCreditDetails (1/60s)")


def test_what_a_daily_limit_leaves_is_told(visit: Visit, api: str) -> None:
    found = visit.finds(AUTOBG_BASE_URL=api, AUTOBG_DAILY_CREDIT_LIMIT=0)["daily limit"]
    assert (found["verdict"], found["seen"]) == ("warn", "0 of 0 are left today")


def test_a_host_whose_command_is_gone_is_named_without_what_its_arguments_set(visit: Visit) -> None:
    visit.host_starts(
        "/nowhere/autobg-mcp", "--key=s3cret-key-0123", env={"AUTOBG_API_KEY": "s3cret-key-0123"}
    )
    found = visit.finds("--sandbox")["host Cursor"]
    assert (visit.code, found["verdict"]) == (1, "fail")
    assert "there is no program “/nowhere/autobg-mcp”" in found["seen"]
    assert "autobg-mcp config cursor --write" in found["remedy"]
    assert "s3cret" not in visit.printed


def test_a_host_whose_command_ends_in_an_error_is_named_with_its_last_words(visit: Visit) -> None:
    fails = "import os, sys; sys.exit('no ' + os.environ['AUTOBG_API_KEY'])"
    visit.host_starts(sys.executable, "-c", fails, env={"AUTOBG_API_KEY": "s3cret-key-0123"})
    found = visit.finds("--sandbox")["host Cursor"]
    assert found["verdict"] == "fail"
    assert found["seen"].endswith(": it does not start, and says “no [API key]”")


@pytest.mark.long
def test_a_host_whose_command_starts_is_well(visit: Visit) -> None:
    visit.host_starts(sys.executable, "-m", "autobg_mcp", "serve", "--sandbox")
    found = visit.finds("--sandbox")["host Cursor"]
    assert (found["verdict"], found["seen"][-8:]) == ("ok", ") starts")


def test_a_host_whose_photos_are_gone_is_named(visit: Visit) -> None:
    visit.host_starts(sys.executable, "-m", "autobg_mcp", env={"AUTOBG_IMAGE_DIRS": "/path/to/photos"})
    found = visit.finds("--sandbox")["host Cursor"]
    assert (found["verdict"], found["seen"][-52:]) == (
        "fail", "AUTOBG_IMAGE_DIRS names what is no folder: /path/to/photos"[-52:],
    )  # fmt: skip


@pytest.mark.long
def test_a_key_of_a_host_that_is_a_placeholder_is_named(visit: Visit) -> None:
    visit.host_starts(sys.executable, "-m", "autobg_mcp", env={"AUTOBG_API_KEY": "your-api-key"})
    found = visit.finds("--sandbox")["host Cursor"]
    assert found["verdict"] == "fail"
    assert "it is the placeholder of an example" in found["seen"]


def test_a_host_that_fetches_its_server_is_not_started(visit: Visit) -> None:
    fetcher = visit.folder / "uvx"
    fetcher.write_text("#!/bin/sh\ntouch fetched\n")
    fetcher.chmod(0o755)
    visit.host_starts(str(fetcher), "autobg-mcp")
    assert "is not started here" in visit.finds("--sandbox")["host Cursor"]["seen"]
    assert not (visit.folder / "fetched").exists()


def test_a_long_name_stands_apart_from_what_was_seen_and_a_command_stays_whole(visit: Visit) -> None:
    command = f"/opt/a-folder/{'with-hyphens-' * 8}/autobg-mcp"
    entry = {"command": command, "args": ["serve"]}
    (visit.home / ".claude.json").write_text(json.dumps({"mcpServers": {"autobg": entry}}))
    told = visit.says("--sandbox")
    assert re.search(rf"host Claude Code {re.escape(str(visit.home))}", told)
    assert command in told


@pytest.mark.parametrize("gone", ["share", ".cursor"])
def test_a_host_whose_disk_does_not_answer_holds_nobody_up(
    gone: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.host_starts(sys.executable, env={"AUTOBG_IMAGE_DIRS": "/mnt/share"})
    ended, stat = Event(), Path.stat

    def silent(path: Path, **how: bool) -> os.stat_result:
        return ended.wait(20) and stat(path, **how) if gone in path.parts else stat(path, **how)  # type: ignore[return-value]

    monkeypatch.setattr(Path, "stat", silent)
    monkeypatch.setattr(looking, "LOOK_S", 0.2)
    found = visit.finds("--sandbox")
    ended.set()
    assert "the disk does not answer" in str([found.get("hosts"), found.get("host Cursor")])
