"""Where hosts keep their files: paths as the table writes them, for a person's home on each operating system."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

System = Literal["linux", "macos", "windows"]

_CONFIG: dict[System, str] = {
    "linux": "{XDG_CONFIG_HOME|~/.config}",
    "macos": "~/Library/Application Support",
    "windows": "{APPDATA|~/AppData/Roaming}",
}
"""Where programs with windows keep a user's configuration."""

_VARIABLE = re.compile(r"\{([A-Z_]+)\|([^}]*)\}")


@dataclass(frozen=True)
class Machine:
    """A person's machine as hosts see it.

    Attributes:
        home: The person's home folder.
        cwd: The folder of the project that is worked on.
        system: The operating system.
        variables: The environment, which moves some hosts' folders.
    """

    home: Path
    cwd: Path
    system: System
    variables: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """This machine for this user, also where they have no home or this process's folder was removed."""
        systems: dict[str, System] = {"win32": "windows", "darwin": "macos"}
        home = Path(os.path.expanduser("~"))  # noqa: PTH111  # pathlib's raises where there is none
        try:
            cwd = Path.cwd()
        except FileNotFoundError:
            cwd = home
        return cls(home, cwd, systems.get(sys.platform, "linux"), os.environ)

    def path(self, written: str) -> Path:
        """A path of the table on this machine.

        Args:
            written: `~` is the home folder, `{config}` where programs with windows keep their configuration,
                `{NAME|otherwise}` the folder that a variable names, and what begins with none of them lies in the project.
        """
        text = written.replace("{config}", _CONFIG[self.system])
        text = _VARIABLE.sub(lambda found: self.variables.get(found[1]) or found[2], text)
        if text == "~" or text.startswith("~/"):
            return self.home / text[2:]
        return self.cwd / text
