"""Usage reports in every form the API may answer with, and files that only claim to be tables."""

import io
import sys
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

from autobg_mcp.files.spreadsheet import Row, number_or_text, table_in
from autobg_mcp.sandbox import SandboxOptions
from autobg_mcp.sandbox.workbook import workbook as written

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
    assert isinstance(rows[1], dict)
    assert (rows[1]["batchId"], rows[1]["creditsDeducted"]) == ("Total", 3)
    assert usage["sums"] == {"creditsDeducted": 3}


@anyio
async def test_json_is_passed_on_as_it_came(spent: McpClient) -> None:
    usage = structured(await spent.call_tool(*USAGE))
    data = usage["data"]
    assert (usage["form"], isinstance(data, dict) and data["total"]) == ("json", 3)


SHARED_LINK = (
    '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"'
    ' Target="sharedStrings.xml"/></Relationships>'
)


def workbook(sheet: str, shared: str = "", *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An .xlsx file with one sheet of these rows, and these shared texts."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(written([["x"]]))) as usual,
        zipfile.ZipFile(file, "w", method) as archive,
    ):
        parts = {name: usual.read(name).decode() for name in usual.namelist()}
        parts["xl/worksheets/sheet1.xml"] = f"<worksheet {MAIN}><sheetData>{sheet}</sheetData></worksheet>"
        parts["xl/sharedStrings.xml"] = f"<sst {MAIN}>{shared}</sst>"
        links = "xl/_rels/workbook.xml.rels"
        parts[links] = parts[links].replace("</Relationships>", SHARED_LINK)
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


@pytest.mark.parametrize(
    ("sheet", "shared", "rows"),
    [
        ('<row><c r="A1"><v>7</v></c><c r="B1"><v>2.5</v></c></row>', "", [[7, 2.5]]),
        ('<row><c r="A1"><v>7</v></c><c r="B1" t="b"><v>1</v></c></row>', "", [[7, True]]),
        ('<row><c r="A1"><v>7</v></c><c r="B1" t="e"><v>#DIV/0!</v></c></row>', "", [[7, None]]),
        ('<row><c r="A1" t="d"><v>2025-06-01T00:00:00</v></c></row>', "", [["2025-06-01T00:00:00"]]),
        ('<row><c r="A1"><v>1e300</v></c><c r="B1"><v>12345678901234</v></c></row>', "", [[1e300, 12345678901234]]),
        ('<row><c r="A1" t="s"><v>1</v></c></row>', "<si><t>a</t></si><si><r><t>b</t></r><r><t>c</t></r></si>", [["bc"]]),
        ('<row><c r="A1" t="inlineStr"><is><t> Škoda </t></is></c></row>', "", [["Škoda"]]),
        ('<row><c r="A1"/></row><row/><row><c r="A3"><v>1</v></c></row>', "", [[1]]),
        ('<row><c r="A1"><v>1</v></c></row><row r="3"><c r="C3"><v>3</v></c></row>', "", [[1, None, None], [None, None, 3]]),
        ("", "", []),
    ],
)  # fmt: skip
def test_cells_are_read_where_they_stand(sheet: str, shared: str, rows: list[Row]) -> None:
    assert table_in(workbook(sheet, shared)).rows == rows


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
    assert table_in(content).rows == rows


FAR_APART = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
MANY_TIMES = (
    "<row>" + '<c t="s"><v>0</v></c>' * 100_000 + "</row>",
    f"<si><t>{'words ' * 1_000_000}</t></si>",
)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 broken",
        workbook("<row/>")[:-30],
        workbook('<row><c r="A1"><v>1</c></row>'),
        workbook('<row><c r="A1"><v>' + " " * (33 * 2**20) + "</v></c></row>"),
        workbook("<row/>").replace(b"PK\x01\x02", b"PK\x09\x09"),
        workbook("<row/>", method=zipfile.ZIP_BZIP2),
        workbook(FAR_APART),
        workbook(*MANY_TIMES),
        workbook('<row><c r="A1" t="s"><v>9</v></c></row>'),
        b"<html><table></table></html>",
        b'{"a": 1',
        b"[1",
        b"a\x00b",
        b"a,b\n" * (3 * 2**20),
        b"\xff\xd8\xff\xe0 picture",
        b"\xd0\xcf\x11\xe0 old excel",
    ],
)
def test_what_is_no_table_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"spreadsheet|table|text"):
        table_in(content)


def test_a_long_and_wide_table_is_cut() -> None:
    table = table_in(",".join("1" * 300).encode() + b"\n1,2" * 10_050)
    assert (len(table.rows), len(table.rows[0]), table.whole) == (10_000, 200, False)


def test_a_long_and_wide_sheet_is_cut() -> None:
    row = "".join("<c><v>1</v></c>" for _ in range(300))
    table = table_in(workbook(f"<row>{row}</row>" * 2000))
    assert (len(table.rows), len(table.rows[0]), table.whole) == (1000, 200, False)


@given(st.binary(max_size=400))
@example(b"PK\x03\x04")
@example(b'"' + b"x" * 200_000)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_rows_or_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        assert all(row for row in table_in(content).rows)


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


@anyio
@pytest.mark.parametrize("sandbox_options", [SandboxOptions(usage_form="xlsx")])
async def test_without_its_reader_a_workbook_is_saved_and_the_extra_is_named(
    spent: McpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    usage = structured(await spent.call_tool(*USAGE))
    assert usage["form"] == "spreadsheet, not read"
    assert Path(str(usage["file"])).suffix == ".xlsx"
    assert "autobg-mcp[xlsx]" in str(usage["next"])
