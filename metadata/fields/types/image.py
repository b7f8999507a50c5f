"""A picture."""

from __future__ import annotations

from typing import ClassVar

from metadata.fields.base import Sample, Titles
from metadata.fields.file_inputs import FileField
from metadata.fields.types.file import SAMPLE_ID, SAMPLE_WIRE, File


class Image(File):
    """A picture (PNG, JPEG, WebP or GIF), re-encoded without what cameras add, with a thumbnail."""

    name = "image"
    titles: ClassVar[Titles] = {"en": "Image", "zh": "图片"}
    icon = "image"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "image"}},
            ((SAMPLE_ID, SAMPLE_WIRE),),
            ("photo.png", 5),
        ),
    )
    input: ClassVar[type[FileField]] = FileField
    cell: ClassVar[str] = "image"
    is_picture = True
    usual_media_types = ("image/*",)


TYPE = Image()
