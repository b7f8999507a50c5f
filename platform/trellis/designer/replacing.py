"""Options that take the place of removed ones, as a request says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from metadata.changes.options import REPLACED
from metadata.elements import Element
from metadata.json_text import mapping
from metadata.stored import crm_of, with_crm


def with_replacements(
    elements: Sequence[Element], replacements: Mapping[str, Mapping[str, str]]
) -> list[Element]:
    """Gives elements whose fields say which options take the place of removed ones.

    `replacements` has old and new API values by `object.field`; unknown fields are left out.
    """
    made = list(elements)
    for place, moved in replacements.items():
        object_name, _, field_name = place.partition(".")
        for index, element in enumerate(made):
            fields = mapping(element.body.get("properties"))
            if element.key == ("object", object_name) and field_name in fields:
                made[index] = replace_options(element, field_name, moved)
    return made


def replace_options(element: Element, field_name: str, moved: Mapping[str, str]) -> Element:
    """Gives an object whose field says what takes the place of removed options."""
    fields = mapping(element.body.get("properties"))
    document = mapping(fields[field_name])
    known = mapping(crm_of(document).get(REPLACED))
    changed = with_crm(document, **{REPLACED: {**known, **moved}})
    return replace(element, body={**element.body, "properties": {**fields, field_name: changed}})
