"""The dark room: takes photos in, draws stand-ins, and changes pictures so that everyone sees they were changed.

Nothing here recognises a car. The car is taken to fill the middle of the photo and its plate to sit low in the centre,
which is what listing photos look like. Pillow is imported when the first picture is drawn.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from PIL import Image

LONG_SIDE_PX = 1600
PLATE_BOX = (0.40, 0.68, 0.60, 0.76)  # left, top, right, bottom as shares of the picture
CAR_BOX = (0.05, 0.24, 0.95, 0.90)


class NotAPictureError(ValueError):
    """The bytes are no picture that can be opened."""


@dataclass(frozen=True, slots=True)
class StudioJob:
    """All that decides how one result looks.

    Attributes:
        photo: The stored photo (JPEG).
        background: The picture put behind the car (JPEG); None cuts the car out, unless `keep_scene`.
        keep_scene: Leave the photo's own surroundings (the plate-only endpoints).
        plate: What happens to the plate: nothing, a cover of `plate_colour`, or `plate_picture` in its place.
        plate_colour: Colour of the cover and behind the plate picture, as `#RRGGBB`.
        plate_picture: The replacement plate (PNG).
        logo: The brand logo (PNG); None draws none.
        logo_corner: `TR` draws it top right, everything else top left.
    """

    photo: bytes
    background: bytes | None = None
    keep_scene: bool = False
    plate: Literal["keep", "cover", "replace"] = "keep"
    plate_colour: str = "#FFFFFF"
    plate_picture: bytes | None = None
    logo: bytes | None = None
    logo_corner: str = "TL"

    @property
    def suffix(self) -> str:
        """File ending of the result: `.png` for a cut-out car, else `.jpg`."""
        return ".jpg" if self.background or self.keep_scene else ".png"

    @property
    def media_type(self) -> str:
        """Content type of the result."""
        return "image/jpeg" if self.suffix == ".jpg" else "image/png"

    def file_name(self, original: str) -> str:
        """Name the result after the photo."""
        return PurePath(original).stem + self.suffix


def take_in(file: BinaryIO, *, transparent: bool = False) -> bytes:
    """Reduce an uploaded picture to what the sandbox keeps: at most 1600 px, JPEG (PNG if `transparent`).

    Raises:
        NotAPictureError: The bytes cannot be opened as a picture, or it is a decompression bomb.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            opened.draft("RGB", (LONG_SIDE_PX, LONG_SIDE_PX))
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
            return _encoded(picture.convert("RGBA" if transparent else "RGB"))
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise NotAPictureError("The file is not a picture") from error


