"""Settings: read from variables, refused by name, and a key that can be rotated without being shown."""

import os
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from conftest import Connect
from documented import text_of
from uploading import upload

from autobg_mcp.api.call import Account
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.settings import BASE_URL, Settings, state_home
from autobg_mcp.tools.offer import check_names

KEY = "s3cret-key-0123456789"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from outside."""
    for name in [name for name in os.environ if name.startswith("AUTOBG_")]:
        monkeypatch.delenv(name)


def test_the_defaults_are_the_documented_ones() -> None:
    settings = Settings.load()
    assert (settings.base_url, settings.api_key, settings.image_dirs) == (BASE_URL, None, ())
    assert (settings.max_wait_s, settings.read_only) == (45, False)
    assert settings.toolsets == ("enterprise", "custom", "workflow")


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("AUTOBG_TOOLSETS", " beta , custom,", "toolsets", ("beta", "custom")),
        ("AUTOBG_READ_ONLY", "1", "read_only", True),
        ("AUTOBG_READ_ONLY", "", "read_only", False),
        ("AUTOBG_IMAGE_DIRS", os.pathsep.join(("/a", "", "/b c")), "image_dirs", (Path("/a"), Path("/b c"))),
        ("AUTOBG_IMAGE_DIRS", "~/cars", "image_dirs", (Path.home() / "cars",)),
        ("AUTOBG_OUTPUT_DIR", "~/out", "output_dir", Path.home() / "out"),
        ("AUTOBG_MAX_WAIT_S", "0", "max_wait_s", 0),
        ("AUTOBG_PATHS", "a=/x, b = /y", "paths", {"a": "/x", "b": "/y"}),
        ("AUTOBG_FIELDS", '{"t": {"f": "g"}}', "fields", {"t": {"f": "g"}}),
        ("AUTOBG_LINK_HOSTS", "Cars.example, *.example.com", "link_hosts", ("cars.example", "*.example.com")),
        ("AUTOBG_BASE_URL", "http://127.0.0.1:8321/v1", "base_url", "http://127.0.0.1:8321/v1"),
    ],
)
def test_a_variable_sets_its_field(
    variable: str, text: str, name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(Settings.load(), name) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AUTOBG_TOOLSETS", "everything"),
        ("AUTOBG_READ_ONLY", "perhaps"),
        ("AUTOBG_MAX_WAIT_S", "-1"),
        ("AUTOBG_TIMEOUT_S", "0"),
        ("AUTOBG_BASE_URL", "ftp://s3cret-host"),
        ("AUTOBG_BASE_URL", "https://:s3cret@host/v1"),
        ("AUTOBG_BASE_URL", "https://host:s3cret/v1"),
        ("AUTOBG_THROTTLE", "redis//:s3cret@host"),
        ("AUTOBG_PATHS", "s3cret"),
        ("AUTOBG_FIELDS", "s3cret="),
        ("AUTOBG_FIELDS", '{"s3cret": 1}'),
        ("AUTOBG_LINK_HOSTS", "https://s3cret/"),
        ("AUTOBG_LINK_HOSTS", "a.example s3cret"),
        ("AUTOBG_LINK_HOSTS", "s3cret.*"),
        ("AUTOBG_STATE_DIR", "~s3cret/state"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variable(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError, match=variable) as refused:
        Settings.load()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("throttle", "mysql://host", "sqlite:, memory: or an address such as redis://host:6379/0"),
        ("max_wait_s", "-1", "at least 0"),
        ("timeout_s", "0", "more than 0"),
        ("timeout_s", "soon", "a number"),
        ("daily_credit_limit", "few", "a whole number"),
        ("approve", "yes", "one of 'nothing', 'repeats' or 'paid'"),
    ],
)
def test_a_wrong_value_is_told_by_what_would_be_right_in_words(name: str, text: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load(**{name: text})
    assert str(refused.value) == f"AUTOBG_{name.upper()}: {expected}"


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBG_MAX_WAIT_S", "7")
    assert Settings.load(max_wait_s=3).max_wait_s == 3


def test_a_key_file_is_read_anew_at_every_use(tmp_path: Path) -> None:
    file = tmp_path / "key"
    settings = Settings.load(api_key_file=file)
    keys = []
    for key in (KEY, "rotated-key-9876543210"):
        file.write_text(f"  {key}\n")
        keys.append(settings.key().get_secret_value())
    assert keys == [KEY, "rotated-key-9876543210"]


@pytest.fixture
def of_nobody() -> Iterator[Path]:
    """A folder for a test that is run by a user who is not root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # The folder for temporary files may be root's own, which nobody else gets into.
    with TemporaryDirectory(dir="/tmp" if is_root else None) as folder:
        if is_root:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        yield Path(folder)
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, None), (0o400, None), (0o640, "chmod 600"), (0o604, "chmod 600")]
)
def test_a_key_file_that_others_may_read_is_refused(mode: int, told: str | None, of_nobody: Path) -> None:
    (of_nobody / "key").write_text(KEY)
    (of_nobody / "key").chmod(mode)
    with pytest.raises(ConfigurationError, match=told) if told else nullcontext():
        assert Settings.load(api_key_file=of_nobody / "key").key().get_secret_value() == KEY


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can lay a file as root"
)
def test_a_secret_that_root_has_laid_there_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o444)
    assert Settings.load(api_key_file=tmp_path / "key").key().get_secret_value() == KEY


