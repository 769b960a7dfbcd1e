"""Pictures that tests draw for themselves, whole, odd and made to fill memory, and archives of them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from PIL import Image, ImageCms
from PIL.ExifTags import GPS, Base

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 30), (30, 30, 220), (255, 255, 255)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def quartered(width_px: int = 64, height_px: int = 48) -> Image.Image:
    """Red and green above blue and white, so that every turn and mirroring shows."""
    image = Image.new("RGB", (width_px, height_px), RED)
    half_x, half_y = width_px // 2, height_px // 2
    image.paste(GREEN, (half_x, 0, width_px, half_y))
    image.paste(BLUE, (0, half_y, half_x, height_px))
    image.paste(WHITE, (half_x, half_y, width_px, height_px))
    return image


def coded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def revealing_exif(orientation: int = 6) -> Image.Exif:
    """Where a picture was taken, and with which camera."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.Make] = "SECRET-MAKER"
    exif[Base.BodySerialNumber] = "SECRET-SERIAL"
    exif.get_ifd(0x8825).update({GPS.GPSLatitudeRef: "N", GPS.GPSLatitude: (52.0, 31.0, 12.0)})
    return exif


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_zeros(
    width_px: int,
    height_px: int,
    *,
    bits: int = 8,
    colour: int = 0,
    interlaced: bool = False,
    pixel_bytes: int,
) -> bytes:
    """A PNG of kinds that Pillow cannot write: `pixel_bytes` zeros are packed as its pixels."""
    header = struct.pack(">IIBBBBB", width_px, height_px, bits, colour, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(pixel_bytes))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def webp_of_canvas(width_px: int, height_px: int) -> bytes:
    """An animated WebP of a few bytes: one small frame on a canvas of any size."""
    frame = coded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    sides = [(side - 1).to_bytes(3, "little") for side in (width_px, height_px, 16, 16)]
    chunks = [
        (b"VP8X", b"\2\0\0\0" + sides[0] + sides[1]),
        (b"ANIM", bytes(6)),
        (b"ANMF", bytes(6) + sides[2] + sides[3] + bytes(4) + frame),
    ]
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(part)) + part for kind, part in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_scans(count: int, width_px: int, height_px: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    content = coded(quartered(width_px, height_px), progressive=True)
    scans = content.count(b"\xff\xda")
    return content[:-2] + content[content.rindex(b"\xff\xda") : -2] * (count - scans) + content[-2:]


def jpeg_with(segments: bytes) -> bytes:
    """A JPEG that begins with these bytes behind its first marker."""
    content = coded(quartered())
    return content[:2] + segments + content[2:]


def png_with(*chunks: bytes, **options: object) -> bytes:
    """A PNG with these chunks behind its header."""
    content = coded(quartered(), "PNG", **options)
    return content[:33] + b"".join(chunks) + content[33:]


def gif_with(extension: bytes) -> bytes:
    """A GIF with these bytes before its first frame."""
    content = coded(quartered(), "GIF")
    at = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    return content[:at] + extension + content[at:]


def exif_of_many_copies(entries: int, of_bytes: int) -> bytes:
    """EXIF whose every entry points to the same bytes: a reader that copies them fills memory."""
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", entries)
    return head + b"".join(struct.pack("<HHII", 300 + tag, 1, of_bytes, 8) for tag in range(entries))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of files by name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()
