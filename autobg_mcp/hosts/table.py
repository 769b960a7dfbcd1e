"""The hosts, each with what `autobg-mcp config` has to know of it.

Read or run in November 2026: `claude` 2.1, `codex` 0.171, `gemini` 0.61, `qwen` 0.24, `opencode` 1.18 and `copilot` 1.0 were run;
the others' documents were read. VS Code could ask for the key itself (`${input:…}`), but does not pass such a server on to the
sessions of its Copilot harness. A call ends within 55 s unless set, but a person who is asked may take longer: where a host
has a time limit of its own, it is written as 3 minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from autobg_mcp.hosts.places import Machine, System
from autobg_mcp.hosts.shapes import Shape

Scope = Literal["user", "project"]
Format = Literal["json", "toml", "yaml"]


@dataclass(frozen=True)
class McpHost:
    """A program that starts MCP servers.

    Attributes:
        name: What it is called on our command line.
        title: What people call it.
        user: Its file for all of a person's work; of several the first that is there, else the first. Empty for none.
        project: Its file in a project's folder, likewise.
        elsewhere: Its file for all of a person's work on systems where that lies elsewhere.
        shape: How it writes a server down.
        format: What its file is written in.
        key: How its file refers to the variable AUTOBG_API_KEY; empty where it expands none, so that a key file is named.
        own: Its own command that adds a server, with `{scope}`, `{env}`, `{server}` and `{json}` to be
            replaced; empty for none.
    """

    name: str
    title: str
    user: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    elsewhere: Mapping[System, tuple[str, ...]] = field(default_factory=dict)
    shape: Shape = field(default_factory=Shape)
    format: Format = "json"
    key: str = ""
    own: str = ""

    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that it has a file for; the first is the usual one."""
        return (*(["user"] if self.user else []), *(["project"] if self.project else []))  # type: ignore[arg-type]

    def written(self, scope: Scope, system: System) -> tuple[str, ...]:
        """Its files for a scope as the table writes them; empty where it has none."""
        return self.elsewhere.get(system, self.user) if scope == "user" else self.project


def _standard(under: str = "mcpServers", **always: JsonValue) -> Shape:
    return Shape(under=(under,), always=always)


_CODE_STORAGE = "{config}/Code/User/globalStorage"
_OPENCODE = "{XDG_CONFIG_HOME|~/.config}/opencode"