def test_the_key_itself_wins_over_its_file(tmp_path: Path) -> None:
    assert Settings.load(api_key=KEY, api_key_file=tmp_path / "none").key().get_secret_value() == KEY


def test_a_key_file_that_cannot_be_read_is_told_by_its_variable(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"AUTOBG_API_KEY_FILE names, .* cannot be read \(FileNotFoundError"
    ):
        Settings.load(api_key_file=tmp_path / "key").key()


def test_a_key_pasted_into_the_setting_of_its_file_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.load(api_key_file=Path(KEY)).key()
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("variable", ["rate_limits", "paths", "fields"])
@pytest.mark.parametrize("text", [KEY, f"{KEY}=/x", f"{KEY}=10/60s", f"listTemplates=10/60s,{KEY}=0/60s"])
def test_a_key_pasted_into_a_setting_of_names_is_not_shown(variable: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_names(Settings.load(**{variable: text}))
    assert KEY not in str(refused.value)
    assert f"AUTOBG_{variable.upper()}" in str(refused.value)


@pytest.mark.parametrize(
    "address", ["redis://user:s3cret@host:6379/0", "rediss://host/0?password=s3cret&x=1"]
)
def test_the_password_of_the_throttles_address_is_in_no_representation(address: str) -> None:
    settings = Settings.load(throttle=address)
    assert "s3cret" not in f"{settings!r} {settings}"
    assert "@host" in repr(settings) or "x=1" in repr(settings)


@pytest.mark.parametrize("key", ["Bearer s3cret", "s3cret\ns3cret", "s3cret\x00", "schlüssel-s3cret"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTOBG_API_KEY holds no usable key") as refused:
        Settings.load(api_key=key).key()
    assert "s3cret" not in str(refused.value)


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").touch()
    with pytest.raises(ConfigurationError, match="AUTOBG_API_KEY_FILE holds no usable key"):
        Settings.load(api_key_file=tmp_path / "key").key()


def test_the_key_is_in_no_representation() -> None:
    settings = Settings.load(api_key=KEY)
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_an_account_is_told_by_key_and_server_and_does_not_show_the_key() -> None:
    key, other = Settings.load(api_key=KEY).key(), Settings.load(api_key=KEY + "x").key()
    accounts = {
        Account.of(key, BASE_URL),
        Account.of(other, BASE_URL),
        Account.of(key, "http://elsewhere/v1"),
    }
    assert len({account.id for account in accounts}) == 3
    assert KEY not in str(accounts)


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [
        ("linux", "XDG_STATE_HOME", "state/autobg-mcp"),
        ("win32", "LOCALAPPDATA", "state/autobg-mcp"),
        ("linux", "", "home/.local/state/autobg-mcp"),
        ("win32", "", "home/AppData/Local/autobg-mcp"),
        ("darwin", "", "home/Library/Application Support/autobg-mcp"),
    ],
)
def test_state_lies_where_the_platform_keeps_it(
    platform: str, variable: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "state"))
    monkeypatch.setattr("sys.platform", platform)
    assert state_home() == tmp_path / folder


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({"output_dir": "/out", "image_dirs": "/cars"}, "/out"),
        ({"image_dirs": os.pathsep.join(("/cars", "/more"))}, "/cars/autobg-output"),
        ({"state_dir": "/state"}, "/state/autobg-output"),
    ],
)
def test_results_go_where_the_settings_say(given: dict[str, object], folder: str) -> None:
    assert Settings.load(**given).output_folder() == Path(folder)


@pytest.mark.anyio
async def test_an_operator_may_replace_a_path_and_a_field_name(
    connect: Connect, world: World, photos: Path
) -> None:
    changes = {
        "paths": "uploadS3UrlsWithDynamicBranding=/images/uploadWithTemplateCC-v2",
        "check_templates": False,
        "fields": '{"uploadS3UrlsWithDynamicBranding": {"brandLogo": "logoUri"}}',
    }
    arguments = {"clientS3Uris": ["https://cars.example/a.jpg"], "numberPlate": "V", "templateCC": "6"}
    branding = {"processType": "ai", "brandLogo": "https://cars.example/logo.png"}
    async with connect(**changes) as host:
        await host.call_tool("uploadS3UrlsWithDynamicBranding", arguments | branding)
    [request] = [each for each in world.requests if each.path.endswith("-v2")]
    assert request.path == "/public/api/v1/images/uploadWithTemplateCC-v2"
    assert b'"logoUri": "https://cars.example/logo.png"' in request.body


