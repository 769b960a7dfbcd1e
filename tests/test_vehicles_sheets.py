"""Manifests as people and programs write them, and files that only claim to be some."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
from fleets import sheet, vehicles_of
from pydantic import JsonValue
from test_spreadsheet import workbook as hostile_workbook

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.manifest import MOST_BYTES, read_manifest
from autobg_mcp.sandbox.workbook import workbook

A_1 = {"A": ["1.jpg"]}


@pytest.mark.parametrize(
    "content",
    [
        "vehicle,photo\nA,1.jpg\n",
        "vehicle\tphoto\nA\t1.jpg\n",
        "\ufeffVehicle ID;Photos\r\nA;1.jpg\r\n",
        "sep=;\r\nvehicle;photo\r\nA;1.jpg\r\n",
        "Fleet, June\n\nnumberPlate,File name\nA,1.jpg",
        "Kennzeichen;Bild\nA;1.jpg",
        "STOCK NO.;Image 1;Image 2\nA;1.jpg;",
        "vehicle,photo,colour\nA,1.jpg,red, and more\n",
        'vehicle,photo\n"A","1.jpg"',
        "photo,vehicle\n1.jpg,A",
        '[{"vehicle": "A", "photos": ["1.jpg"]}]',
        '{"vehicles": [{"VIN": "A", "files": "1.jpg"}]}',
        "vehicle;folder;file\nA;;1.jpg",
    ],
)
def test_a_sheet_names_the_photos_of_a_vehicle(content: str, tmp_path: Path) -> None:
    assert vehicles_of(sheet(tmp_path, content)) == A_1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_sheet_may_be_in_any_encoding_of_spreadsheets(encoding: str, tmp_path: Path) -> None:
    content = "vehicle;photo\nMÜ-1;Rück.jpg\n".encode(encoding)
    assert vehicles_of(sheet(tmp_path, content)) == {"MÜ-1": ["Rück.jpg"]}


def test_a_workbook_names_the_photos_of_a_vehicle(tmp_path: Path) -> None:
    content = workbook([["Fleet"], ["Stock no.", "Photos"], [1004, "1.jpg"]])
    assert vehicles_of(sheet(tmp_path, content, "cars.xlsx")) == {"1004": ["1.jpg"]}


@pytest.mark.parametrize(
    ("cell", "photos"),
    [
        ("1.jpg;2.jpg", ["1.jpg", "2.jpg"]),
        ("1.jpg | 2.jpg", ["1.jpg", "2.jpg"]),
        ("1.jpg\n2.jpg\r\n", ["1.jpg", "2.jpg"]),
        ("1.jpg, 2.jpeg,3.png", ["1.jpg", "2.jpeg", "3.png"]),
        ("Golf, red/1.jpg", ["Golf, red/1.jpg"]),
        ("https://a.example/1.jpg?x=1;2|3 https://a.example/2.jpg", ["https://a.example/1.jpg?x=1;2|3", "https://a.example/2.jpg"]),
    ],
)  # fmt: skip
def test_a_cell_may_name_several_photos(cell: str, photos: list[str], tmp_path: Path) -> None:
    quoted = f'vehicle\tphoto\nA\t"{cell}"\n'
    assert vehicles_of(sheet(tmp_path, quoted)) == {"A": photos}


@pytest.mark.parametrize(
    ("cell", "vehicle"),
    [
        ("1004.0", "1004"),
        ("0042", "0042"),
        ('"=""0042"""', "0042"),
        (" B-MW 1 ", "B-MW 1"),
        ("1004.5", "1004.5"),
    ],
)
def test_an_id_is_what_it_was_before_a_spreadsheet_took_it_for_a_number(
    cell: str, vehicle: str, tmp_path: Path
) -> None:
    assert list(vehicles_of(sheet(tmp_path, f"vehicle,photo\n{cell},1.jpg"))) == [vehicle]


def test_an_id_in_json_may_be_a_number(tmp_path: Path) -> None:
    content = json.dumps([{"id": 1004.0, "photos": ["1.jpg"]}, {"id": 7, "photos": ["2.jpg"]}])
    assert list(vehicles_of(sheet(tmp_path, content))) == ["1004", "7"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",1.jpg", "no vehicle is named"),
        ("A,", "no photo of “A” is named"),
        ("1.2346E+16,1.jpg", "the vehicle “1.2346E+16” is a number that a spreadsheet has shortened"),
        ("=B7,1.jpg", "a cell holds a formula and not its value"),
    ],
)
def test_a_row_that_cannot_be_read_costs_itself_alone(row: str, reason: str, tmp_path: Path) -> None:
    manifest = sheet(tmp_path, f"vehicle,photo\nZ,1.jpg\n\n{row}\nY,2.jpg\n")
    assert (list(vehicles_of(manifest)), manifest.unread) == (["Z", "Y"], {4: reason})


