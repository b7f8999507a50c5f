"""A signature."""

from __future__ import annotations

from typing import ClassVar

from metadata.fields.base import Sample, Titles
from metadata.fields.file_inputs import SignatureField
from metadata.fields.types.file import SAMPLE_ID, SAMPLE_WIRE
from metadata.fields.types.image import Image


class Signature(Image):
    """A signature, drawn or uploaded as a picture, with who put it there and when."""

    name = "signature"
    titles: ClassVar[Titles] = {"en": "Signature", "zh": "签名"}
    icon = "signature"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "object", "crm": {"field": "signature"}},
            ((SAMPLE_ID, SAMPLE_WIRE),),
            ("signature.png", 5),
        ),
    )
    input = SignatureField
    cell = "signature"
    is_signed = True


TYPE = Signature()