@pytest.mark.anyio
@pytest.mark.parametrize("sandbox_options", [SandboxOptions(api_keys=frozenset({"rotated-key-9876543210"}))])
async def test_a_rotated_key_needs_no_restart(connect: Connect, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    async with connect(api_key=None, api_key_file=file) as host:
        before = await host.call_tool("listTemplates", {})
        file.write_text("rotated-key-9876543210")
        after = await host.call_tool("listTemplates", {})
    assert "refused the key" in text_of(before)
    assert not after.is_error


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AUTOBG_READONLY", "1", "AUTOBG_READONLY is no setting; AUTOBG_READ_ONLY is."),
        ("AUTOBG_BASE_URL", "http://a:notaport/x", "AUTOBG_BASE_URL: "),
        ("AUTOBG_BASE_URL", "http://127.0.0.1:99999/x", "AUTOBG_BASE_URL: "),
        ("AUTOBG_BASE_URL", "ftp://host/x", "AUTOBG_BASE_URL: an address such as https://host/path"),
        ("AUTOBG_TOOLSETS", ",", "AUTOBG_TOOLSETS: at least one toolset"),
        ("AUTOBG_PATHS", "reportImages=images/x", "AUTOBG_PATHS: each path begins with /"),
        ("AUTOBG_MAX_WAIT_S", "soon", "AUTOBG_MAX_WAIT_S: a number"),
    ],
)
def test_a_mistake_in_a_setting_is_told_in_plain_words(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as refused:
        Settings.load()
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    "mistake",
    [
        {"rate_limits": "reportImage=10/60s"},
        {"paths": "nosuch=/x"},
        {"fields": '{"uploadS3UrlsWithDynamicBranding": {"nosuch": "logo"}}'},
    ],
)
def test_a_setting_for_something_that_does_not_exist_is_refused(mistake: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        check_names(Settings.load(**mistake))


def test_a_key_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    assert Settings.load(api_key_file=tmp_path / "key").key().get_secret_value() == KEY


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_key_file_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Settings.load(api_key_file=tmp_path / "key").key()


def test_a_key_file_that_is_something_else_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "key").open("wb") as file:
        file.write(KEY.encode())
        file.truncate(10**12)
    with pytest.raises(ConfigurationError, match="holds no usable key"):
        Settings.load(api_key_file=tmp_path / "key").key()


@pytest.mark.skipif(os.name != "posix", reason="homes are looked up in another way")
def test_an_account_without_a_home_is_told_to_set_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="AUTOBG_STATE_DIR and all folders: set whole paths"):
        Settings.load()


UNREPLACED = [
    "${HOME}/cars",
    "$HOME/cars",
    "%USERPROFILE%\\cars",
    "${input:folder}",
    "$env:CARS",
    "${user_config.cars}",
]


@pytest.mark.parametrize("value", UNREPLACED)
@pytest.mark.parametrize("name", ["image_dirs", "output_dir", "state_dir", "base_url", "max_wait_s"])
def test_a_variable_that_the_host_has_not_replaced_is_told_by_the_setting(name: str, value: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"AUTOBG_{name.upper()}: it names a variable .* not replaced"
    ):
        Settings.load(**{name: value})


@pytest.mark.parametrize("value", ["/cars/50% off/a%b%20c", "/cars/us$/a", "/cars/$5", "/cars/a b"])
def test_a_folder_with_odd_characters_is_no_variable(value: str) -> None:
    assert Settings.load(image_dirs=value).image_dirs == (Path(value),)


@pytest.mark.parametrize("value", ['"/cars"', "'/cars'", "“/cars”"])
def test_a_value_in_quotation_marks_is_told_so(value: str) -> None:
    with pytest.raises(ConfigurationError, match="AUTOBG_OUTPUT_DIR: it stands in quotation marks"):
        Settings.load(output_dir=value)


NO_KEYS = {
    '"s3cret-key"': "quotation marks",
    "'s3cret-key'": "quotation marks",
    "“s3cret-key”": "quotation marks",
    "${AUTOBG_KEY}": "variable",
    "$AUTOBG_KEY": "variable",
    "%AUTOBG_KEY%": "variable",
    "${input:autobg-key}": "variable",
    "your-api-key": "placeholder",
    "YOUR_API_KEY_HERE": "placeholder",
    "<your key>": "placeholder",
    "{{API_KEY}}": "placeholder",
    "changeme": "placeholder",
    "xxxxxxxx": "placeholder",
    "********": "placeholder",
    "Bearer s3cret-key": "bare key",
    "bearer: s3cret-key": "bare key",
}


