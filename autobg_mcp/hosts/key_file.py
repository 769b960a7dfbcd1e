"""The file that holds the API key where a host cannot refer to a variable: made for its owner alone, never overwritten."""

import os
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.text import local_path


def make_key_file(path: Path, key: str) -> bool:
    """Make the file with mode 0600; answers whether it was made, since one that is there stays as it is.

    Args:
        path: Where it is to be.
        key: What is to stand in it; empty leaves it to the person.

    Raises:
        FileRefusedError: It cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        _fill(path, descriptor, key)
    except FileExistsError:
        return False
    except OSError as error:
        raise FileRefusedError(
            f"The key file {local_path(path)} cannot be made: {error.strerror}.",
            next_step="Name another place with --key-file.",
        ) from None
    return True


def _fill(path: Path, descriptor: int, key: str) -> None:
    """Write the key, or leave no file: one that holds half a key would stay for good."""
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{key}\n" if key else "")
    except OSError:
        path.unlink(missing_ok=True)
        raise


def is_filled(path: Path) -> bool:
    """Whether something stands in the file."""
    try:
        return path.is_file() and bool(path.read_bytes().strip())
    except OSError:
        return False
