"""Usage reports in every form the API may answer with, and files that only claim to be tables."""

import io
import zipfile
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Connect
from documented import structured, text_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient

from autobg_mcp.sandbox import SandboxOptions
from autobg_mcp.tools.spreadsheet import Row, number_or_text, rows_of

anyio = pytest.mark.anyio
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
USAGE = ("getUserUsage", {"reportOption": "Today"})


@pytest.fixture
async def spent(connect: Connect, photos: Path) -> AsyncGenerator[McpClient]:
    """A host whose account has spent three credits today."""
    links = [f"https://cars.example/{number}.jpg" for number in range(3)]
    arguments = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    async with connect() as host:
        structured(await host.call_tool("uploadS3UrlsWithoutTemplate", arguments))
        yield host


@anyio
@pytest.mark.parametrize(
    "sandbox_options", [SandboxOptions(usage_form="xlsx"), SandboxOptions(usage_form="csv")]
)
async def test_a_table_is_saved_and_its_rows_are_summed_up(spent: McpClient, tmp_path: Path) -> None:
    usage = structured(await spent.call_tool(*USAGE))
    rows, [saved] = usage["rows"], list((tmp_path / "results").rglob("usage Today*"))  # a small folder
    assert (usage["form"], usage["rowCount"], usage["file"]) == ("spreadsheet", 2, str(saved))
    assert isinstance(rows, list)
    assert rows[1] == {"Date": "Total", "Credits": 3}
    assert usage["sums"] == {"Credits": 3}


@anyio
async def test_json_is_passed_on_as_it_came(spent: McpClient) -> None:
    usage = structured(await spent.call_tool(*USAGE))
    data = usage["data"]
    assert (usage["form"], isinstance(data, dict) and data["total"]) == ("json", 3)


def workbook(sheet: str, shared: str | None = None, name: str = "xl/worksheets/sheet1.xml") -> bytes:
    """An .xlsx file with one sheet."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>")
        if shared is not None:
            archive.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{shared}</sst>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("sheet", "shared", "rows"),
    [
        ('<row><c r="A1"><v>7</v></c><c r="B1"><v>2.5</v></c></row>', None, [[7, 2.5]]),
        ('<row><c><v>7</v></c><c t="b"><v>1</v></c></row>', None, [[7, "1"]]),
        ('<row><c t="s"><v>1</v></c></row>', "<si><t>a</t></si><si><r><t>b</t></r><r><t>c</t></r></si>", [["bc"]]),
        ('<row><c t="s"><v>9</v></c><c><v>1</v></c></row>', "<si><t>a</t></si>", [[None, 1]]),
        ('<row><c t="inlineStr"><is><t>Škoda</t></is></c></row>', None, [["Škoda"]]),
        ('<row><c r="C1"><v>3</v></c></row>', None, [[None, None, 3]]),
        ('<row><c r="A1"/></row><row/><row><c r="A3"><v>1</v></c></row>', None, [[1]]),
        ('<row><c r="ZZZ1"><v>3</v></c></row>', None, []),
        ("", None, []),
    ],
)  # fmt: skip
def test_cells_are_read_where_they_stand(sheet: str, shared: str | None, rows: list[Row]) -> None:
    assert rows_of(workbook(sheet, shared)) == rows


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"Date,Credits\n01-06-2025,3\n", [["Date", "Credits"], ["01-06-2025", 3]]),
        (b"\xef\xbb\xbfDate;Credits\r\nx;3,5\r\n", [["Date", "Credits"], ["x", "3,5"]]),
        (b'a\tb\n"x\ty"\t-2.50\n\n', [["a", "b"], ["x\ty", -2.5]]),
        (b"OK", [["OK"]]),
        (b"", []),
    ],
)
def test_text_is_a_table_by_its_most_frequent_separator(content: bytes, rows: list[Row]) -> None:
    assert rows_of(content) == rows


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 broken",
        workbook("<row>")[:-30],
        workbook("<row><c><v>1</c></row>"),
        workbook("<row/>", name="docs/readme.xml"),
        workbook('<row><c r="A1"><v>' + " " * (33 * 2**20) + "</v></c></row>"),
        workbook("<row/>").replace(b"PK\x01\x02", b"PK\x09\x09"),
        b"<html><table></table></html>",
        b'{"a": 1',
        b"[1",
        b"a\x00b",
        b"\xff\xd8\xff\xe0 picture",
        b"\xd0\xcf\x11\xe0 old excel",
    ],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"spreadsheet|table|text"):
        rows_of(content)


def test_entities_are_not_unfolded() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml", '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>'
        )
    with pytest.raises(ValueError, match="entities"):
        rows_of(file.getvalue())


def test_a_long_and_wide_table_is_cut() -> None:
    rows = rows_of(",".join("1" * 300).encode() + b"\n1,2" * 10_050)
    assert (len(rows), len(rows[0])) == (10_000, 200)


@given(st.binary(max_size=400))
@example(b"PK\x03\x04")
@example(b'"' + b"x" * 200_000)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_rows_or_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        assert all(row for row in rows_of(content))


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_a_whole_number_stays_one(number: int) -> None:
    assert number_or_text(f" {number} ") == number


@pytest.mark.parametrize("text", ["1e9", "0x1", "1,5", "--1", "1.", ".5", "", "1" * 16, "inf", "nan"])
def test_what_only_resembles_a_number_stays_text(text: str) -> None:
    assert number_or_text(text) == text


@anyio
@pytest.mark.parametrize("sandbox_options", [SandboxOptions(usage_form="csv")])
async def test_a_usage_table_is_short_to_read(spent: McpClient) -> None:
    assert len(text_of(await spent.call_tool(*USAGE))) < 700
