"""Whether two files show the same picture."""

from autobg_mcp.pictures.preview import reduced

_CELLS = (48, 48)
_REDUCED_PX = 480
# A cell is the mean of some hundred pixels: coding a picture again moves it by 1 or 2 of 255, a covered plate by dozens.
_MOST_DIFFERENCE = 16
_MOST_ASPECT_DIFFERENCE = 0.02


def same_picture(a: bytes, b: bytes) -> bool:
    """Whether `a` and `b` show the same, whatever their formats, sizes and qualities.

    A new background, a replaced number plate or a logo makes a difference; coding the picture again does not.

    Raises:
        FileRefusedError: One of them is no picture or is damaged.
    """
    from PIL import Image, ImageChops

    first, second = (reduced(content, _REDUCED_PX) for content in (a, b))
    ratio = first.width * second.height / (first.height * second.width)
    if abs(ratio - 1) > _MOST_ASPECT_DIFFERENCE:
        return False
    cells = [image.resize(_CELLS, Image.Resampling.BOX) for image in (first, second)]
    return max(ImageChops.difference(*cells).tobytes()) <= _MOST_DIFFERENCE
