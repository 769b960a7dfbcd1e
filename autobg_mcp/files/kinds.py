"""What a file is, told from its bytes and never from its name."""

import re

ZIP = "application/zip"

MOST_PICTURE_BYTES = 64 * 2**20
"""The most bytes of one picture, whichever way it comes and goes: a professional camera's largest JPEG has about 40 MiB."""

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/avif": "avif",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
    ZIP: "zip",
    "application/json": "json",
    "text/html": "html",
    "text/csv": "csv",
    "text/plain": "txt",
}
"""File ending by MIME type; what is not listed is `bin`."""

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
)
# Decoders find the first segment behind some stray bytes, which editors leave there.
_STRAYED_JPEG = re.compile(rb"\xff\xd8[^\xff]{1,7}\xff[\xc0-\xfe]")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_PROBE_BYTES = 4096
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def sniff(content: bytes) -> str | None:
    """The MIME type that `content` shows by itself, None when it shows none.

    Args:
        content: The whole file or at least its first 4 KiB; a spreadsheet is told from a zip by the whole.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return _boxed(content)
    if content[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        spreadsheet = b"xl/workbook" in content
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" if spreadsheet else ZIP
    for magic, mime in _MAGIC:
        if content.startswith(magic):
            return mime
    return "image/jpeg" if _STRAYED_JPEG.match(content) else _written(content)


def kind_of(content: bytes) -> str:
    """The MIME type that `content` shows by its beginning alone, which takes no time; empty for none."""
    return sniff(content[:_PROBE_BYTES]) or ""


def is_picture(content: bytes) -> bool:
    """Whether `content` begins as a picture does."""
    return kind_of(content).startswith("image/")


def _boxed(content: bytes) -> str | None:
    """HEIC or AVIF, by the brands in the `ftyp` box (ISO/IEC 14496-12, section 4.3)."""
    end = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "image/avif"
    return "image/heic" if brands & _HEIC_BRANDS else None


def _written(content: bytes) -> str | None:
    """JSON, HTML, CSV or plain text; None for anything that is not UTF-8 text."""
    # A character cut in two by the probe's end is no reason against text.
    probe = content[:_PROBE_BYTES]
    text = probe.decode("utf-8-sig", errors="ignore").lstrip()
    if not text or _CONTROLS.search(text) or len(text.encode()) < len(probe.strip()) - 6:
        return None
    if text[0] in "{[" and content[-_PROBE_BYTES:].rstrip()[-1:] in {b"}", b"]"}:
        return "application/json"
    if text[:1] == "<":
        return "text/html"
    first, *others = text.splitlines()
    return "text/csv" if others and any(mark in first for mark in ",;\t") else "text/plain"
