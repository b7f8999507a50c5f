"""Reading one property of a JSON Schema as a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from metadata.fields.base import (
    ENGLISH,
    UTC,
    Check,
    FieldDefinition,
    FieldType,
    Flaw,
    Refused,
)
from metadata.fields.formats import format_checks
from metadata.fields.limits import LIMITS, among, compile_limits
from metadata.fields.options import read_options, read_transitions
from metadata.fields.values import read_value
from metadata.json_text import mapping, nearest, sequence, text

COMPUTED: Final = ("formula", "rollup", "through")
FORMATS: Final[Mapping[str, str]] = {
    "date": "date",
    "date-time": "datetime",
    "time": "time",
    "duration": "duration",
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "iri": "url",
}
PLAIN_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer",
    "number": "decimal",
    "boolean": "boolean",
}
MAX_TEXT_LENGTH: Final = 255


def json_types(document: Mapping[str, object]) -> tuple[str, ...]:
    """Gives the JSON types a property allows besides null."""
    declared = document.get("type")
    listed = sequence(declared) if not isinstance(declared, str) else (declared,)
    return tuple(str(item) for item in listed if item != "null")


def infer_type(document: Mapping[str, object]) -> str:
    """Gives the name of the field type that standard keywords suggest; "" when none does."""
    types = json_types(document)
    if types == ("array",):
        items = mapping(document.get("items"))
        return "multi_choice" if "enum" in items else ""
    values = sequence(document.get("enum"))
    if values and all(isinstance(value, str) for value in values if value is not None):
        return "choice"
    if types == ("string",):
        return infer_text(document)
    return PLAIN_TYPES.get(types[0], "") if len(types) == 1 else ""


def infer_text(document: Mapping[str, object]) -> str:
    """Gives the field type of a string property."""
    known = FORMATS.get(str(document.get("format")))
    if known is not None:
        return known
    longest = document.get("maxLength")
    is_long = isinstance(longest, int) and longest > MAX_TEXT_LENGTH
    return "long_text" if is_long else "text"


def resolve_type(
    document: Mapping[str, object], types: Mapping[str, FieldType]
) -> FieldType | Flaw:
    """Gives the field type that a property names or suggests."""
    named = mapping(document.get("crm")).get("field")
    if named is None:
        inferred = infer_type(document)
        if inferred in types:
            return types[inferred]
        if not inferred:
            return Flaw("/type", "cannot_infer", {"known": list(types)})
        return Flaw("", "unknown_type", {"name": inferred, "known": list(types)})
    found = types.get(str(named))
    if found is not None:
        return found
    hint = nearest(str(named), types)
    ordered = [hint, *(name for name in types if name != hint)] if hint else list(types)
    return Flaw("/crm/field", "unknown_type", {"name": named, "known": ordered})


def read_labels(document: Mapping[str, object], key: str, default: str) -> dict[str, str]:
    """Gives an English label by language, from a keyword or a default."""
    label = text(document.get(key)) or default
    return {ENGLISH: label} if label else {}


def readable(name: str) -> str:
    """Gives a title made of an API name."""
    return name.replace("_", " ").capitalize()


def read_field(
    name: str,
    document: Mapping[str, object],
    types: Mapping[str, FieldType],
    *,
    identity: str,
    package: str,
    required: bool,
) -> tuple[FieldDefinition | None, list[Flaw]]:
    """Gives the field that a property describes, and what is wrong with it.

    `identity` is the id of a field that the store has not given one yet.
    """
    field_type = resolve_type(document, types)
    if isinstance(field_type, Flaw):
        return None, [field_type]
    crm = mapping(document.get("crm"))
    limits = {key: value for key, value in document.items() if key in field_type.keywords & LIMITS}
    checks, flaws = compile_limits(limits)
    field = FieldDefinition(
        id=text(crm.get("id")) or identity,
        name=name,
        type=field_type,
        column=text(crm.get("column")) or name,
        labels=read_labels(document, "title", readable(name)),
        help=read_labels(crm, "help", text(document.get("description")) or ""),
        document=document,
        parameters=crm,
        limits=limits,
        checks=checks,
        required=required,
        read_only=document.get("readOnly") is True,
        computed=any(key in crm for key in COMPUTED),
        default=document.get("default"),
        unique=crm.get("unique") is True,
        index=crm.get("index") is True,
        track=crm.get("track") is not False,
        sensitivity=text(crm.get("sensitivity")) or "public",
        package=text(crm.get("package")) or package,
        retired=crm.get("retired") is True,
    )
    return complete(field, flaws)


def complete(field: FieldDefinition, flaws: list[Flaw]) -> tuple[FieldDefinition, list[Flaw]]:
    """Adds what can only be read once the field's type and parameters are known."""
    flaws.extend(wrong_json_type(field))
    if field.type.has_options:
        options, found = read_options(field)
        transitions, wrong = read_transitions(field, options)
        field = replace(field, options=options, transitions=transitions)
        flaws.extend((*found, *wrong))
    flaws.extend(field.type.flaws(field))
    listed, found = read_values(field)
    formed, wrong_format = format_checks(field, FORMATS.get(str(field.document.get("format"))))
    flaws.extend((*found, *wrong_format))
    if listed or formed:
        field = replace(field, checks=(*field.checks, *listed, *formed))
    flaws.extend(wrong_default(field))
    return field, flaws


def wrong_json_type(field: FieldDefinition) -> Iterator[Flaw]:
    """Finds a JSON type that the field type does not have."""
    wrong = [name for name in json_types(field.document) if name not in field.type.json_types]
    if wrong:
        values = {"found": wrong, "field": field.type.name, "known": list(field.type.json_types)}
        yield Flaw("/type", "json_type", values)


def read_values(field: FieldDefinition) -> tuple[list[Check], list[Flaw]]:
    """Compiles enum and const of fields without options: their members are read like values."""
    checks: list[Check] = []
    flaws: list[Flaw] = []
    for keyword, code in (("enum", "not_listed"), ("const", "not_constant")):
        if keyword not in field.document or (keyword == "enum" and field.type.has_options):
            continue
        given = field.document[keyword]
        wanted = [item for item in sequence(given) if item is not None]
        wanted = wanted if keyword == "enum" else [given]
        try:
            values = [field.type.coerce(item, field, UTC) for item in wanted]
        except Refused as refused:
            flaws.append(Flaw(f"/{keyword}", refused.code, refused.values))
        else:
            checks.append(among(values, code, [str(item) for item in wanted]))
    return checks, flaws


def wrong_default(field: FieldDefinition) -> Iterator[Flaw]:
    """Finds a default that the field would refuse."""
    if field.default is None:
        return
    try:
        read_value(field, field.default)
    except Refused as refused:
        yield Flaw("/default", refused.code, refused.values)
