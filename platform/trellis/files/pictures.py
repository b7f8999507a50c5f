"""Pictures: read, checked and written anew, without what cameras and programs add."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 50_000_000
THUMBNAIL_PIXELS = 320
# What is read, and how it is written; a moving picture keeps its first frame.
FORMATS = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WEBP", "GIF": "PNG"}
MODES = {"PNG": ("RGB", "RGBA", "L", "LA"), "JPEG": ("RGB", "L"), "WEBP": ("RGB", "RGBA")}
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


class PictureError(Exception):
    """Bytes that are no picture of a known format, or a picture with too many pixels."""

    def __init__(self, pixels: int | None = None) -> None:
        self.pixels = pixels
        super().__init__("too many pixels" if pixels else "not readable")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was written anew, and a small one of it."""

    content: bytes
    media_type: str
    thumbnail: bytes
    thumbnail_media_type: str


def clean_picture(source: IO[bytes]) -> Picture:
    """Gives a picture upright and without metadata. Raises PictureError.

    How many pixels there are is read from the head: nothing large is unpacked to find out.
    """
    source.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=list(FORMATS)) as image:
                pixels = image.width * image.height
                if pixels > MAX_PIXELS:
                    raise PictureError(pixels)
                target = FORMATS[str(image.format)]
                upright = ImageOps.exif_transpose(image)
                plain = in_mode(upright, MODES[target])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(2 * MAX_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, KeyError) as error:
        raise PictureError from error
    small = plain.copy()
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    return Picture(
        written(plain, target), MEDIA_TYPES[target], written(small, target), MEDIA_TYPES[target]
    )


def in_mode(image: Image.Image, modes: tuple[str, ...]) -> Image.Image:
    """Gives the pixels alone, in a mode that the format can hold."""
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    wanted = "RGBA" if has_alpha and "RGBA" in modes else "RGB"
    changed = image if image.mode in modes and not image.info else image.convert(wanted)
    # A new image holds nothing but pixels: comments, profiles and EXIF stay behind.
    bare = Image.new(changed.mode, changed.size)
    bare.paste(changed)
    return bare


def written(image: Image.Image, format_name: str) -> bytes:
    """Gives a picture's bytes."""
    target = io.BytesIO()
    image.save(target, format_name, **({"quality": 90} if format_name != "PNG" else {}))
    return target.getvalue()
