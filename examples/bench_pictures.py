"""What looking at and taking in large pictures costs: python examples/bench.py pictures.

A photo of 12 megapixels in every format. Each kind of work runs in a process of its own, turn by turn with Pillow's own
open, thumbnail and save. Peaks are what the work adds to the memory of the process; they need Linux (proc(5)).
"""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from interleaved import Row, milliseconds, ratio, timed
from PIL import Image

from autobg_mcp.pictures.intake import take_in
from autobg_mcp.pictures.preview import preview

SIZE_PX = (4000, 3000)
PHOTO = min(Path(__file__).with_name("photos").glob("*.jpg"))
KINDS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 92},
    "progressive.jpeg": {"quality": 92, "progressive": True},
    "png": {"compress_level": 3},
    "webp": {"quality": 85, "method": 0},
    "heic": {"quality": 80},
}
GOALS = {("preview", "jpeg"): "70 ms, 120 MB"}
STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def rows(quick: bool) -> Iterator[Row]:
    """The table's lines."""
    with tempfile.TemporaryDirectory() as folder:
        for path in drawn(Path(folder)):
            kind = path.name.partition(".")[2]
            for work in ("preview", "intake") if kind != "heic" else ("intake",):
                command = [sys.executable, __file__, str(path), work, "1" if quick else "3"]
                done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
                yield Row(
                    f"{work} of 12 megapixels, {kind}", json.loads(done.stdout), GOALS.get((work, kind), "")
                )


def drawn(folder: Path) -> Iterator[Path]:
    """The photo in every format that can be written here."""
    photo = Image.open(PHOTO).convert("RGB").resize(SIZE_PX, Image.Resampling.BICUBIC)
    photo = Image.blend(photo, Image.effect_noise(SIZE_PX, 40).convert("RGB"), 0.1)
    for kind, options in KINDS.items():
        path = folder / f"photo.{kind}"
        try:
            if kind == "heic":
                from pillow_heif import register_heif_opener  # noqa: PLC0415 - an optional extra

                register_heif_opener()
            photo.save(path, **options)
        except ImportError:
            continue
        yield path


def measured(path: Path, work: str, rounds: int) -> str:
    """Time and memory of one kind of work, beside Pillow's."""
    content = path.read_bytes()
    ours: Callable[[], object] = partial(take_in, path.name, content)
    if work == "preview":
        ours = partial(preview, content, local=True)
    contenders: dict[str, Callable[[], object]] = {"ours": ours, "Pillow": partial(shown_by_pillow, content)}
    idle_mb = _status_mb("VmRSS")
    peaks_mb = {name: peak_mb(contender) - idle_mb for name, contender in contenders.items()}
    taken = timed(contenders, rounds, warm_up=0)
    return (
        f"{milliseconds(taken, 'ours')}, {peaks_mb['ours']:.0f} MB; {ratio(taken, 'ours', 'Pillow'):.2f} times Pillow's "
        f"thumbnail, which takes {peaks_mb['Pillow']:.0f} MB"
    )


def shown_by_pillow(content: bytes) -> bytes:
    """What a few lines with Pillow do."""
    if content[4:8] == b"ftyp":
        from pillow_heif import register_heif_opener  # noqa: PLC0415

        register_heif_opener()
    file = io.BytesIO()
    image = Image.open(io.BytesIO(content))
    image.thumbnail((1024, 1024))
    image.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


def peak_mb(work: Callable[[], object]) -> float:
    """The most memory that the process has at once while it works."""
    if PEAK.exists():
        PEAK.write_text("5")
    work()
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    """A line of /proc/self/status; 0 where there is none."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
