"""What `autobg-mcp config` does with files as machines really have them: links, modes, line ends, other writers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from host_files import Person, read, with_others

from autobg_mcp.hosts.rewriting import rewrite
from autobg_mcp.hosts.table import HOSTS

one_of_each_format = pytest.mark.parametrize("name", ["cursor", "codex", "goose"])


@one_of_each_format
def test_byte_order_mark_and_line_ends_stay(name: str, person: Person) -> None:
    before = "\ufeff" + with_others(HOSTS[name]).replace("\n", "\r\n")
    file = person.has(name, before)
    person.config(name, "--write", "--sandbox")
    after = file.read_bytes().decode()
    assert after.startswith("\ufeff")
    assert after.count("\r\n") == after.count("\n") > before.count("\n")
    assert "autobg" in person.entry(name).get("name", "autobg")


@one_of_each_format
def test_an_empty_file_is_filled(name: str, person: Person) -> None:
    person.has(name, "\n")
    assert person.config(name, "--write", "--sandbox").code == 0
    assert person.entry(name)


def test_tabs_stay_tabs(person: Person) -> None:
    file = person.has("cursor", '{\n\t"mcpServers": {\n\t\t"other": {}\n\t}\n}\n')
    person.config("cursor", "--write", "--sandbox")
    assert file.read_text().splitlines()[3:5] == [
        '\t\t"autobg": {',
        f'\t\t\t"command": "{person.entry("cursor")["command"]}",',
    ]


def test_four_blanks_of_yaml_stay_four(person: Person) -> None:
    before = "extensions:\n    other:\n        cmd: x\n"
    file = person.has("goose", before)
    person.config("goose", "--sandbox", "--write")
    assert file.read_text("utf-8").startswith(before)


def test_a_link_to_a_dotfile_stays_a_link(person: Person) -> None:
    target = person.cwd / "dotfiles.json"
    target.write_text("{}")
    link = person.has("cursor", "")
    link.unlink()
    link.symlink_to(target)
    person.config("cursor", "--write", "--sandbox")
    assert link.is_symlink()
    assert "autobg" in target.read_text()


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_the_mode_stays(mode: int, person: Person) -> None:
    file = person.has("cursor", "{}")
    file.chmod(mode)
    person.config("cursor", "--write", "--sandbox")
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {mode}


@pytest.mark.parametrize(
    "text",
    [
        '{"mcpServers": []}',
        '{"mcpServers": "none"}',
        '{"mcpServers": null, "a": 01}',
        "[]",
        '"text"',
        '{"mcpServers": {"other": {}}',
        '{"a": 1,, "b": 2}',
        "{'a': 1}",
        "[" * 5000,
        '{"a": "\x00"}',
    ],
)
def test_what_no_host_would_take_is_refused_and_stays(text: str, person: Person) -> None:
    file = person.has("cursor", text)
    code, _, err = person.config("cursor", "--write")
    assert code == 1
    assert "Nothing was changed." in err
    assert [path.read_bytes() for path in file.parent.iterdir()] == [text.encode()]


@pytest.mark.parametrize("content", ["\ufeff{}".encode("utf-16"), b"\xff", b" " * (2**25 + 1)])
def test_a_file_that_is_no_text_is_refused_and_stays(content: bytes, person: Person) -> None:
    file = person.has("cursor", "")
    file.write_bytes(content)
    assert person.config("cursor", "--write").code == 1
    assert file.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_refused(person: Person) -> None:
    person.file("cursor").mkdir(parents=True)
    assert "is no plain file" in person.config("cursor", "--write").err


@pytest.mark.parametrize("name", ["codex", "goose"])
def test_what_is_nested_too_deeply_is_refused_in_words(name: str, person: Person) -> None:
    between = "=" if name == "codex" else ":"
    file = person.has(name, before := f"a{between} {'[' * 2000}{']' * 2000}\n")
    code, _, err = person.config(name, "--write")
    assert (code, file.read_text()) == (1, before)
    assert "is nested too deeply" in err


def test_links_in_a_circle_are_refused_in_words(person: Person) -> None:
    file = person.has("cursor", "")
    file.unlink()
    file.symlink_to(file.name)
    code, _, err = person.config("cursor", "--write")
    assert (code, "cannot be rewritten: Too many levels" in err) == (1, True)


def test_a_folder_that_cannot_be_made_is_refused_in_words(person: Person) -> None:
    (person.home / ".cursor").write_text("a file")
    code, _, err = person.config("cursor", "--write")
    assert code == 1
    assert "Nothing was changed." in err


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "mcpServers": {"other": {"command": "x"}}}',
        '{"mcpServers": {}}',
        '{"mcpServers": {\n  // none yet\n}}',
        '{\n  "mcpServers": {\n    "other": {},\n    // "old": {}\n  }\n}',
        '{\n  "mcpServers": {\n    "other": {} // the last\n  }\n}',
        '{\n  "mcpServers": {\n    "other": {}, /* a */ // b\n  },\n}',
        '{"mcpServers":\n{"other": {},\n"more": {}}}',
        '{\n"a": ["autobg", "\\"}"], "mcpServers": {"x//y": {"command": "/*"}}}',
    ],
)
def test_json_in_any_form_is_added_to_and_given_back(text: str, person: Person) -> None:
    file = person.has("cursor", text)
    before = read(HOSTS["cursor"], file)
    assert person.config("cursor", "--write", "--sandbox").code == 0
    assert person.entry("cursor")["args"] == ["serve", "--sandbox"]
    comments = [
        part for part in ("// none yet", '// "old": {}', "// the last", "/* a */ // b") if part in text
    ]
    assert [part for part in comments if part in file.read_text()] == comments
    assert person.config("cursor", "--remove").code == 0
    assert read(HOSTS["cursor"], file) == before


def test_a_name_that_stands_there_twice_is_taken_out_twice(person: Person) -> None:
    file = person.has(
        "cursor", '{"mcpServers": {"autobg": {"command": "a"}, "other": {}, "autobg": {"command": "b"}}}'
    )
    person.config("cursor", "--remove")
    assert json.loads(file.read_text()) == {"mcpServers": {"other": {}}}


def test_toml_in_dotted_and_inline_form_is_changed_or_refused_but_never_broken(person: Person) -> None:
    for text in (
        'mcp_servers.other.command = "x"\n',
        'mcp_servers = {other = {command = "x"}}\n',
        "[mcp_servers]\n",
    ):
        file = person.has("codex", text)
        code = person.config("codex", "--write", "--sandbox").code
        assert (code == 0) == ("autobg" in str(read(HOSTS["codex"], file)))
        assert code == 0 or file.read_text() == text


def test_what_another_program_writes_meanwhile_is_kept(tmp_path: Path) -> None:
    file, calls = tmp_path / "host.json", []
    file.write_text("old")

    def change(text: str) -> str:
        calls.append(text)
        if len(calls) == 1:
            file.write_text("newer")
        return text + " and ours"

    rewrite(file, change, tmp_path / "lock")
    assert (file.read_text(), calls) == ("newer and ours", ["old", "newer"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "host.json",
        "host.json.before-autobg-1",
        "lock",
    ]


ADD = """
import json, sys
from pathlib import Path
from autobg_mcp.hosts.rewriting import rewrite
for number in range(10):
    name = f"{sys.argv[1]}-{number}"
    rewrite(Path(sys.argv[2]), lambda text: json.dumps(json.loads(text) | {name: 1}), Path(sys.argv[3]))
"""


@pytest.mark.long
def test_processes_that_write_at_once_lose_no_entry(tmp_path: Path) -> None:
    (file := tmp_path / "host.json").write_text("{}")
    command = [sys.executable, "-c", ADD]
    writers = [
        subprocess.Popen([*command, str(number), str(file), str(tmp_path / "lock")]) for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len(json.loads(file.read_text())) == 40


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps no owner that way")
def test_a_write_that_fails_leaves_nothing_behind(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    file = person.has("cursor", "{}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = person.config("cursor", "--write")
    assert code == 1
    assert "No space left on device" in err
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [("mcp.json", "{}")]


HANG = """
import sys, time
from pathlib import Path
from autobg_mcp.hosts.rewriting import rewrite
def change(text):
    print("holds it", flush=True)
    time.sleep(60)
rewrite(Path(sys.argv[1]), change, Path(sys.argv[2]))
"""


def test_a_process_that_is_killed_while_it_writes_holds_nobody_up(tmp_path: Path) -> None:
    (file := tmp_path / "host.json").write_text("old")
    command = [sys.executable, "-c", HANG, str(file), str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert file.read_text() == "old"
    assert rewrite(file, lambda _: "new", tmp_path / "lock").is_changed