def test_rows_are_numbered_as_a_workbook_shows_them(tmp_path: Path) -> None:
    content = workbook([["vehicle", "photo"], ["A", "1.jpg"], [""], [5]])
    assert list(sheet(tmp_path, content, "cars.xlsx").unread) == [4]


@pytest.mark.parametrize("value", [True, {"a": 1}, [["1.jpg"]]])
def test_an_item_of_json_that_cannot_be_read_costs_itself_alone(value: JsonValue, tmp_path: Path) -> None:
    content = json.dumps([{"vehicle": "A", "photos": "1.jpg"}, {"vehicle": "B", "photos": value}, "C"])
    manifest = sheet(tmp_path, content)
    assert (vehicles_of(manifest), list(manifest.unread)) == (A_1, [2, 3])


def test_a_heading_merged_over_several_columns_heads_them_all(tmp_path: Path) -> None:
    content = "vehicle;photos;;;price\nA;1.jpg;2.jpg;3.jpg;100"
    assert vehicles_of(sheet(tmp_path, content)) == {"A": ["1.jpg", "2.jpg", "3.jpg"]}


def test_a_folder_beside_a_file_is_where_it_lies(tmp_path: Path) -> None:
    content = "vehicle;folder;file\nA;june/A;1.jpg\nB;june/B;"
    assert vehicles_of(sheet(tmp_path, content)) == {"A": ["june/A/1.jpg"], "B": ["june/B"]}


def test_columns_that_say_nothing_are_named(tmp_path: Path) -> None:
    manifest = sheet(tmp_path, "vehicle;photo;Price;Colour\nA;1.jpg;3;red")
    assert manifest.left_alone == ("Price", "Colour")


def test_of_two_columns_for_the_vehicle_the_more_telling_counts(tmp_path: Path) -> None:
    manifest = sheet(tmp_path, "VIN;Stock no.;photo\nWVW;17;1.jpg")
    assert (list(vehicles_of(manifest)), manifest.left_alone) == (["17"], ("VIN",))


def test_a_template_is_named_by_row(tmp_path: Path) -> None:
    manifest = sheet(tmp_path, "vehicle;photo;template\nA;1.jpg;77.0\nB;2.jpg;")
    assert [row.named.template for row in manifest.rows] == ["77", None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"car pictures",
        b"name,price\nA,1",
        b"vehicle,photo\n" + b"A,1.jpg\n" * 100_000,
        b"vehicle,photo\n" + b"x" * MOST_BYTES,
        b'vehicle,photo\nA,"' + b"x" * 200_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"vehicles":' * 10_000,
        b'[{"vehicle":"A","photos":' + b"[" * 10_000,
        b"[" + b"{}," * 300_000 + b"{}]",
        b'[{"vehicle": ' + b"9" * 5000 + b"}]",
        b'{"cars": 1}',
        b"[1, 2]",
        b"\xff\xd8\xff\xe0 picture",
        b"%PDF-1.7",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old",
        b"\x00\x01\x02\x03",
        b"\xff\xfe\x00",
        b"PK\x03\x04 broken",
        hostile_workbook('<row><c r="A1"><v>' + " " * (33 * 2**20) + "</v></c></row>"),
        hostile_workbook("<row/>", method=zipfile.ZIP_BZIP2),
        hostile_workbook('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"is no manifest|bytes that are read"):
        sheet(tmp_path, content)


def test_a_manifest_lies_inside_the_fence(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "cars.csv").write_text("vehicle,photo\nA,1.jpg")
    (tmp_path / "inside" / "linked.csv").symlink_to(tmp_path / "cars.csv")
    for name in (str(tmp_path / "cars.csv"), "../cars.csv", "linked.csv"):
        with pytest.raises(FileRefusedError, match=r"lies outside|no such file|link"):
            read_manifest(Fence([tmp_path / "inside"]), name)


def test_without_its_reader_a_workbook_is_refused_and_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(FileRefusedError) as refusal:
        sheet(tmp_path, workbook([["vehicle", "photo"], ["A", "1.jpg"]]), "cars.xlsx")
    assert "autobg-mcp[xlsx]" in refusal.value.next_step