_ALL = (
    McpHost(
        "claude-desktop",
        "Claude Desktop",
        user=("{config}/Claude/claude_desktop_config.json",),
        elsewhere={
            "windows": (
                "{config}/Claude/claude_desktop_config.json",
                "{LOCALAPPDATA|~/AppData/Local}/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json",
            )
        },
    ),
    McpHost(
        "claude-code",
        "Claude Code",
        user=("{CLAUDE_CONFIG_DIR|~}/.claude.json",),
        project=(".mcp.json",),
        shape=Shape(always={"type": "stdio"}, also_under=("projects", "{cwd}", "mcpServers")),
        key="${AUTOBG_API_KEY}",
        own="claude mcp add --scope {scope} autobg {env} -- {server}",
    ),
    McpHost(
        "cursor",
        "Cursor",
        user=("~/.cursor/mcp.json",),
        project=(".cursor/mcp.json",),
        key="${env:AUTOBG_API_KEY}",
    ),
    McpHost(
        "vscode",
        "VS Code",
        user=("{config}/Code/User/mcp.json",),
        project=(".vscode/mcp.json",),
        shape=_standard("servers", type="stdio"),
        own="code --add-mcp {json}",
    ),
    McpHost(
        "codex",
        "Codex",
        user=("{CODEX_HOME|~/.codex}/config.toml",),
        shape=_standard("mcp_servers", startup_timeout_sec=30, tool_timeout_sec=180),
        format="toml",
        own="codex mcp add autobg {env} -- {server}",
    ),
    McpHost(
        "gemini-cli",
        "Gemini CLI",
        user=("{GEMINI_CLI_HOME|~}/.gemini/settings.json",),
        project=(".gemini/settings.json",),
        shape=_standard(timeout=180_000),
        key="$AUTOBG_API_KEY",
        own="gemini mcp add --scope {scope} --timeout 180000 {env} autobg {server}",
    ),
    McpHost(
        "qwen-code",
        "Qwen Code",
        user=("{QWEN_HOME|~/.qwen}/settings.json",),
        project=(".qwen/settings.json",),
        shape=_standard(timeout=180_000),
        key="$AUTOBG_API_KEY",
        own="qwen mcp add --scope {scope} --timeout 180000 {env} autobg {server}",
    ),
    McpHost(
        "devin",
        "Devin Desktop (once Windsurf)",
        user=("~/.config/devin/mcp_config.json",),
        key="${env:AUTOBG_API_KEY}",
    ),
    McpHost(
        "windsurf",
        "Windsurf (old tabs of Devin Desktop)",
        user=("~/.codeium/windsurf/mcp_config.json",),
        key="${env:AUTOBG_API_KEY}",
    ),
    McpHost(
        "copilot-cli",
        "Copilot CLI",
        user=("{COPILOT_HOME|~/.copilot}/mcp-config.json",),
        project=(".mcp.json",),
        shape=_standard(type="local", tools=["*"], timeout=180_000),
        own="copilot mcp add --timeout 180000 {env} autobg -- {server}",
    ),
    McpHost(
        "opencode",
        "opencode",
        user=(f"{_OPENCODE}/opencode.json", f"{_OPENCODE}/opencode.jsonc"),
        project=("opencode.json", "opencode.jsonc"),
        shape=Shape(
            ("mcp",), "command", None, "environment", {"type": "local", "enabled": True, "timeout": 180_000}
        ),
        key="{env:AUTOBG_API_KEY}",
        own="opencode mcp add autobg {env} -- {server}",
    ),
    McpHost(
        "zed",
        "Zed",
        user=("{XDG_CONFIG_HOME|~/.config}/zed/settings.json",),
        project=(".zed/settings.json",),
        elsewhere={"macos": ("~/.config/zed/settings.json",), "windows": ("{config}/Zed/settings.json",)},
        shape=_standard("context_servers"),
    ),
    McpHost(
        "cline",
        "Cline",
        user=(
            "{CLINE_DIR|~/.cline}/data/settings/cline_mcp_settings.json",
            f"{_CODE_STORAGE}/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
        shape=_standard(timeout=180),
    ),
    McpHost(
        "kilo-code",
        "Kilo Code",
        user=(f"{_CODE_STORAGE}/kilocode.kilo-code/settings/mcp_settings.json",),
        project=(".kilocode/mcp.json",),
        shape=_standard(timeout=180),
    ),
    McpHost(
        "kiro",
        "Kiro",
        user=("~/.kiro/settings/mcp.json",),
        project=(".kiro/settings/mcp.json",),
        key="${AUTOBG_API_KEY}",
    ),
    McpHost(
        "goose",
        "Goose",
        user=("{XDG_CONFIG_HOME|~/.config}/goose/config.yaml",),
        elsewhere={
            "macos": ("~/.config/goose/config.yaml",),
            "windows": ("{config}/Block/goose/config/config.yaml",),
        },
        shape=Shape(
            ("extensions",),
            "cmd",
            "args",
            "envs",
            {"name": "autobg", "type": "stdio", "enabled": True, "timeout": 300},
        ),
        format="yaml",
    ),
    McpHost("lm-studio", "LM Studio", user=("~/.lmstudio/mcp.json",)),
    McpHost("junie", "Junie in JetBrains", user=("~/.junie/mcp/mcp.json",), project=(".junie/mcp/mcp.json",)),
    McpHost("warp", "Warp", user=("~/.warp/.mcp.json",)),
)

HOSTS: dict[str, McpHost] = {host.name: host for host in _ALL}
"""Every host by its name on the command line."""


def files(host: McpHost, scope: Scope, machine: Machine) -> list[Path]:
    """The files that a host reads for a scope on this machine, there or not; empty where it has none."""
    return [machine.path(written) for written in host.written(scope, machine.system)]
