"""Results on disk: whole or not at all, never in place of another file, the same call twice makes one file."""

import errno
import hashlib
import io
import os
import sys
import unicodedata
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_drawn import coded, quartered, zipped

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files import outbox as outbox_module
from autobg_mcp.files.names import safe_name
from autobg_mcp.files.outbox import Outbox

CAR = coded(quartered())
OTHER_CAR = coded(quartered(), quality=10)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "results")


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("1.jpg", CAR)
    return file.getvalue()


def test_a_result_is_described_as_it_lies_on_disk(outbox: Outbox, tmp_path: Path) -> None:
    saved = outbox.save(CAR, folder="1004", stem="12_front.jpg", size_px=(64, 48))

    assert Path(saved.path).read_bytes() == CAR
    assert saved == outbox_module.SavedFile(
        path=str(tmp_path / "results/1004/12_front.jpg"),
        mime="image/jpeg",
        size_bytes=len(CAR),
        width_px=64,
        height_px=48,
        sha256=hashlib.sha256(CAR).hexdigest(),
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_results_and_the_folders_made_for_them_are_their_owners_alone(tmp_path: Path) -> None:
    saved = Path(Outbox(tmp_path / "new" / "results").save(CAR, folder="1004", stem="12").path)
    made = (saved, saved.parent, saved.parents[1], saved.parents[2])
    assert [oct(path.stat().st_mode & 0o777) for path in made] == ["0o600", "0o700", "0o700", "0o700"]


ENDINGS = {
    "front.jpg": CAR,
    "front.png": coded(quartered(), "PNG"),
    "front.webp": coded(quartered(), "WEBP"),
    "front.gif": coded(quartered(), "GIF"),
    "front.xlsx": zipped({"xl/workbook.xml": b"<workbook/>"}),
    "front.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(8),
    "front.zip": archive(),
    "front.json": b'\n[{"picID": 1}]\n',
    "front.csv": b"\xef\xbb\xbfdate;credits\n2025-01-01;3\n",
    "front.txt": b"nothing to report",
    "front.html": b"<html></html>",
    "front.pdf": b"%PDF-1.4",
    "front.bin": b"\0\1\2\3",
}


@pytest.mark.parametrize(("name", "content"), ENDINGS.items(), ids=ENDINGS)
def test_the_ending_tells_what_the_bytes_are(name: str, content: bytes, outbox: Outbox) -> None:
    assert Path(outbox.save(content, folder="1004", stem="front.jpeg").path).name == name


def test_a_damaged_picture_is_kept_without_a_size(outbox: Outbox) -> None:
    saved = outbox.save(CAR[:10], folder="1004", stem="front")

    assert (saved.mime, saved.width_px, saved.height_px) == ("image/jpeg", None, None)


def test_saving_the_same_again_makes_no_second_file(outbox: Outbox, tmp_path: Path) -> None:
    first, second = (outbox.save(CAR, folder="1004", stem="front") for _ in range(2))

    assert (second, files(tmp_path)) == (first, ["results/1004/front.jpg"])


def test_another_result_of_the_same_name_stands_beside_the_first(outbox: Outbox, tmp_path: Path) -> None:
    for content in (CAR, OTHER_CAR, CAR + b"\0", OTHER_CAR):
        outbox.save(content, folder="1004", stem="front")

    assert files(tmp_path / "results/1004") == ["front-2.jpg", "front-3.jpg", "front.jpg"]


def test_a_file_of_the_same_size_with_other_bytes_is_left_alone(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "results/1004").mkdir(parents=True)
    (tmp_path / "results/1004/front.jpg").write_bytes(bytes(len(CAR)))

    outbox.save(CAR, folder="1004", stem="front")

    assert (tmp_path / "results/1004/front.jpg").read_bytes() == bytes(len(CAR))


def test_many_at_once_get_a_file_each(outbox: Outbox, tmp_path: Path) -> None:
    contents = [CAR + bytes((number,)) for number in range(8)] * 2

    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda each: outbox.save(each, folder="1004", stem="front"), contents))

    assert len(files(tmp_path)) == len({each.path for each in saved}) == 8


