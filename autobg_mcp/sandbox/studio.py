"""The dark room: takes photos in, and changes them so that everyone sees they were changed.

Nothing here recognises a car. Where it is, is known of the photos that ship with the package and of the stand-ins; with
any other photo the result shows the way and says so. Pillow is imported when the first picture is drawn.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, BinaryIO, Literal

from autobg_mcp.sandbox import retouching, signpost
from autobg_mcp.sandbox.cutouts import Cutout, recognised
from autobg_mcp.sandbox.prints import encoded, opened, text_width, write

if TYPE_CHECKING:
    from PIL import Image

LONG_SIDE_PX = 1600
_PLATE_PX = (520, 110)  # a plate of 520 mm by 110 mm, before it is turned as the car is


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
        cutout: Where the car is; None looks whether that is known of the photo.
    """

    photo: bytes
    background: bytes | None = None
    keep_scene: bool = False
    plate: Literal["keep", "cover", "replace"] = "keep"
    plate_colour: str = "#FFFFFF"
    plate_picture: bytes | None = None
    logo: bytes | None = None
    logo_corner: str = "TL"
    cutout: Cutout | None = None

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
        with Image.open(file) as sent:
            sent.draft("RGB", (LONG_SIDE_PX, LONG_SIDE_PX))
            picture = ImageOps.exif_transpose(sent)
            picture.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
            return encoded(picture.convert("RGBA" if transparent else "RGB"))
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise NotAPictureError("The file is not a picture") from error


def render(job: StudioJob, redone: int) -> bytes:
    """Produce the result of a job; `redone` is how often it was sent back, 0 for never.

    Returns:
        A PNG with a transparent background for a cut-out, else a JPEG; never above 1600 px.
    """
    photo = opened(job.photo, "RGB")
    cutout = job.cutout or recognised(photo)
    scene = _shown_the_way(job, photo) if cutout is None else _cut_out(job, photo, cutout, redone)
    if job.logo is not None:
        _put_up(scene, opened(job.logo, "RGBA"), job.logo_corner)
    _stamp(scene, f"SANDBOX redone {redone}x" if redone else "SANDBOX")
    return encoded(scene if job.suffix == ".png" else scene.convert("RGB"))


def _cut_out(job: StudioJob, photo: "Image.Image", cutout: Cutout, redone: int) -> "Image.Image":
    """Do what the job wants to a photo of which the sandbox knows where the car is."""
    if job.keep_scene:
        scene = photo.convert("RGBA")
    else:
        scene = retouching.cut_out(photo, cutout, _background(job, photo.size), flawed=not redone)
    if job.plate != "keep" and cutout.plate is not None:
        retouching.cover_plate(scene, cutout.plate, job.plate_colour, _plate_picture(job))
    return scene


def _shown_the_way(job: StudioJob, photo: "Image.Image") -> "Image.Image":
    """Show what the job would do to a photo of which the sandbox knows nothing, and say that this is all."""
    from PIL import Image

    cover = None if job.plate == "keep" else Image.new("RGBA", _PLATE_PX, job.plate_colour)
    if cover is not None and (picture := _plate_picture(job)) is not None:
        cover.alpha_composite(picture)
    if job.keep_scene:
        scene = photo.convert("RGBA")
    else:
        scene = signpost.in_its_place(photo, _background(job, photo.size))
    if not job.keep_scene or cover is not None:
        signpost.say_so(scene, cover, stands=not job.keep_scene)
    return scene


def _background(job: StudioJob, size_px: tuple[int, int]) -> "Image.Image | None":
    return None if job.background is None else _fitted(job.background, size_px)


@lru_cache(maxsize=8)
def _fitted(background: bytes, size_px: tuple[int, int]) -> "Image.Image":
    """A background cut to a photo's shape, kept for the next photo of the car; nobody may draw on it."""
    from PIL import ImageOps

    return ImageOps.fit(opened(background, "RGB"), size_px).convert("RGBA")


def _plate_picture(job: StudioJob) -> "Image.Image | None":
    """What is laid over the plate, in the shape of one; None where its colour alone covers it."""
    from PIL import Image, ImageOps

    if job.plate != "replace" or job.plate_picture is None:
        return None
    picture = ImageOps.contain(opened(job.plate_picture, "RGBA"), _PLATE_PX)
    laid = Image.new("RGBA", _PLATE_PX)
    laid.paste(picture, ((_PLATE_PX[0] - picture.width) // 2, (_PLATE_PX[1] - picture.height) // 2))
    return laid


def _put_up(scene: "Image.Image", logo: "Image.Image", corner: str) -> None:
    logo.thumbnail((max(1, scene.width // 5), max(1, scene.height // 6)))
    margin = scene.width // 40
    left = scene.width - logo.width - margin if corner == "TR" else margin
    scene.alpha_composite(logo, (left, margin))


def _stamp(scene: "Image.Image", text: str) -> None:
    """Write a text on a red label in the lower left corner."""
    from PIL import ImageDraw

    height = max(16, scene.height // 18)
    width = int(text_width(text, height * 0.62) + height)
    ImageDraw.Draw(scene).rectangle((0, scene.height - height, width, scene.height), fill=(200, 20, 30, 255))
    write(scene, text, (height / 2, scene.height - height / 2), height * 0.62, (255, 255, 255), "lm")
