"""Texts of a file that are no option of the field they are for, and what each is to stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from rapidfuzz import fuzz, process, utils

from metadata.fields.base import FieldDefinition, choose_label
from metadata.json_text import pointer
from rule_engine.types import Kind
from trellis.transfer.cells import SEPARATOR, read_cell
from trellis.transfer.settings import Column
from trellis.unit import Unit
from trellis.web.words import gettext

MAX_TEXTS: Final = 30
"""As many texts are asked about at once; the next check asks for further ones."""
ENOUGH: Final = 80
"""Texts are taken for the same from this likeness on, of 100."""
NOT_OPTION: Final = "not_option"

Asked = tuple[tuple[str, str], ...]
Pairs = tuple[tuple[str, str], ...]


def options_of(field: FieldDefinition, language: str) -> Pairs:
    """Gives what a text may stand for: options by their values, with titles."""
    return tuple(
        (one.value, choose_label(one.labels, language) or one.value)
        for one in field.options
        if not one.retired
    )


def asked_of(
    unit: Unit,
    field: FieldDefinition,
    column: Column,
    samples: Iterable[object],
    rows: Sequence[Any],
) -> Asked:
    """Gives the texts of a column that need an option, with the one that is chosen or likely.

    They come from the first rows of the file and from the rows in which a check found them.
    """
    chosen = dict(column.values)
    plain = replace(column, values={})
    found = [*unknown_samples(unit, field, plain, samples), *refused_texts(field, rows)]
    for text in dict.fromkeys(found):
        chosen.setdefault(text, likely_option(text, field))
    return tuple(chosen.items())[:MAX_TEXTS]


def unknown_samples(
    unit: Unit, field: FieldDefinition, column: Column, samples: Iterable[object]
) -> Iterator[str]:
    """Gives the texts of the first rows that are no options."""
    for cell in samples:
        for text in parts_of(cell, field):
            _value, problem = read_cell(text, field, column, unit.moment.zone)
            if problem is not None and problem.code == NOT_OPTION:
                yield text


def parts_of(cell: object, field: FieldDefinition) -> Iterator[str]:
    """Gives the texts of a cell: of a field with several options each part."""
    text = "" if cell is None else str(cell).strip()
    parts = text.split(SEPARATOR) if field.type.kind is Kind.CHOICES else [text]
    yield from (part.strip() for part in parts if part.strip())


def refused_texts(field: FieldDefinition, rows: Sequence[Any]) -> Iterator[str]:
    """Gives the texts that a check refused in this field."""
    place = pointer([field.name])
    for row in rows:
        for one in row["problems"]:
            if one["code"] == NOT_OPTION and one["path"].startswith(place):
                yield str(one["values"]["value"])


def likely_option(text: str, field: FieldDefinition) -> str:
    """Gives the option whose value or title is most like a text; empty for none."""
    names = [
        (one.value, name)
        for one in field.options
        if not one.retired
        for name in (one.value, *one.labels.values())
    ]
    best = process.extractOne(
        text,
        [name for _value, name in names],
        scorer=fuzz.WRatio,
        processor=utils.default_process,
        score_cutoff=ENOUGH,
    )
    return names[best[2]][0] if best is not None else ""


def values_in(form: Mapping[str, str], place: int) -> dict[str, str] | None:
    """Gives what texts of a column stand for as the form says; None when it asked about none."""
    if f"text-{place}-0" not in form:
        return None
    pairs = (
        (form.get(f"text-{place}-{number}"), form.get(f"value-{place}-{number}"))
        for number in range(MAX_TEXTS)
    )
    return {text: value for text, value in pairs if text and value}


def label_for(text: str) -> str:
    """Gives what the choice of an option for a text is called."""
    return gettext("What “%(text)s” stands for", text=text)
