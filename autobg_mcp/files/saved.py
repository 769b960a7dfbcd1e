"""Under which name a result is saved, and where it lies now."""

from pathlib import Path

from autobg_mcp.files.kinds import EXTENSIONS
from autobg_mcp.files.names import safe_name


def results_folder(name: str) -> str:
    """The name of a folder of results, made safe."""
    return safe_name(name, fallback="results")


def plain_name(stem: str) -> str:
    """The name of a result without its ending, made safe; a picture's ending that stands in it is left out."""
    name, dot, ending = stem.rpartition(".")
    return safe_name(name if dot and ending.lower() in {"jpeg", *EXTENSIONS.values()} else stem)


def newest_results(root: Path, *, folder: str, stem: str) -> list[Path]:
    """The files that bear the plain name of a picture's results now; empty where none was saved, or it was moved.

    Args:
        root: The folder that results are saved in. It may block.
        folder: The folder that they were saved in.
        stem: Their name.
    """
    place, name = root.expanduser().absolute() / results_folder(folder), plain_name(stem)
    paths = [place / f"{name}.{ending}" for ending in sorted(set(EXTENSIONS.values()))]
    return [path for path in paths if path.is_file() and not path.is_symlink()]