def stand_in(address: str) -> bytes:
    """Draw the car photo that stands for a remote address (JPEG); the same address gives the same car."""
    from PIL import Image, ImageDraw

    shade = hashlib.sha256(address.encode()).digest()
    paint = (60 + shade[0] // 2, 60 + shade[1] // 2, 60 + shade[2] // 2)
    photo = Image.new("RGB", (800, 600), (150 + shade[3] // 4, 180, 200))
    pen = ImageDraw.Draw(photo)
    for left in range(0, 800, 160):  # houses: something that has to disappear
        top = 60 + shade[4 + left // 160] // 2
        pen.rectangle((left, top, left + 130, 420), fill=(150, 120 + shade[9 + left // 160] // 4, 100))
    pen.rectangle((0, 420, 800, 600), fill=(95, 95, 100))
    pen.polygon([(230, 290), (290, 190), (510, 190), (570, 290)], fill=paint)
    pen.polygon([(260, 285), (305, 205), (495, 205), (540, 285)], fill=(205, 225, 235))
    pen.rounded_rectangle((110, 280, 690, 470), radius=50, fill=paint)
    for left in (150, 560):
        pen.ellipse((left, 320, left + 90, 365), fill=(250, 250, 225))
        pen.rounded_rectangle((left, 455, left + 90, 530), radius=18, fill=(30, 30, 30))
    plate = _box(photo.size, PLATE_BOX)
    pen.rectangle(plate, fill=(245, 200, 40), outline=(0, 0, 0), width=2)
    _write(photo, f"KA {shade[5]:03d}", (plate[0] + 22, plate[1] + 8), 26, (0, 0, 0))
    return _encoded(photo)


def sign(text: str) -> bytes:
    """Draw a sign with a text on it, the stand-in for a remote plate or logo (PNG)."""
    from PIL import Image, ImageDraw

    board = Image.new("RGBA", (400, 110), (250, 250, 250, 255))
    ImageDraw.Draw(board).rectangle((0, 0, 60, 110), fill=(20, 60, 170, 255))
    _write(board, text, (80, 20), 60, (20, 20, 20))
    return _encoded(board)


def backdrop(colour: str) -> bytes:
    """Draw a studio of one colour, a wall above a darker floor (JPEG)."""
    from PIL import Image, ImageDraw, ImageEnhance

    studio = Image.new("RGB", (1200, 900), colour)
    floor = ImageEnhance.Brightness(studio.crop((0, 0, 1200, 320))).enhance(0.75)
    studio.paste(floor, (0, 580))
    ImageDraw.Draw(studio).line((0, 580, 1200, 580), fill="#808080", width=3)
    return _encoded(studio)


def render(job: StudioJob, redone: int) -> bytes:
    """Produce the result of a job; `redone` is how often it was sent back, 0 for never.

    Returns:
        A PNG with a transparent background for a cut-out, else a JPEG; never above 1600 px.
    """
    scene = _scene(job, _opened(job.photo, "RGB"))
    if job.plate != "keep":
        _treat_plate(scene, job)
    if job.logo is not None:
        logo = _opened(job.logo, "RGBA")
        logo.thumbnail((scene.width // 5, scene.height // 6))
        margin = scene.width // 40
        left = scene.width - logo.width - margin if job.logo_corner == "TR" else margin
        scene.paste(logo, (left, margin), logo)
    _stamp(scene, f"SANDBOX redone {redone}x" if redone else "SANDBOX")
    return _encoded(scene if job.suffix == ".png" else scene.convert("RGB"))


def _scene(job: StudioJob, photo: "Image.Image") -> "Image.Image":
    """Put the car where the job wants it: nowhere (transparent), on the background, or where it stood."""
    from PIL import Image, ImageDraw, ImageFilter, ImageOps

    if job.keep_scene:
        return photo.convert("RGBA")
    mask = Image.new("L", photo.size, 0)
    left, top, right, bottom = _box(photo.size, CAR_BOX)
    pen = ImageDraw.Draw(mask)
    pen.ellipse((left + photo.width // 8, top, right - photo.width // 8, bottom), fill=255)
    pen.rounded_rectangle(
        (left, (top + bottom) // 2 - photo.height // 10, right, bottom), photo.height // 8, fill=255
    )
    mask = mask.filter(ImageFilter.GaussianBlur(photo.width / 100))
    if job.background is None:
        canvas = photo.convert("RGBA")
        canvas.putalpha(mask)
        return canvas
    canvas = ImageOps.fit(_opened(job.background, "RGB"), photo.size).convert("RGBA")
    canvas.paste(photo, (0, 0), mask)
    return canvas


def _treat_plate(scene: "Image.Image", job: StudioJob) -> None:
    """Cover the plate area, and put the supplied plate into it if there is one."""
    from PIL import ImageDraw, ImageOps

    box = _box(scene.size, PLATE_BOX)
    ImageDraw.Draw(scene).rectangle(box, fill=job.plate_colour)
    if job.plate == "replace" and job.plate_picture is not None:
        plate = ImageOps.contain(_opened(job.plate_picture, "RGBA"), (box[2] - box[0], box[3] - box[1]))
        corner = ((box[0] + box[2] - plate.width) // 2, (box[1] + box[3] - plate.height) // 2)
        scene.paste(plate, corner, plate)


def _stamp(scene: "Image.Image", text: str) -> None:
    """Write a text on a red label in the lower left corner."""
    from PIL import ImageDraw

    height = max(16, scene.height // 16)
    width = int(len(text) * height * 0.55) + height
    ImageDraw.Draw(scene).rectangle((0, scene.height - height, width, scene.height), fill=(200, 20, 30, 255))
    _write(scene, text, (height // 2, scene.height - int(height * 0.92)), int(height * 0.7), (255, 255, 255))


def _write(
    picture: "Image.Image", text: str, corner: tuple[int, int], size_px: int, ink: tuple[int, int, int]
) -> None:
    from PIL import ImageDraw, ImageFont

    ImageDraw.Draw(picture).text(corner, text, fill=ink, font=ImageFont.load_default(size_px))


def _box(size: tuple[int, int], shares: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    width, height = size
    return int(shares[0] * width), int(shares[1] * height), int(shares[2] * width), int(shares[3] * height)


def _opened(data: bytes, mode: str) -> "Image.Image":
    from PIL import Image

    return Image.open(BytesIO(data)).convert(mode)


def _encoded(picture: "Image.Image") -> bytes:
    out = BytesIO()
    if picture.mode == "RGBA":
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.save(out, "JPEG", quality=88)
    return out.getvalue()
