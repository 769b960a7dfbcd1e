"""What a person hears where a library is missing that one host's file takes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from autobg_mcp.errors import ConfigurationError


@contextmanager
def told_what_to_install(library: str, language: str) -> Iterator[None]:
    """Import a library of the extra `config` in this block.

    Args:
        library: What it is called where it is installed from.
        language: What it reads.

    Raises:
        ConfigurationError: It is not installed; the next step is the command that does it.
    """
    try:
        yield
    except ImportError:
        raise ConfigurationError(
            f"This host's file is written in {language}, which takes a library that is not installed: {library}.",
            next_step=f'Install it: "{sys.executable}" -m pip install {library}',
        ) from None
