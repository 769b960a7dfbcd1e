"""Every setting: its environment variable, unit, default and meaning."""

import difflib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, JsonValue, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from autobg_mcp import setting_values
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.text import expected, quoted

BASE_URL = "https://apis.autobg.ai/public/api/v1"
"""The API's address in its documents."""

Toolset = Literal["enterprise", "custom", "workflow", "beta"]
"""Groups of tools that are switched on together; the first two are the sections of the API's documents."""

TOOLSETS: tuple[Toolset, ...] = ("enterprise", "custom", "workflow")
"""The toolsets that are on by default."""

_PASSWORD = re.compile(r"(?<=://)[^/?#]*(?=@)|(?<=password=)[^&#]*")


def state_home() -> Path:
    """The folder where this platform keeps a user's state, with our name in it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "autobg-mcp"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/autobg-mcp"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "autobg-mcp"


class Settings(BaseSettings):
    """Everything an operator can set. Each field is read from the variable `AUTOBG_` + its name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="AUTOBG_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
    )

    api_key: SecretStr | None = None
    """The API key, bare, without Bearer."""

    api_key_file: Path | None = None
    """A file that holds the key; read again whenever it changes, and refused where other users may read it. `AUTOBG_API_KEY` wins."""

    base_url: str = BASE_URL
    """Where the API is."""

    toolsets: Annotated[tuple[Toolset, ...], NoDecode] = TOOLSETS
    """Toolsets to offer, separated by commas: enterprise, custom, workflow, beta."""

    read_only: bool = False
    """Offer no tool that changes anything in the account or spends credits."""

    image_dirs: Annotated[tuple[Path, ...], NoDecode] = ()
    """Folders whose pictures may be uploaded, separated by `:` (Windows: `;`). None set: no local file is read."""

    output_dir: Path | None = None
    """Folder that results are saved in. Not set: `autobg-output` in the first image folder, else in the state folder."""

    keep_metadata: bool = False
    """Upload pictures with their GPS position and serial numbers instead of without."""

    state_dir: Path = Field(default_factory=state_home)
    """Folder for the throttle's budgets and the ledger, shared by every process of this user."""

    throttle: str = "sqlite:"
    """Where budgets are kept: `sqlite:` (this machine), `redis://host:port/db` (several machines), `memory:` (tests)."""

    max_wait_s: float = Field(default=45.0, ge=0, le=3600)
    """Seconds a call may wait for a free slot before it fails with the second to retry at; a free call ends 10 s later."""

    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """Seconds one request may take, from connecting to the last byte of its answer; a free one ends with its call."""

    duplicate_window_h: float = Field(default=24.0, ge=0, le=24 * 365)
    """Hours in which the same picture with the same arguments is not sent again; 0 switches that off."""

    daily_credit_limit: int | None = Field(default=None, ge=0)
    """Credits that may be spent a day (local time) by all processes on this machine together. Not set: no limit."""

    approve: Literal["nothing", "repeats", "paid"] = "repeats"
    """When the person is asked: `repeats` before the same picture is paid again, `paid` before any credit is spent, `nothing` never. No argument of a tool can answer instead."""

    background: bool = True
    """Whether photos that do not fit into a call are sent after it, by any process with this setting. Off: nothing is sent but by a call."""

    job_hours: float = Field(default=48.0, gt=0, le=24 * 30)
    """Hours after which a job gives up what it could not send, such as through an outage."""

    links_per_call: int = Field(default=25, ge=1, le=500)
    """Linked photos of a vehicle that one request carries at most. How many the API takes is not documented."""

    check_templates: bool = True
    """Send nothing to a template that listTemplates does not name. Off: where templates are made elsewhere and not listed."""

    link_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts that linked photos may lie on, separated by commas: `pictures.example,*.s3.amazonaws.com`. Not set: any public one."""

    rate_limits: str = ""
    """Limits that replace the documented ones: `reportImages=10/60s,getImageStatus=100/60s,*=100/60s`."""

    paths: Annotated[dict[str, str], NoDecode] = {}
    """Paths that replace undocumented or changed ones: `uploadS3UrlsWithDynamicBranding=/images/…`."""

    fields: Annotated[dict[str, dict[str, JsonValue]], NoDecode] = {}
    """Request fields that are named, nested or wrapped otherwise, left out or added, by tool, as JSON: `{"uploadImagesWithDynamicBranding": {"brandLogo": "logo", "+mode": 1}}`."""

    # A validator that stands further below is asked first.
    _split_words = field_validator("toolsets", "link_hosts", mode="before")(setting_values.words)
    _split_folders = field_validator("image_dirs", mode="before")(setting_values.folders)
    _split_pairs = field_validator("paths", mode="before")(setting_values.pairs)
    _from_json = field_validator("fields", mode="before")(setting_values.json_object)
    _written_out = field_validator("*", mode="before")(setting_values.written_out)
    _whole_address = field_validator("base_url")(setting_values.api_address)
    _known_store = field_validator("throttle")(setting_values.store)
    _hosts = field_validator("link_hosts")(setting_values.hosts)

    @field_validator("image_dirs", "output_dir", "state_dir", "api_key_file", mode="after")
    @classmethod
    def _expand(cls, value: Path | tuple[Path, ...] | None) -> Path | tuple[Path, ...] | None:
        if isinstance(value, tuple):
            return tuple(folder.expanduser() for folder in value)
        return None if value is None else value.expanduser()

    @field_validator("toolsets")
    @classmethod
    def _some(cls, value: tuple[Toolset, ...]) -> tuple[Toolset, ...]:
        if not value:
            raise ValueError("at least one toolset")
        return value

    @field_validator("paths")
    @classmethod
    def _absolute(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(path.startswith("/") for path in value.values()):
            raise ValueError("each path begins with /")
        return value

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        for name, value in super().__repr_args__():
            yield name, _PASSWORD.sub("…", value) if isinstance(value, str) else value

    @classmethod
    def load(cls, **changes: object) -> "Settings":
        """Read the settings; a keyword given here wins over the environment, the environment over the default.

        Raises:
            ConfigurationError: A value is not what its setting takes, or a variable is misspelt; the variable is named,
                the value is not shown.
        """
        known = {_variable(name) for name in cls.model_fields}
        ours = (name for name in os.environ if name.startswith("AUTOBG_"))
        for name in {*map(_variable, changes), *ours} - known:
            meant = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if meant or name.removeprefix("AUTOBG_").lower() in changes:
                raise ConfigurationError(f"{name} is no setting{f'; {meant[0]} is' if meant else ''}.")
        try:
            return cls(**changes)  # type: ignore[arg-type]  # pydantic checks them
        except ValidationError as error:
            lines = [f"{_variable(str((*one['loc'], '?')[0]))}: {expected(one)}" for one in error.errors()]
            raise ConfigurationError("; ".join(lines)) from None
        except RuntimeError:  # pathlib's, of an account without a home, as a container's may be
            raise ConfigurationError(
                "AUTOBG_STATE_DIR and all folders: set whole paths, since this account has no home folder."
            ) from None

    def key(self) -> SecretStr:
        """The API key as it is now; a key file is read anew, so that a rotated key needs no restart.

        Raises:
            ConfigurationError: No key is set, or its file cannot be read or holds none.
        """
        if self.api_key is not None and self.api_key.get_secret_value().strip():
            return _checked_key(self.api_key.get_secret_value(), "AUTOBG_API_KEY")
        if self.api_key_file is None:
            raise ConfigurationError(
                "No API key is set. Set AUTOBG_API_KEY (or AUTOBG_API_KEY_FILE) in the env block of the host's "
                "configuration, or start the server with --sandbox to try it without a key."
            )
        named = f"The file that AUTOBG_API_KEY_FILE names{_shown(self.api_key_file)}"
        try:
            text, is_open = setting_values.key_of_file(self.api_key_file)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{named} cannot be read ({type(error).__name__}).") from None
        if is_open:
            raise ConfigurationError(
                f"{named} can be read by other users of this machine. Run chmod 600 on it."
            )
        return _checked_key(text, "AUTOBG_API_KEY_FILE")

    def secrets(self) -> list[str]:
        """What nobody may read: the API key as it is now."""
        with suppress(ConfigurationError):
            return [self.key().get_secret_value()]
        return []

    def check_background(self) -> None:
        """Check that a process with these settings may send anything without a call.

        Raises:
            ConfigurationError: A setting says no.
        """
        if why := self.forbids_background():
            raise ConfigurationError(why)

    def forbids_background(self) -> str:
        """Why a process with these settings sends nothing without a call; empty where it may."""
        if not self.background:
            return "AUTOBG_BACKGROUND=off: this process sends nothing in the background."
        return "AUTOBG_READ_ONLY=1: this process sends nothing." if self.read_only else ""

    def jobs_file(self) -> Path:
        """The file that jobs are kept in; it is there once there was a job."""
        return self.state_dir / "jobs.sqlite3"

    def output_folder(self) -> Path:
        """The folder that results are saved in."""
        if self.output_dir is not None:
            return self.output_dir
        return (self.image_dirs[0] if self.image_dirs else self.state_dir) / "autobg-output"


def _checked_key(text: str, variable: str) -> SecretStr:
    try:
        return SecretStr(setting_values.api_key(text))
    except ValueError as error:
        raise ConfigurationError(f"{variable} holds no usable key: {error}.") from None


def _shown(path: Path) -> str:
    """A path that is one beyond doubt, since its first folder is there; else nothing, as it may be a pasted key."""
    is_path = path.is_absolute() and len(path.parents) > 1 and path.parents[-2].is_dir()
    return f", {quoted(str(path), 500)}," if is_path else ""


def _variable(field: str) -> str:
    return "AUTOBG_" + field.upper()
