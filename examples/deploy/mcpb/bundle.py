"""Lays out the folder that `mcpb pack` makes a bundle of: `python bundle.py FOLDER`, which must not exist yet."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MANIFEST = Path(__file__).parent / "manifest.json"
PARTS = ("pyproject.toml", "README.md", "LICENSE", "autobg_mcp", "examples/photos", "examples/branding")
"""What a wheel is built from."""


def lay_out(folder: Path) -> None:
    """Copy the manifest, its icon, and the source into a new folder.

    Raises:
        FileExistsError: The folder is there already.
    """
    folder.mkdir(parents=True)
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, folder / part)
    shutil.copy(MANIFEST, folder)
    shutil.copy(ROOT / "examples" / "icon.png", folder)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
