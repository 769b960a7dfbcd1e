"""`autobg-mcp config`: what it prints, writes and takes out for every host, and what it leaves alone."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from host_files import Person, read, strict, with_others

from autobg_mcp.hosts.formats import changed, load
from autobg_mcp.hosts.merging import Wish, additions
from autobg_mcp.hosts.own_commands import own_command
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.shapes import servers_under
from autobg_mcp.hosts.table import HOSTS, files

every_host = pytest.mark.parametrize("name", HOSTS)
SERVER = str(Path(sys.executable).with_name("autobg-mcp"))
posix = pytest.mark.skipif(
    os.name != "posix", reason="this system has no pipes with a name and no pseudo-terminals"
)


def at_a_terminal(command: list[str], typed: bytes, *, after: bytes) -> tuple[int, str]:
    """How a command ends at a terminal, and all that it says, once something was typed behind what it asks."""
    person, program = os.openpty()
    run = subprocess.Popen(command, stdin=program, stdout=program, stderr=program, start_new_session=True)
    read = b""
    while after not in read:
        read += os.read(person, 10_000)
    os.write(person, typed)
    code = run.wait(timeout=60)
    read += os.read(person, 10_000)
    os.close(person)
    os.close(program)
    return code, read.decode()


def test_without_a_host_all_are_listed_with_their_files(person: Person) -> None:
    person.has("cursor", json.dumps({"mcpServers": {"autobg": {"command": "autobg-mcp"}}}))
    person.has("kiro", "{}")
    lines = {line.split()[0]: line for line in person.config().out.splitlines()}
    assert list(lines) == list(HOSTS)
    assert "names autobg" in lines["cursor"]
    assert "is there" in lines["kiro"]
    assert str(person.file("zed")) in lines["zed"]


def test_a_host_that_is_unknown_is_refused_with_the_nearest(person: Person) -> None:
    code, out, err = person.config("gemini")
    assert (code, out) == (2, "")
    assert "gemini-cli is" in err


@every_host
def test_the_printed_block_starts_this_installation_and_nothing_is_written(name: str, person: Person) -> None:
    code, out, _ = person.config(name, "--image-dirs", "photos")
    assert code == 0
    assert SERVER in out
    assert str(person.cwd / "photos") in out
    assert str(person.file(name)) in out
    assert not any(person.home.iterdir())


@every_host
def test_writing_keeps_comments_other_servers_and_settings(name: str, person: Person) -> None:
    before = with_others(HOSTS[name])
    file = person.has(name, before)
    assert person.config(name, "--write").code == 0
    after = file.read_text("utf-8")
    kept = [line for line in before.splitlines() if line in after.splitlines()]
    assert kept == before.splitlines()
    assert SERVER in str(person.entry(name))


@every_host
def test_writing_twice_is_writing_once(name: str, person: Person) -> None:
    file = person.has(name, with_others(HOSTS[name]))
    person.config(name, "--write", "--image-dirs", "photos")
    once = file.read_bytes()
    assert "Already so" in person.config(name, "--write", "--image-dirs", "photos").out
    assert file.read_bytes() == once
    assert [path.name for path in file.parent.iterdir() if "before" in path.name] == [
        f"{file.name}.before-autobg-1"
    ]


@every_host
def test_the_copy_is_what_was_there(name: str, person: Person) -> None:
    before = with_others(HOSTS[name])
    file = person.has(name, before)
    person.config(name, "--write")
    assert file.with_name(f"{file.name}.before-autobg-1").read_bytes() == before.encode()


@every_host
def test_taking_it_out_gives_back_what_was_there(name: str, person: Person) -> None:
    before = with_others(HOSTS[name])
    file = person.has(name, before)
    person.config(name, "--write", "--image-dirs", "photos")
    assert person.config(name, "--remove").code == 0
    left = read(HOSTS[name], file)
    assert json.dumps(left) == json.dumps(read(HOSTS[name], person.has(name, before)))


@every_host
def test_a_file_that_is_not_there_is_made_for_its_owner_alone(name: str, person: Person) -> None:
    assert person.config(name, "--write", "--sandbox").code == 0
    assert person.file(name).stat().st_mode & 0o777 == 0o600
    assert "AUTOBG_API_KEY" not in person.file(name).read_text()


@every_host
def test_a_broken_file_is_refused_and_stays_as_it_is(name: str, person: Person) -> None:
    file = person.has(name, broken := with_others(HOSTS[name]) + "\n{[")
    code, out, err = person.config(name, "--write")
    assert (code, out) == (1, "")
    assert str(file) in err
    assert "is broken" in err
    assert [path.read_text() for path in file.parent.iterdir() if path.is_file()] == [broken]


@every_host
def test_a_read_only_file_is_refused_and_stays_as_it_is(name: str, person: Person) -> None:
    file = person.has(name, before := with_others(HOSTS[name]))
    file.chmod(0o444)
    code, _, err = person.config(name, "--write")
    assert code == 1
    assert "is read-only" in err
    assert file.read_text() == before


@pytest.mark.parametrize("name", ["codex", "zed", "claude-desktop", "goose", "vscode"])
def test_where_a_host_expands_nothing_the_key_is_in_a_file_for_its_owner_alone(
    name: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_API_KEY", "s3cret-key-0123456789")
    _, out, err = person.config(name, "--write")
    key_file = person.state / "api-key"
    assert str(key_file) in str(person.entry(name))
    assert (key_file.read_text(), key_file.stat().st_mode & 0o777) == ("s3cret-key-0123456789\n", 0o600)
    assert "s3cret" not in out + err + person.file(name).read_text()


def test_a_placeholder_is_not_written_into_the_key_file(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_API_KEY", "your-api-key")
    code, _, err = person.config("zed", "--write")
    assert code == 2
    assert "it is the placeholder of an example" in err
    assert not person.file("zed").exists()


def test_a_key_file_that_is_there_is_not_overwritten(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person.state.mkdir()
    (person.state / "api-key").write_text("first-key-0123456789")
    monkeypatch.setenv("AUTOBG_API_KEY", "second-key-0123456789")
    person.config("zed", "--write")
    assert (person.state / "api-key").read_text() == "first-key-0123456789"


@posix
@pytest.mark.parametrize("place", ["folder", "pipe"])
def test_what_can_be_no_key_file_is_refused_before_anything_is_written(place: str, person: Person) -> None:
    (person.home / "folder").mkdir()
    os.mkfifo(person.home / "pipe")
    code, _, err = person.config("cursor", "--write", "--key-file", person.home / place)
    assert (code, "is no plain file" in err) == (2, True)
    assert not person.file("cursor").exists()


def test_a_key_file_that_is_a_link_to_nothing_is_not_said_to_be_made(person: Person) -> None:
    (person.home / "key").symlink_to("nowhere")
    _, out, err = person.config("cursor", "--write", "--key-file", person.home / "key")
    assert "Made for you alone" not in out
    assert "Your API key belongs into" in err


@posix
@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (b"\x04", 0, "Your API key belongs into"),
        (b"YOUR_API_KEY\n", 2, "it is the placeholder of an example"),
        (b"caf\xe9-0123456789\n", 2, "What was typed is no usable key"),
    ],
)
def test_what_is_typed_and_can_be_no_key_makes_no_key(
    typed: bytes, code: int, said: str, person: Person
) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "config", "zed", "--write"]
    ended, told = at_a_terminal(command, typed, after=b"for later): ")
    assert (ended, said in told) == (code, True)
    assert not (person.state / "api-key").exists() or not (person.state / "api-key").read_bytes()


@pytest.mark.parametrize(
    ("name", "entry"),
    [("cursor", {"url": "https://a.example"}), ("gemini-cli", {"httpUrl": "https://a.example"})],
)
def test_a_server_of_our_name_that_is_reached_by_its_address_stays(
    name: str, entry: dict[str, str], person: Person
) -> None:
    before = json.dumps({"mcpServers": {"autobg": entry}})
    file = person.has(name, before)
    code, _, err = person.config(name, "--write")
    assert (code, file.read_text()) == (1, before)
    assert f"autobg-mcp config {name} --remove" in err


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("claude-code", "${AUTOBG_API_KEY}"),
        ("cursor", "${env:AUTOBG_API_KEY}"),
        ("gemini-cli", "$AUTOBG_API_KEY"),
        ("opencode", "{env:AUTOBG_API_KEY}"),
    ],
)
def test_where_a_host_expands_variables_its_file_refers_to_the_key(
    name: str, reference: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_API_KEY", "s3cret-key-0123456789")
    person.config(name, "--write")
    assert person.entry(name)[HOSTS[name].shape.env]["AUTOBG_API_KEY"] == reference
    assert "s3cret" not in person.file(name).read_text()
    assert not (person.state / "api-key").exists()


def test_a_key_file_can_be_wanted_of_any_host(person: Person) -> None:
    person.config("cursor", "--write")
    person.config("cursor", "--write", "--key-file", "~/the key")
    assert person.entry("cursor")["env"] == {"AUTOBG_API_KEY_FILE": str(person.home / "the key")}


def test_what_a_person_has_added_to_our_entry_stays(person: Person) -> None:
    own_env = {"AUTOBG_READ_ONLY": "1", "AUTOBG_API_KEY": "mine"}
    own = {"command": "old", "args": [], "disabled": True, "env": own_env}
    person.has("cursor", json.dumps({"mcpServers": {"autobg": own}}))
    person.config("cursor", "--write", "--image-dirs", "photos")
    entry = person.entry("cursor")
    assert (entry["command"], entry["disabled"]) == (SERVER, True)
    assert entry["env"] == {**own_env, "AUTOBG_IMAGE_DIRS": str(person.cwd / "photos")}


def test_a_time_limit_that_a_person_has_set_stays(person: Person) -> None:
    person.has(
        "codex",
        '[mcp_servers.autobg]\ncommand = "old"\ntool_timeout_sec = 900 # long nights\n\n[mcp_servers.autobg.env]\nA = "b"\n',
    )
    assert person.config("codex", "--write").code == 0
    assert "tool_timeout_sec = 900 # long nights" in person.file("codex").read_text()
    assert person.entry("codex")["startup_timeout_sec"] == 30
    assert person.entry("codex")["env"]["A"] == "b"


def test_the_sandbox_is_switched_on_and_off_by_writing(person: Person) -> None:
    person.config("cursor", "--write", "--sandbox")
    assert person.entry("cursor")["args"] == ["serve", "--sandbox"]
    person.config("cursor", "--write")
    assert person.entry("cursor")["args"] == []


def test_an_entry_in_the_shape_of_clines_own_command_is_changed_in_place(person: Person) -> None:
    person.has(
        "cline", json.dumps({"mcpServers": {"autobg": {"transport": {"type": "stdio", "command": "old"}}}})
    )
    person.config("cline", "--write", "--sandbox")
    assert person.entry("cline")["transport"]["command"] == SERVER
    assert "command" not in person.entry("cline")


@every_host
def test_its_own_command_is_one_line_for_a_shell(name: str, person: Person) -> None:
    out = person.config(name, "--image-dirs", "photos").out
    if not HOSTS[name].own:
        return
    words = shlex.split(out.splitlines()[2])
    assert words[0] == HOSTS[name].own.split()[0]
    assert SERVER in (words if name != "vscode" else json.loads(words[-1]).values())


def test_two_scopes_are_two_files(person: Person) -> None:
    person.config("claude-code", "--write", "--scope", "project", "--sandbox")
    assert json.loads((person.cwd / ".mcp.json").read_text())["mcpServers"]["autobg"]["args"] == [
        "serve",
        "--sandbox",
    ]
    assert not person.file("claude-code").exists()


def test_a_command_that_knows_no_project_is_not_printed_for_one(person: Person) -> None:
    assert "code --add-mcp" in person.config("vscode").out
    assert "code --add-mcp" not in person.config("vscode", "--scope", "project").out


def test_a_scope_that_a_host_does_not_have_is_refused(person: Person) -> None:
    assert person.config("codex", "--write", "--scope", "project").code == 2


def test_claude_codes_entry_of_one_project_is_taken_out_too(person: Person) -> None:
    entry = {"mcpServers": {"autobg": {"command": "autobg-mcp"}}}
    file = person.has("claude-code", json.dumps({"projects": {str(person.cwd): entry, "/other": entry}}))
    person.config("claude-code", "--remove")
    left = json.loads(file.read_text())["projects"]
    assert (left[str(person.cwd)], left["/other"]) == ({"mcpServers": {}}, entry)


def test_nothing_to_take_out_makes_no_file(person: Person) -> None:
    assert "Not in" in person.config("cursor", "--remove").out
    assert not person.file("cursor").parent.exists()


def test_a_folder_that_is_not_there_is_refused(person: Person) -> None:
    code, _, err = person.config("cursor", "--write", "--image-dirs", "none")
    assert code == 2
    assert "none" in err
    assert not person.file("cursor").exists()


def test_a_file_elsewhere_can_be_named(person: Person) -> None:
    person.config("cursor", "--write", "--sandbox", "--file", "else where.json")
    assert "autobg" in (person.cwd / "else where.json").read_text()


def test_json_without_comments_stays_without_them(person: Person) -> None:
    file = person.has("cursor", strict(with_others(HOSTS["cursor"])))
    person.config("cursor", "--write")
    assert "autobg" in json.loads(file.read_text())["mcpServers"]


@pytest.mark.parametrize("folder", [os.fsdecode(b"caf\xe9"), f"a{os.pathsep}b"])
def test_a_folder_that_no_file_can_hold_is_refused(folder: str, person: Person) -> None:
    (person.cwd / folder).mkdir()
    code, _, err = person.config("cursor", "--write", "--image-dirs", folder)
    assert code == 2
    assert "Name a" in err
    assert not person.file("cursor").exists()


@pytest.mark.parametrize(("name", "library"), [("codex", "tomlkit"), ("goose", "ruamel.yaml")])
def test_a_library_that_is_not_installed_is_told_with_the_command_that_installs_it(
    name: str, library: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"autobg_mcp.hosts.{HOSTS[name].format}_edits", raising=False)
    code, _, err = person.config(name, "--write")
    assert code == 2
    assert f'"{sys.executable}" -m pip install {library}' in err
    assert not person.file(name).exists()


def test_without_the_library_codex_is_added_by_its_own_command(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tomlkit", None)
    monkeypatch.delitem(sys.modules, "autobg_mcp.hosts.toml_edits", raising=False)
    code, out, err = person.config("codex")
    assert code == 0
    assert out.splitlines()[2].startswith("codex mcp add autobg --env")
    assert "pip install tomlkit" in err


def test_the_settings_of_this_environment_go_along(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBG_IMAGE_DIRS", str(person.cwd / "photos"))
    monkeypatch.setenv("AUTOBG_OUTPUT_DIR", "results")
    person.config("cursor", "--write")
    assert person.entry("cursor")["env"]["AUTOBG_IMAGE_DIRS"] == str(person.cwd / "photos")
    assert person.entry("cursor")["env"]["AUTOBG_OUTPUT_DIR"] == str(person.cwd / "results")


def test_a_second_entry_that_starts_the_same_server_is_told(person: Person) -> None:
    person.has("cursor", json.dumps({"mcpServers": {"cars": {"command": "autobg-mcp"}}}))
    assert "“cars” too" in person.config("cursor", "--write").err


def test_an_installation_in_a_cache_is_told(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/cache/uv/archive-v0/abc/bin/python")
    _, out, err = person.config("cursor")
    assert '"-P",' in out
    assert "uv tool install" in err


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("claude-desktop", "roaming/Claude/claude_desktop_config.json"),
        ("vscode", "roaming/Code/User/mcp.json"),
        ("goose", "roaming/Block/goose/config/config.yaml"),
        ("zed", "roaming/Zed/settings.json"),
        ("codex", "home/.codex/config.toml"),
    ],
)
def test_on_windows_files_lie_where_windows_has_them(name: str, file: str) -> None:
    machine = Machine(Path("/home"), Path("/project"), "windows", {"APPDATA": "/roaming"})
    assert str(files(HOSTS[name], "user", machine)[0]) == f"/{file}"


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("claude-desktop", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("vscode", "Library/Application Support/Code/User/mcp.json"),
        ("zed", ".config/zed/settings.json"),
        ("goose", ".config/goose/config.yaml"),
    ],
)
def test_on_macos_files_lie_where_macos_has_them(name: str, file: str) -> None:
    machine = Machine(Path("/them"), Path("/project"), "macos", {})
    assert str(files(HOSTS[name], "user", machine)[0]) == f"/them/{file}"


@every_host
def test_a_path_of_windows_is_read_back_as_it_was(name: str) -> None:
    host, program = HOSTS[name], r"C:\Users\A b\venv\Scripts\autobg-mcp.exe"
    wish = wish_for((program,))
    text = changed("", host.format, additions(host, {}, wish), Path("file"))
    (servers,) = [servers_under(load(text, host.format, Path("file")), host.shape.under)]
    entry = host.shape.read(servers["autobg"])
    assert entry is not None
    assert (entry.command, entry.env["AUTOBG_IMAGE_DIRS"]) == (program, r"D:\photos")


def test_its_own_command_is_quoted_as_windows_does_it() -> None:
    wish = wish_for((r"C:\A b\autobg-mcp.exe",))
    assert own_command(HOSTS["codex"], "user", wish, "windows").endswith(r'-- "C:\A b\autobg-mcp.exe"')


def wish_for(command: tuple[str, ...]) -> Wish:
    photos, key_file = Path(r"D:\photos"), Path(r"C:\key")
    return Wish(
        command, (photos,), None, sandbox=False, key_file=key_file, by_file=False, key="", lock=Path("lock")
    )
