"""What is wrong with object-level JSON Schema keywords, found before they judge a record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metadata.fields.base import Refused
from metadata.fields.limits import compile_pattern
from metadata.json_text import mapping, nearest, pointer, sequence, strings
from metadata.objects import ObjectDefinition
from metadata.problems import Problem

Place = tuple[object, ...]
ONE: Final = frozenset(("not", "if", "then", "else", "items", "contains", "propertyNames"))
SEVERAL: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
BY_NAME: Final = frozenset(("properties", "dependentSchemas"))
PLAIN: Final = frozenset(
    (
        *("required", "dependentRequired", "type", "enum", "const", "format", "pattern"),
        *("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "additionalProperties"),
        *("title", "description", "$comment", "default", "examples", "deprecated"),
    )
)
KNOWN: Final = ONE | SEVERAL | BY_NAME | PLAIN
INSIDE_VALUES: Final = frozenset(("properties", "items", "contains", "prefixItems"))
"""Keywords below which a schema judges a value of the record, no longer the record."""


def keyword_flaws(definition: ObjectDefinition, keywords: tuple[str, ...]) -> Iterator[Problem]:
    """Finds patterns that RE2 cannot read, names that are no fields and unknown keywords: any of
    these would judge nothing, and nobody would notice."""
    document = definition.document
    chosen = {keyword: document[keyword] for keyword in keywords if keyword in document}
    yield from schema_flaws(chosen, (), definition)


def schema_flaws(
    schema: object, place: Place, definition: ObjectDefinition | None
) -> Iterator[Problem]:
    """Looks through one schema; `definition` is None where it judges a value."""
    for keyword, given in mapping(schema).items():
        here = (*place, keyword)
        if keyword not in KNOWN:
            hint = nearest(keyword, sorted(KNOWN))
            values = {"key": keyword, "nearest": hint, "known": None if hint else sorted(KNOWN)}
            yield Problem(pointer(here), "unknown_key", values)
            continue
        if keyword == "pattern":
            yield from pattern_flaws(given, here)
        if definition is not None:
            yield from name_flaws(keyword, given, here, definition)
        inner = None if keyword in INSIDE_VALUES else definition
        for part, below in parts_of(keyword, given, here):
            yield from schema_flaws(part, below, inner)


def parts_of(keyword: str, given: object, place: Place) -> Iterator[tuple[object, Place]]:
    """Gives the schemas below a keyword."""
    if keyword in ONE:
        yield given, place
    elif keyword in SEVERAL:
        yield from ((part, (*place, number)) for number, part in enumerate(sequence(given)))
    elif keyword in BY_NAME:
        yield from ((part, (*place, name)) for name, part in mapping(given).items())


def pattern_flaws(given: object, place: Place) -> Iterator[Problem]:
    """Finds a pattern that RE2 cannot read."""
    try:
        compile_pattern(given)
    except Refused as refused:
        yield Problem(pointer(place), refused.code, refused.values)


def name_flaws(
    keyword: str, given: object, place: Place, definition: ObjectDefinition
) -> Iterator[Problem]:
    """Finds names of fields that the object does not have."""
    for name, where in names_of(keyword, given, place):
        if name not in definition.fields:
            known = [field.name for field in definition.own_fields]
            hint = nearest(name, known)
            ordered = [hint, *(other for other in known if other != hint)] if hint else known
            values = {"name": name, "object": definition.name, "known": ordered}
            yield Problem(pointer(where), "unknown_field", values)


def names_of(keyword: str, given: object, place: Place) -> Iterator[tuple[str, Place]]:
    """Gives the names of fields under a keyword."""
    if keyword == "required":
        yield from ((name, (*place, number)) for number, name in enumerate(strings(given)))
    elif keyword in {"properties", "dependentSchemas", "dependentRequired"}:
        for name, needed in mapping(given).items():
            yield name, (*place, name)
            if keyword == "dependentRequired":
                listed = enumerate(strings(needed))
                yield from ((other, (*place, name, number)) for number, other in listed)
