"""Rules that say when two records of an object may be one and the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from metadata.fields.base import FieldDefinition
from metadata.json_text import mapping, sequence, strings, text

KEYWORD: Final = "duplicates"
ALLOW: Final = "ignore"
WARN: Final = "warn"
BLOCK: Final = "block"
THRESHOLD: Final = 0.9
MAX_RULES: Final = 10

KIND_OF_FIELD: Final[Mapping[str, str]] = {
    "email": "email",
    "phone": "phone",
    "url": "website",
    "person_name": "person",
    "address": "address",
    "date": "date",
    "datetime": "date",
    "choice": "category",
    "boolean": "category",
    "rating": "category",
    "reference": "category",
    "user": "category",
    "team": "category",
    "auto_number": "code",
    "integer": "code",
    "decimal": "code",
}
"""What a field's values are where the rule does not say it; all else is text."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field that is compared: `by` says how, `kind` (in the rule: `as`) what its values are.

    `weight` multiplies what its agreement says. With `plus`, tags and points that mail providers
    do not look at count for nothing.
    """

    field: str
    by: str
    kind: str
    weight: float = 1.0
    plus: bool = False
    region: str = "CN"


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """One rule of an object.

    Two records are taken for one when the evidence is at least as certain as `threshold` (0 to 1)
    and `when` holds for both. `keys` are groups of fields by which candidates are looked up: those
    that sound or read the same in all fields of a group; empty for those that fit the comparisons.
    With `reveal` people learn that a record exists which they may not read. `place` is the JSON
    Pointer in the definition.
    """

    name: str
    title: str
    place: str
    comparisons: tuple[Comparison, ...]
    threshold: float = THRESHOLD
    when: str | None = None
    on_create: str = WARN
    on_import: str = WARN
    message: str | None = None
    reveal: bool = False
    keys: tuple[tuple[str, ...], ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Gives the fields that are compared."""
        return frozenset(one.field for one in self.comparisons)


def read_duplicates(
    crm: Mapping[str, object], fields: Mapping[str, FieldDefinition]
) -> tuple[DuplicateRule, ...]:
    """Gives an object's rules; comparisons of what is no field are left out."""
    return tuple(
        read_rule(mapping(given), f"/crm/{KEYWORD}/{index}", fields)
        for index, given in enumerate(sequence(crm.get(KEYWORD)))
    )


def read_rule(
    given: Mapping[str, object], place: str, fields: Mapping[str, FieldDefinition]
) -> DuplicateRule:
    """Gives one rule."""
    name = text(given.get("name")) or ""
    compared = [mapping(one) for one in sequence(given.get("match"))]
    return DuplicateRule(
        name=name,
        title=text(given.get("title")) or name,
        place=place,
        comparisons=tuple(
            read_comparison(one, fields[str(one.get("field"))])
            for one in compared
            if one.get("field") in fields
        ),
        threshold=number(given.get("threshold"), THRESHOLD),
        when=text(given.get("when")),
        on_create=text(given.get("on_create")) or WARN,
        on_import=text(given.get("on_import")) or WARN,
        message=text(given.get("message")),
        reveal=given.get("reveal") is True,
        keys=tuple(strings(group) for group in sequence(given.get("keys"))),
    )


def read_comparison(given: Mapping[str, object], field: FieldDefinition) -> Comparison:
    """Gives one comparison of a field."""
    return Comparison(
        field=field.name,
        by=text(given.get("by")) or "normalised",
        kind=text(given.get("as")) or KIND_OF_FIELD.get(field.type.name, "text"),
        weight=number(given.get("weight"), 1.0),
        plus=given.get("plus") is True,
        region=field.text("region") or "CN",
    )


def number(value: object, usual: float) -> float:
    """Gives a number of a document."""
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return float(str(value)) if is_number else usual
