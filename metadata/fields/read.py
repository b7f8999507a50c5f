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
from metadata.fields.encrypted import encrypted
from metadata.fields.formats import format_checks
from metadata.fields.limits import LIMITS, among, compile_limits
from metadata.fields.options import read_options, read_transitions
from metadata.fields.values import read_value
from metadata.json_text import mapping, nearest, sequence, text
from rule_engine.types import Kind

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
WORD_LIMITS: Final = frozenset({"minLength", "maxLength", "pattern"})


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
        if "enum" in items:
            return "multi_choice"
        return "tags" if json_types(items) == ("string",) else ""
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
    holder: str,
    identity: str,
    package: str,
    required: bool,
) -> tuple[FieldDefinition | None, list[Flaw]]:
    """Gives the field that a property describes, and what is wrong with it.

    `holder` is the object that has the field, `identity` the id of a field that the store has not
    given one yet.
    """
    field_type = resolve_type(document, types)
    if isinstance(field_type, Flaw):
        return None, [field_type]
    crm = mapping(document.get("crm"))
    if field_type.own_object:
        crm = {**crm, "to": holder}
    field_type, refused = sealed_type(field_type, crm, types)
    limits = {key: value for key, value in document.items() if key in field_type.keywords & LIMITS}
    checks, flaws = compile_limits(limits)
    is_computed = any(key in crm for key in COMPUTED)
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
        read_only=document.get("readOnly") is True or field_type.is_automatic,
        computed=is_computed,
        virtual=is_virtual(crm),
        default=document.get("default"),
        unique=crm.get("unique") is True or field_type.is_automatic,
        index=crm.get("index") is True,
        # What follows from others is told by their history, unless it is asked for.
        track=crm.get("track", not is_computed) is not False,
        sensitivity=text(crm.get("sensitivity")) or field_type.default_sensitivity,
        package=text(crm.get("package")) or package,
        retired=crm.get("retired") is True,
    )
    return complete(field, [*refused, *flaws])


def sealed_type(
    kind: FieldType, crm: Mapping[str, object], types: Mapping[str, FieldType]
) -> tuple[FieldType, list[Flaw]]:
    """Gives the type that stores what `encrypted` says, and whether it cannot."""
    if crm.get("encrypted") is not True or kind.is_sealed:
        return kind, []
    if kind.encryptable:
        return encrypted(kind), []
    known = [name for name, one in types.items() if one.encryptable]
    return kind, [Flaw("/crm/encrypted", "not_encryptable", {"field": kind.name, "known": known})]


def is_virtual(crm: Mapping[str, object]) -> bool:
    """Says whether a computed field has no column for what stands in its own definition.

    A formula or a roll-up that depends on time, people or another virtual field has none either:
    that is known when all objects are (`metadata.computed`). One out of use keeps no values.
    """
    if not any(key in crm for key in COMPUTED):
        return False
    lasting = "through" not in crm and crm.get("as") != "user"
    return crm.get("stored", lasting) is not True or crm.get("retired") is True


def complete(field: FieldDefinition, flaws: list[Flaw]) -> tuple[FieldDefinition, list[Flaw]]:
    """Adds what can only be read once the field's type and parameters are known."""
    flaws.extend(wrong_json_type(field))
    flaws.extend(unjudged(field))
    if field.type.has_options:
        options, found = read_options(field)
        transitions, wrong = read_transitions(field, options)
        field = replace(field, options=options, transitions=transitions)
        flaws.extend((*found, *wrong))
    flaws.extend(field.type.flaws(field))
    listed, found = read_values(field)
    formed, wrong_format = format_checks(field, FORMATS.get(str(field.document.get("format"))))
    words, wrong_words = read_items(field)
    flaws.extend((*found, *wrong_format, *wrong_words))
    if listed or formed or words:
        field = replace(field, checks=(*field.checks, *listed, *formed, *words))
    flaws.extend(wrong_default(field))
    return field, flaws


def wrong_json_type(field: FieldDefinition) -> Iterator[Flaw]:
    """Finds a JSON type that the field type does not have."""
    wrong = [name for name in json_types(field.document) if name not in field.type.json_types]
    if wrong:
        values = {"found": wrong, "field": field.type.name, "known": list(field.type.json_types)}
        yield Flaw("/type", "json_type", values)


def unjudged(field: FieldDefinition) -> Iterator[Flaw]:
    """Finds standard keywords that would judge nothing, because the type does not know them."""
    known = field.type.keywords
    for keyword in sorted(LIMITS - known):
        if keyword in field.document:
            values = {"keyword": keyword, "field": field.type.name, "known": sorted(known)}
            yield Flaw(f"/{keyword}", "keyword_not_judged", values)


def read_items(field: FieldDefinition) -> tuple[tuple[Check, ...], list[Flaw]]:
    """Compiles the limits of the words of a list: minLength, maxLength and pattern of `items`."""
    items = mapping(field.document.get("items"))
    limits = {key: value for key, value in items.items() if key in WORD_LIMITS}
    if field.type.kind is not Kind.CHOICES or field.type.has_options:
        return (), []
    checks, flaws = compile_limits(limits)
    below = [replace(flaw, pointer=f"/items{flaw.pointer}") for flaw in flaws]
    return tuple(for_each(check) for check in checks), below


def for_each(check: Check) -> Check:
    """Makes a check of lists out of one of their words."""

    def check_all(value: object) -> None:
        for word in sorted(value) if isinstance(value, frozenset) else ():
            check(word)

    return check_all


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
    """Finds a default that the field would refuse; an encrypted field has none in plain text."""
    if field.default is None:
        return
    if field.type.is_sealed:
        yield Flaw("/default", "sealed_default", {"field": field.name})
    try:
        read_value(field, field.default)
    except Refused as refused:
        yield Flaw("/default", refused.code, refused.values)
