"""The cases of path_cases.txt: which files are read, how results are named, which addresses are fetched."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from autobg_mcp.api.links import public_address
from autobg_mcp.errors import FileRefusedError, LinkRefusedError
from autobg_mcp.files import fence as fence_module
from autobg_mcp.files import search
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.handles import path_of
from autobg_mcp.files.outbox import Outbox

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the world has /proc and names that others refuse"
)

FILES = {
    "photos/car.jpg": "",
    "photos/both.jpg": "",
    "photos/IMG_1.JPG": "",
    "photos/red car.jpg": "",
    "photos/-rf.jpg": "",
    "photos/~car.jpg": "",
    "photos/.hidden.jpg": "",
    "photos/.cache/cached.jpg": "",
    "photos/notes.txt": "",
    "photos/two\nlines.jpg": "",
    "photos/back\\slash.jpg": "",
    "photos/\U0001f697.jpg": "",
    "photos/latin\udce9.jpg": "photos/latin.jpg",
    "photos/gone.jpg (deleted)": "",
    "photos/odd [1].jpg": "",
    "photos/star*.jpg": "photos/star.jpg",
    "photos/set [a]/inner.jpg": "",
    "photos/Gr\u00f6\u00dfe.jpg": "photos/composed",
    "photos/Cafe\u0301.jpg": "photos/decomposed",
    "photos/Shot 9.41\u202fPM.jpg": "photos/narrow",
    "photos/Ann\u2019s car.jpg": "photos/apostrophe",
    "photos/GT\u201340.jpg": "photos/dash",
    "photos/100%.jpg": "photos/percent",
    "photos/as%20stored.jpg": "photos/stored encoded",
    "photos/as stored.jpg": "",
    "photos/%s.jpg" % ("\u8f66" * 30): "photos/thirty",
    "photos/two.jpg": "",
    "photos/@two.jpg": "",
    **{f"photos/{twin}.jpg": "" for twin in ("Pair", "pair")},
    **{f"photos/{place}.jpg": "" for place in ("Bay/only", "bay/other")},
    "photos/sub/deep.jpg": "",
    "photos/sub/deep.png": "",
    "photos/sub/under/deeper.png": "",
    "photos/texts/readme.txt": "",
    **{
        f"photos/kinds/{name}": ""
        for name in ("a.jpeg", "b.PNG", "c.webp", "d.heic", "e.HEIF", "f.tif", ".g.jpg")
    },
    **{f"more/{name}.jpg": "" for name in ("second", "both", "shot1", "shot2", "shot10")},
    "real/inside.jpg": "",
    "real-2/other.jpg": "",
    "secret/photo.jpg": "",
    **{f"{twin}/twin.jpg": "" for twin in ("photos-evil", "photos2", "photo", "photos ", "photos.")},
    "PHOTOS/case.jpg": "",
}
LINKS = {
    "linked": "real",
    "photos/link_in.jpg": "car.jpg",
    "photos/link_more.jpg": "../more/second.jpg",
    "photos/link_back.jpg": "../secret/../photos/car.jpg",
    "photos/link_sub": "sub",
    "photos/link_deep": "sub/under",
    "photos/link_out.jpg": "../secret/photo.jpg",
    "photos/link_chain.jpg": "link_out.jpg",
    "photos/link_abs.jpg": "/etc/passwd",
    "photos/link_out_dir": "../secret",
    "photos/link_up": "..",
    "photos/link_twin.jpg": "../photos-evil/twin.jpg",
    "photos/loop.jpg": "loop.jpg",
    "photos/ping.jpg": "pong.jpg",
    "photos/pong.jpg": "ping.jpg",
    "photos/dangling.jpg": "nowhere.jpg",
    "photos/dangling_out.jpg": "../secret/nowhere.jpg",
    "photos/link_zero.jpg": "/dev/zero",
    "photos/link_tty.jpg": "/dev/tty",
    "photos/link_environ.jpg": "/proc/self/environ",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders inside and outside the fence; each file says where it was written."""
    root = tmp_path_factory.mktemp("world").resolve()
    for name, says in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(says or name, "utf-8")
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    (root / "photos/empty").mkdir()
    os.mkfifo(root / "photos/pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "photos/socket.jpg"))
    (root / "photos/hard.jpg").hardlink_to(root / "photos/car.jpg")
    return root


class Case(NamedTuple):
    section: str
    asked: str
    expected: str


def cases(*sections: str) -> pytest.MarkDecorator:
    section, found = "", []
    for line in Path(__file__).with_name("path_cases.txt").read_text("ascii").splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif line and not line.startswith("#") and section.startswith(sections):
            claim, *columns = (column.strip(" ") for column in line.split("|"))
            asked, expected = (column.encode().decode("unicode_escape") for column in columns)
            found.append(pytest.param(Case(section, asked, expected), id=f"{section} - {claim}"))
    return pytest.mark.parametrize("case", found)


def says(fence: Fence, path: Path) -> str:
    with fence.open(path) as file:
        return file.read().decode()


def read(fence: Fence, names: list[str]) -> str:
    """What the named files say, or why they are not read."""
    try:
        paths = fence.find(names).paths
        return ", ".join(says(fence, path) for path in paths)
    except FileRefusedError as error:
        return f"refused: {error}"


def fence_of(section: str, world: Path) -> Fence:
    folders = {"fenced": ["photos", "more", "linked"], "missing": ["absent"]}.get(section, [])
    return Fence([world / folder for folder in folders], unfenced=section == "unfenced")


@on_linux
@cases("fenced", "unset", "missing", "unfenced")
def test_a_path_is_read_only_inside_the_fence(
    case: Case, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    answer = read(fence_of(case.section, world), case.asked.replace("{w}", str(world)).split(" ; "))

    assert answer == case.expected or (answer.startswith("refused") and case.expected in answer)


@on_linux
@pytest.mark.parametrize("name", ["pipe.jpg", "socket.jpg", "sub"])
def test_what_is_no_file_is_not_even_opened(name: str, world: Path) -> None:
    with pytest.raises(FileRefusedError, match="not a regular file"):
        Fence([world / "photos"]).open(world / "photos" / name)


@on_linux
def test_a_search_ends_in_a_forest_of_files(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MOST_ENTRIES", 30)

    assert "more than 30 files and folders" in read(Fence([world / "photos"]), ["**/deep.jpg"])


@on_linux
def test_a_handle_whose_place_nobody_knows_lies_outside(yard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence_module, "path_of", lambda _: path_of(-1))

    assert "changed while it was opened" in read(Fence([yard / "photos"]), ["sub/car.jpg"])


@cases("saved as")
def test_a_result_gets_a_name_that_every_system_accepts(case: Case, tmp_path: Path) -> None:
    saved = Outbox(tmp_path).save(b"\xff\xd8\xff\xd9", folder=case.asked, stem=case.asked)

    place = Path(saved.path)
    assert (place.name, place.parent.parent) == (case.expected, tmp_path)


@cases("fetched")
def test_a_link_is_fetched_only_over_https_from_a_public_address(case: Case) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        plain = host.replace(":", "").replace(".", "").isdigit() or ":" in host
        found = [host] if plain else case.section.split(" lead to ")[1].split()
        if found == ["nowhere"]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    try:
        target = public_address(case.asked, resolve=resolve)
        answer = f"{target.ip} {target.host}:{target.port}"
    except LinkRefusedError as error:
        answer = str(error)
    assert answer == case.expected or (case.expected in answer and case.expected[0].isalpha())


@contextmanager
def swapping(*steps: Callable[[], object]) -> Iterator[None]:
    """Takes the steps in turn, over and over, in another thread."""
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for step in steps:
                step()

    thread = threading.Thread(target=swap)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sys.setswitchinterval(interval_s)


def tries(*, most: int = 4000, most_s: float = 0.6) -> Iterator[int]:
    until = time.monotonic() + most_s
    for number in range(most):
        if time.monotonic() > until:
            return
        yield number


def pointed(link: Path, target: str) -> Callable[[], None]:
    """A step that makes `link` lead to `target` without a moment in which it is missing."""

    def point() -> None:
        fresh = link.with_name(f"fresh-{target.replace('/', '-')}")
        fresh.symlink_to(target)
        fresh.replace(link)

    return point


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    """A fence with a folder in it, and a folder of the same files beside it."""
    for folder in ("photos/sub", "secret"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "car.jpg").write_text(folder)
    return tmp_path


def said(fence: Fence, path: Path) -> set[str]:
    """Whatever many tries read at `path`."""
    answers = set()
    for _ in tries():
        try:
            answers.add(says(fence, path))
        except FileRefusedError:
            answers.add("refused")
    return answers


@on_linux
def test_a_link_swapped_while_it_is_opened_never_leads_outside(yard: Path) -> None:
    link = yard / "photos/link.jpg"

    with swapping(pointed(link, "sub/car.jpg"), pointed(link, "../secret/car.jpg")):
        answers = said(Fence([yard / "photos"]), link)

    assert answers <= {"photos/sub", "refused"}


@on_linux
def test_a_folder_swapped_while_a_file_in_it_is_opened_never_leads_outside(yard: Path) -> None:
    folder, aside = yard / "photos/sub", yard / "photos/aside"

    def swap() -> None:
        folder.rename(aside)
        folder.symlink_to("../secret")
        folder.unlink()
        aside.rename(folder)

    with swapping(swap):
        answers = said(Fence([yard / "photos"]), folder / "car.jpg")

    assert answers <= {"photos/sub", "refused"}


@on_linux
def test_a_file_swapped_for_a_pipe_while_it_is_opened_blocks_nothing(yard: Path) -> None:
    path, pipe = yard / "photos/car.jpg", yard / "photos/pipe"

    def write() -> None:
        fresh = path.with_name("fresh")
        fresh.write_text("photos/sub")
        fresh.replace(path)

    def plug() -> None:
        os.mkfifo(pipe)
        pipe.replace(path)

    with swapping(write, plug):
        answers = said(Fence([yard / "photos"]), path)

    assert answers <= {"photos/sub", "refused"}


@on_linux
@pytest.mark.parametrize("swapped", ["photos/sub", "photos/sub/car.jpg"])
def test_a_swap_between_the_check_and_the_opening_is_noticed(
    swapped: str, yard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file = os.open

    def swap_and_open(path: str, flags: int) -> int:
        (yard / swapped).rename(yard / "aside")
        (yard / swapped).symlink_to(yard / swapped.replace("photos/sub", "secret"))
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", swap_and_open)

    with pytest.raises(FileRefusedError, match=r"changed while it was opened|Too many levels"):
        Fence([yard / "photos"]).open(yard / "photos/sub/car.jpg")


@on_linux
def test_a_folder_swapped_while_it_is_listed_never_lists_outside(yard: Path) -> None:
    (yard / "secret/hidden.jpg").touch()
    folder = yard / "photos/link"
    fence = Fence([yard / "photos"])
    listed: set[str] = set()

    with swapping(pointed(folder, "sub"), pointed(folder, "../secret")):
        for _ in tries():
            try:
                listed |= {entry.name for entry in fence._listing(folder, 9, is_plain=False).entries}
            except FileRefusedError:
                continue

    assert listed <= {"car.jpg"}
