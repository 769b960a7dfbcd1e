"""autobg-mcp doctor --live: what the documents leave open, as an account shows it, and exchanges that tell nobody's names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY
from doctor_visits import Visit, prepared, served
from hypothesis import given
from hypothesis import strategies as st
from scripted_api import ScriptedApi

from autobg_mcp.commands import main
from autobg_mcp.doctor.blanks import Blanks
from autobg_mcp.sandbox import SandboxOptions, build_sandbox

UPLOAD = ("uploadImagesWithoutTemplate", "numberPlate=SECRET-PLATE", "numPlateProcessor=1", "processType=ai")


@pytest.fixture
def visit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, photos: Path
) -> Visit:
    return prepared(monkeypatch, capsys, tmp_path, photos)


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a sandbox that takes a minute for a picture."""
    with served(build_sandbox(SandboxOptions(turnaround_s=60))) as found:
        yield found


def live(visit: Visit, address: str) -> dict[str, dict[str, str]]:
    """What it says to each question."""
    told: dict[str, Any] = json.loads(visit.says("--live", "--json", AUTOBG_BASE_URL=address))
    return {one["question"]: one for one in told["live"]}


def saved(visit: Visit) -> str:
    [file] = (visit.folder / "results" / "answers").iterdir()
    return file.read_text("utf-8")


def call(visit: Visit, address: str, *arguments: str) -> None:
    visit.says("--sandbox", AUTOBG_BASE_URL=address)  # which sets the environment
    with pytest.raises(SystemExit) as ended:
        main(["call", *arguments])
    assert ended.value.code == 0


def test_the_sandbox_answers_as_is_assumed(visit: Visit, address: str) -> None:
    told = live(visit, address)
    assert visit.code == 0
    assert {one["holds"] for one in told.values()} == {"yes", "not seen"}
    assert told["Status of an unknown batch"]["seen"] == "HTTP 200, status: false, taken for Gone"


def test_a_picture_in_work_is_asked_for_and_nothing_is_saved_of_it(
    visit: Visit, address: str, photos: Path
) -> None:
    call(visit, address, *UPLOAD, f"images={photos / 'cars' / 'car-1.jpg'}")
    told = live(visit, address)["A picture in work, raw"]
    assert (told["holds"], told["seen"]) == ("yes", "HTTP 200, status: false, taken for NotReady")
    assert [folder.name for folder in (visit.folder / "results").iterdir()] == ["answers"]


def test_a_picture_that_is_done_is_told_by_its_form(visit: Visit, photos: Path) -> None:
    with served(build_sandbox(SandboxOptions(turnaround_s=0))) as address:
        call(visit, address, *UPLOAD, f"images={photos / 'cars' / 'car-1.jpg'}")
        told = live(visit, address)
    assert told["A picture that is done, raw"]["seen"] == "HTTP 200: image/png, declared as image/png"
    assert told["A picture that is done, base64"]["seen"].startswith("HTTP 200: bare base64")


@pytest.mark.parametrize(("form", "kind"), [("xlsx", "spreadsheetml.sheet"), ("csv", "text/csv")])
def test_usage_in_another_form_than_assumed_is_told_with_its_columns(
    form: Any, kind: str, visit: Visit
) -> None:
    with served(build_sandbox(SandboxOptions(usage_form=form))) as address:
        told = live(visit, address)["Usage"]
    assert (told["holds"], visit.code) == ("no", 0)
    assert kind in told["seen"]
    assert '"columns": [\n' in saved(visit)


def test_the_exchanges_hold_no_key_no_names_no_ids_and_no_links(
    visit: Visit, address: str, photos: Path
) -> None:
    picture = f"background={photos / 'background.jpg'}"
    call(visit, address, "createTemplate", picture, "numPlate=false", "name=Secret Showroom")
    call(visit, address, *UPLOAD, f"images={photos / 'cars' / 'car-1.jpg'}")
    live(visit, address)
    text = saved(visit)
    assert '"templateName": "Aaaaaa Aaaaaaaa"' in text
    for told in (KEY, "Secret", "SECRET", "car-1", "1206", "512251", "136", "localhost"):
        assert told not in text


def test_equal_ids_are_equal_in_the_exchanges(visit: Visit, address: str) -> None:
    live(visit, address)
    asked, answered = re.findall(r'"picID": "(\d+)"|Image (\d+) not found', saved(visit))[:2]
    assert asked[0] == answered[1]


def test_words_of_a_refusal_stay_without_what_may_be_a_name_in_them() -> None:
    words = (
        "Plan of jane@dealer.example, 'Jane Doe', ends on https://a.example/b for car-1.jpg and batch 4711"
    )
    assert Blanks().value({"message": words}) == {
        "message": "Plan of aaaa@aaaaaa.aaaaaaa, 'Aaaa Aaa', ends on https://a.aaaaaaa/a for aaa-0.aaa and batch 1000"
    }


def test_a_key_that_is_not_accepted_asks_no_more(visit: Visit) -> None:
    with served(build_sandbox(SandboxOptions(api_keys=frozenset()))) as address:
        told = json.loads(visit.says("--live", "--json", AUTOBG_BASE_URL=address))
    assert (visit.code, "live" in told) == (1, False)
    assert not (visit.folder / "results").exists()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1,", b'{"status": true}', b'{"status": true, "data": [[]]}']
)
def test_answers_of_any_form_are_told_and_saved(body: bytes, visit: Visit) -> None:
    api = ScriptedApi()
    api.says(body, headers={"x-ratelimit-remaining": "3", "x-secret": "s3cret"})
    with served(api) as address:
        finding = visit.finds("--live", AUTOBG_BASE_URL=address)["account"]
    assert finding["verdict"] in ("fail", "warn")
    assert "s3cret" not in visit.printed


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=10,
)


@given(values, st.from_regex(r"[B-Z][b-z]{7}", fullmatch=True))
def test_no_text_of_an_answer_comes_through(value: Any, name: str) -> None:
    told = json.dumps(Blanks().value({"data": [value, name, {"picName": name}]}))
    assert name not in told
    assert json.loads(told)["data"][1] == "A" + "a" * 7


def test_names_that_nothing_quotes_do_not_come_through() -> None:
    words = "Hello Jane Doe, template Showroom Süd is not found. Ask again. Invalid API key"
    told = "Hello Aaaa Aaa, template Aaaaaaaa AAa is not found. Ask again. Invalid API key"
    assert Blanks().value({"message": words}) == {"message": told}


def test_a_key_of_letters_that_the_api_repeats_is_not_saved(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_API_KEY", "wordlike-key")
    api = ScriptedApi()
    said = {"status": True, "message": "seen wordlike-key", "data": {"current_credits": 5}}
    api.says(json.dumps(said).encode())
    with served(api) as address:
        live(visit, address)
    assert "wordlike" not in saved(visit)


def test_whom_a_header_about_limits_names_is_not_saved(visit: Visit) -> None:
    api = ScriptedApi()
    said = json.dumps({"status": True, "message": "", "data": {"current_credits": 5}}).encode()
    api.says(said, headers={"x-ratelimit-policy": "jane@dealer.example;q=100;w=60"})
    with served(api) as address:
        live(visit, address)
    assert '"x-ratelimit-policy": "…@….…;q=100;w=60"' in saved(visit)
