"""Options of choice fields: titles, hues, categories, typed attributes and transitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from metadata.fields.base import ENGLISH, FieldDefinition, Flaw
from metadata.fields.exits import ExitCriteria
from metadata.fields.option import OptionDefinition
from metadata.json_text import mapping, nearest, pointer, sequence, strings, text
from rule_engine.types import Kind, Type

RESERVED: Final = (
    *("title", "hue", "category", "retired", "renamed_from", "replaced_by", "when", "exit"),
)
HUES: Final = ("gray", "red", "orange", "amber", "green", "teal", "sky", "blue", "violet", "pink")


def option_values(field: FieldDefinition) -> tuple[str, ...]:
    """Gives the API values in their order, from `enum`, `items.enum` or else `crm.options`."""
    listed = sequence(field.document.get("enum"))
    listed = listed or sequence(mapping(field.document.get("items")).get("enum"))
    values = [value for value in listed if value is not None]
    return tuple(map(str, values)) or tuple(mapping(field.parameters.get("options")))


def read_options(field: FieldDefinition) -> tuple[tuple[OptionDefinition, ...], list[Flaw]]:
    """Gives a choice field's options and what is wrong with them."""
    values = option_values(field)
    described = mapping(field.parameters.get("options"))
    flaws = [
        Flaw(f"/crm/options{pointer([name])}", "unknown_option", {"value": name, "known": values})
        for name in described
        if name not in values
    ]
    if not values:
        flaws.append(Flaw("", "no_options"))
    flaws.extend(Flaw("/enum", "duplicate_option", {"value": v}) for v in repeated(values))
    return tuple(read_option(value, mapping(described.get(value))) for value in values), flaws


def repeated(values: Iterable[str]) -> list[str]:
    """Gives the values that stand there more than once."""
    counted = list(values)
    return [value for value in dict.fromkeys(counted) if counted.count(value) > 1]


def read_option(value: str, described: Mapping[str, object]) -> OptionDefinition:
    """Gives one option; whatever is not a reserved key is a typed attribute."""
    attributes = {
        name: typed
        for name, given in described.items()
        if name not in RESERVED and (typed := typed_value(given)) is not None
    }
    return OptionDefinition(
        value=value,
        labels={ENGLISH: text(described.get("title")) or value.replace("_", " ").capitalize()},
        hue=text(described.get("hue")),
        category=text(described.get("category")),
        attributes=attributes,
        retired=described.get("retired") is True,
        when=text(described.get("when")),
        exit=read_exit(mapping(described.get("exit"))),
        replaced_by=text(described.get("replaced_by")),
    )


def read_exit(described: Mapping[str, object]) -> ExitCriteria | None:
    """Gives what is asked of a record before it leaves an option; None for nothing."""
    if not described:
        return None
    return ExitCriteria(
        requires=strings(described.get("requires")),
        when=text(described.get("when")),
        message=text(described.get("message")),
    )


def typed_value(given: object) -> tuple[Type, object] | None:
    """Gives an attribute's type and value: "10%" is a percent, a number a number, and so on."""
    if isinstance(given, bool):
        return Type(Kind.BOOLEAN), given
    if isinstance(given, (int, float, Decimal)):
        return Type(Kind.NUMBER), Decimal(str(given))
    if not isinstance(given, str) or not given.strip():
        return None
    plain = given.strip()
    if plain.endswith("%") and is_number(plain[:-1]):
        return Type(Kind.PERCENT), Decimal(plain[:-1].strip()) / 100
    if is_number(plain):
        return Type(Kind.NUMBER), Decimal(plain)
    try:
        return Type(Kind.DATE), date.fromisoformat(plain)
    except ValueError:
        return Type(Kind.TEXT), plain


def is_number(given: str) -> bool:
    """Says whether a text is a plain decimal number."""
    digits = given.strip().removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def read_transitions(
    field: FieldDefinition, options: tuple[OptionDefinition, ...]
) -> tuple[Mapping[str, tuple[str, ...]] | None, list[Flaw]]:
    """Gives which values may follow which; None when every change is allowed."""
    given = field.parameters.get("transitions")
    if given is None:
        return None, []
    known = [option.value for option in options]
    flaws: list[Flaw] = []
    for start, ends in mapping(given).items():
        place = f"/crm/transitions{pointer([start])}"
        if start not in known:
            flaws.append(unknown_option(place, start, known))
        flaws.extend(
            unknown_option(f"{place}/{index}", str(end), known)
            for index, end in enumerate(sequence(ends))
            if end not in known
        )
    return {start: strings(ends) for start, ends in mapping(given).items()}, flaws


def unknown_option(place: str, value: str, known: list[str]) -> Flaw:
    """Words a value that is not an option, the nearest one first."""
    hint = nearest(value, known)
    ordered = [hint, *(name for name in known if name != hint)] if hint else known
    return Flaw(place, "unknown_option", {"value": value, "known": ordered})
