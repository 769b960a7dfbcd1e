"""Pictures that tests draw for themselves."""

import io
import struct
import zlib

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