def test_names_run_out_in_the_end(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "_MOST_NAMESAKES", 3)
    outbox.save(CAR, folder="1004", stem="front")
    outbox.save(OTHER_CAR, folder="1004", stem="front")

    with pytest.raises(FileRefusedError, match="“front”"):
        outbox.save(CAR + b"third", folder="1004", stem="front")


class TestAnEarlierResult:
    """Of the same picture: it gives up its name, and nothing is lost."""

    @pytest.fixture
    def earlier(self, outbox: Outbox) -> list[str]:
        return [outbox.save(CAR, folder="1004", stem="front").sha256]

    def test_gives_up_the_plain_name(self, outbox: Outbox, earlier: list[str], tmp_path: Path) -> None:
        saved = [outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier) for _ in range(2)]
        assert [Path(one.path).name for one in saved] == ["front.jpg", "front.jpg"]
        assert files(tmp_path / "results/1004") == ["front.jpg", "superseded/front.jpg"]
        assert (tmp_path / "results/1004/superseded/front.jpg").read_bytes() == CAR

    def test_of_another_kind_gives_it_up_too(
        self, outbox: Outbox, earlier: list[str], tmp_path: Path
    ) -> None:
        outbox.save(coded(quartered(), "PNG"), folder="1004", stem="front", earlier=earlier)
        assert files(tmp_path / "results/1004") == ["front.png", "superseded/front.jpg"]

    @pytest.mark.usefixtures("earlier")
    def test_stays_where_it_is_no_file_of_the_picture(self, outbox: Outbox, tmp_path: Path) -> None:
        outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=["0" * 64])
        assert files(tmp_path / "results/1004") == ["front-2.jpg", "front.jpg"]

    def test_beside_a_users_file_gives_up_the_name_it_has(
        self, outbox: Outbox, earlier: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "results/1004/front.jpg").write_bytes(b"retouched")
        outbox.save(CAR, folder="1004", stem="front", earlier=[])
        outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
        kept = files(tmp_path / "results/1004")
        assert kept == ["front-2.jpg", "front.jpg", "superseded/front.jpg"]
        assert (tmp_path / "results/1004/front.jpg").read_bytes() == b"retouched"

    @pytest.mark.parametrize("step", ["mkdir", "fsync", "replace"])
    def test_is_not_lost_whatever_step_a_crash_comes_at(
        self, step: str, outbox: Outbox, earlier: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(os, step, without_links)
            with pytest.raises(FileRefusedError):
                outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
        assert (tmp_path / "results/1004/front.jpg").read_bytes() == CAR
        outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
        assert files(tmp_path / "results/1004") == ["front.jpg", "superseded/front.jpg"]

    def test_changed_at_the_last_moment_stays(
        self, outbox: Outbox, earlier: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path, link = tmp_path / "results/1004/front.jpg", os.link

        def touched(*names: str, src_dir_fd: int, dst_dir_fd: int) -> None:
            path.write_bytes(b"retouched")
            link(*names, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        monkeypatch.setattr(os, "link", touched)
        saved = outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
        assert (Path(saved.path).name, path.read_bytes()) == ("front-2.jpg", b"retouched")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
    def test_is_put_into_no_folder_behind_a_link(
        self, outbox: Outbox, earlier: list[str], tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "results/1004/superseded").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(FileRefusedError):
            outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
        assert files(tmp_path) == ["results/1004/front.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_in_place_of_a_file_is_not_followed(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "results/1004").mkdir(parents=True)
    (tmp_path / "results/1004/front.jpg").symlink_to(tmp_path / "elsewhere.jpg")

    saved = outbox.save(CAR, folder="1004", stem="front")

    assert (Path(saved.path).name, files(tmp_path)) == ("front-2.jpg", ["results/1004/front-2.jpg"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_to_the_same_picture_is_not_taken_for_the_result(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "results/1004").mkdir(parents=True)
    (tmp_path / "elsewhere.jpg").write_bytes(CAR)
    (tmp_path / "results/1004/front.jpg").symlink_to(tmp_path / "elsewhere.jpg")

    saved = outbox.save(CAR, folder="1004", stem="front")

    assert Path(saved.path).name == "front-2.jpg"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_in_place_of_a_folder_is_not_followed(outbox: Outbox, tmp_path: Path) -> None:
    for folder in ("results", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "results/1004").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileRefusedError, match="AUTOBG_OUTPUT_DIR"):
        outbox.save(CAR, folder="1004", stem="front")

    assert not files(tmp_path)


def test_a_file_in_place_of_the_folder_is_told(outbox: Outbox, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("not a folder")

    with pytest.raises(FileRefusedError, match="AUTOBG_OUTPUT_DIR"):
        outbox.save(CAR, folder="1004", stem="front")


def test_a_result_too_large_is_refused(outbox: Outbox) -> None:
    with pytest.raises(FileRefusedError, match="has 67,108,865 bytes, more than the 67,108,864"):
        outbox.save(bytes(64 * 2**20 + 1), folder="1004", stem="front")


def test_a_full_disk_leaves_nothing_behind(
    outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(FileRefusedError, match=r"AUTOBG_OUTPUT_DIR.*No space left on device"):
        outbox.save(CAR, folder="1004", stem="front")

    assert not files(tmp_path)


def without_links(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_an_earlier_result_gives_up_its_name_where_there_are_no_links(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "link", without_links)
    earlier = [outbox.save(CAR, folder="1004", stem="front").sha256]
    outbox.save(OTHER_CAR, folder="1004", stem="front", earlier=earlier)
    assert files(tmp_path / "results/1004") == ["front.jpg", "superseded/front.jpg"]


def test_a_file_system_without_links_will_do(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "link", without_links)

    for content in (CAR, OTHER_CAR, CAR):
        outbox.save(content, folder="1004", stem="front")

    assert files(tmp_path / "results/1004") == ["front-2.jpg", "front.jpg"]
    assert (tmp_path / "results/1004/front.jpg").read_bytes() == CAR


@pytest.mark.parametrize("links", [True, False])
def test_a_name_taken_meanwhile_is_not_overwritten(
    links: bool, outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link if links else without_links

    def too_late(*names: str, src_dir_fd: int, dst_dir_fd: int) -> None:
        monkeypatch.setattr(os, "link", link)
        (tmp_path / "results/1004/front.jpg").write_text("first")
        link(*names, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", too_late)

    saved = outbox.save(CAR, folder="1004", stem="front")

    assert (Path(saved.path).name, files(tmp_path / "results/1004")) == (
        "front-2.jpg",
        ["front-2.jpg", "front.jpg"],
    )


@given(st.text(st.characters() | st.sampled_from('./\\:*?"<>|~- \0\n'), max_size=300))
def test_any_name_becomes_one_safe_component(text: str) -> None:
    name = safe_name(text)

    assert name == safe_name(name) == unicodedata.normalize("NFC", name)
    assert 0 < len(name) <= 101
    assert len(name.encode()) <= 201
    assert not set(name) & set('/\\:*?"<>|')
    assert name.isprintable()
    assert name[0] not in " .-~"
    assert name[-1] not in " ."


@given(folder=st.text(st.characters(), max_size=120), stem=st.text(st.characters(), max_size=120))
def test_any_result_lies_one_folder_below_the_outbox(
    folder: str, stem: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.getbasetemp() / "anything"

    saved = Path(Outbox(root).save(b"text", folder=folder, stem=stem).path)

    assert saved.read_bytes() == b"text"
    assert saved.resolve().parent.parent == root.resolve()