@pytest.mark.anyio
@pytest.mark.parametrize(("key", "told"), NO_KEYS.items(), ids=NO_KEYS)
async def test_what_is_no_key_is_named_and_not_sent(
    key: str, told: str, connect: Connect, world: World, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(key, "utf-8")
    async with connect(api_key=None, api_key_file=tmp_path / "key") as host:
        refused = text_of(await host.call_tool("listTemplates", {}))
    assert re.match(rf"AUTOBG_API_KEY_FILE holds no usable key: it .*{told}", refused)
    assert "s3cret" not in refused
    assert not world.requests


@pytest.mark.parametrize(
    "key", ["key-of-yours-1", "mykey2", "x-abc", "Bearish-0123", "a$b", "ab%cd%ef", "sk-your-0123"]
)
def test_a_key_that_only_resembles_a_placeholder_is_a_key(key: str) -> None:
    assert Settings.load(api_key=key).key().get_secret_value() == key


SPELLINGS = [
    "HTTPS://APIS.AutoBG.ai/public/api/v1",
    "https://apis.autobg.ai:443/public/api/v1",
    "https://apis.autobg.ai./public/api/v1/",
    "https://apis.autobg.ai/public/./api/x/../v1//",
    "https://apis.autobg.ai/%70ublic/api/v%31",
    " https://apis.autobg.ai/public/api/v1 ",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_account_whatever_the_spelling_of_the_address(spelling: str) -> None:
    key = Settings.load(api_key=KEY).key()
    assert Settings.load(base_url=spelling).base_url == BASE_URL
    assert Account.of(key, spelling) == Account.of(key, BASE_URL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://bücher.example/v1", "https://xn--bcher-kva.example/v1"),
        ("https://h.example/a%2fb", "https://h.example/a%2Fb"),
        ("https://h.example/a b", "https://h.example/a%20b"),
        ("https://[0:0::1]/v1", "https://[::1]/v1"),
    ],
)
def test_two_spellings_of_one_address_are_one(one: str, other: str) -> None:
    assert Settings.load(base_url=one).base_url == Settings.load(base_url=other).base_url


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/v1", "https://h.example/V1"),
        ("https://h.example/a%2Fb", "https://h.example/a/b"),
        ("https://h.example:8443/v1", "https://h.example/v1"),
        ("http://localhost/v1", "https://localhost/v1"),
    ],
)
def test_two_addresses_stay_two(one: str, other: str) -> None:
    assert Settings.load(base_url=one).base_url != Settings.load(base_url=other).base_url


@pytest.mark.parametrize(
    "address",
    ["http://apis.autobg.ai/v1", "http://10.0.0.1/v1", "http://localhost.example/v1", "http://[fe80::1]/v1"],
)
def test_an_address_over_which_the_key_can_be_read_is_refused(address: str) -> None:
    with pytest.raises(
        ConfigurationError, match="AUTOBG_BASE_URL: https://, since over http:// the key can be read"
    ):
        Settings.load(base_url=address)


@pytest.mark.parametrize("address", ["http://localhost:1/v1", "http://127.8.9.1/v1", "http://[::1]:8321/v1"])
def test_this_machine_may_be_reached_without_tls(address: str) -> None:
    assert Settings.load(base_url=address).base_url == address


def test_a_password_in_the_address_is_told_by_words_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match=r"AUTOBG_BASE_URL: without user:password@") as refused:
        Settings.load(base_url="https://me:s3cret@host/v1")
    assert "s3cret" not in str(refused.value)


def test_a_key_file_whose_folder_is_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(str(tmp_path / "keys" / "key"))):
        Settings.load(api_key_file=tmp_path / "keys" / "key").key()


@pytest.mark.anyio
async def test_folders_that_do_not_exist_are_named(connect: Connect, tmp_path: Path, world: World) -> None:
    async with connect(image_dirs=(tmp_path / "gone", tmp_path / "away")) as host:
        told = text_of(await upload(host, "car.jpg"))
    assert str(tmp_path / "gone") in told
    assert str(tmp_path / "away") in told
    assert not world.requests


@pytest.mark.anyio
async def test_where_a_photo_is_not_found_the_folder_that_is_not_there_is_named(
    connect: Connect, tmp_path: Path, photos: Path
) -> None:
    async with connect(image_dirs=(photos, tmp_path / "gone")) as host:
        told = text_of(await upload(host, "no-such.jpg"))
    assert f"these do not exist: “{tmp_path / 'gone'}”" in told
    assert f"“{photos}”." not in told
