"""This very installation, as a person types it: what starts it, and what adds an extra to it.

Neither name has to be on a path, and no other Python, or package of the same name, can be meant.
"""

import shlex
import sys
from pathlib import Path


def start_command() -> tuple[str, ...]:
    """The words that start it from anywhere: the command beside this Python, else this Python itself.

    The latter with `-P`, since a project's folder may hold modules of any name.
    """
    script = Path(sys.executable).with_name("autobg-mcp.exe" if sys.platform == "win32" else "autobg-mcp")
    return (str(script),) if script.is_file() else (sys.executable, "-P", "-m", "autobg_mcp")


def started_with(*words: str) -> str:
    """The line that starts it with these words, as this system's shell takes it."""
    return _typed((*start_command(), *words))


def adding(extra: str) -> str:
    """The line that installs one of its extras, such as `heic`."""
    return _typed((sys.executable, "-m", "pip", "install", f"autobg-mcp[{extra}]"))


def _typed(words: tuple[str, ...]) -> str:
    if sys.platform == "win32":
        import subprocess  # noqa: PLC0415 - which no other system needs for that

        return subprocess.list2cmdline(words)
    return shlex.join(words)
