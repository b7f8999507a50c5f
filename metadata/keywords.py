"""Object-level JSON Schema keywords (allOf, if, dependentRequired …), enforced on records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend

from metadata.fields.formats import CHECKER
from metadata.fields.read import json_types
from metadata.json_text import pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem

Record = Mapping[str, object]
KeywordCheck = Callable[[Record], list[Problem]]
KEYWORDS: Final = (
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    *("dependentRequired", "dependentSchemas"),
)
VALUE_CODES: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "enum": "not_listed",
    "const": "not_constant",
    "minItems": "min_items",
    "maxItems": "max_items",
    "format": "format",
    "anyOf": "none_fits",
    "oneOf": "not_one_fits",
    "not": "excluded",
}
DECIMAL: Final = re.compile(r"Decimal\('([^']*)'\)")


def match_pattern(
    _validator: object, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    """Judges a text by an unanchored RE2 search: no pattern takes longer than its text is long."""
    if isinstance(instance, str) and re2.search(pattern, instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


RecordValidator: Final = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": match_pattern}
)


def compile_keywords(definition: ObjectDefinition) -> KeywordCheck | None:
    """Gives a check of whole records; None when the definition has no such keywords.

    Records are judged in the definition's form of values: empty is absent, numbers are exact.
    """
    document = definition.document
    wanted = {key: exact(document[key]) for key in KEYWORDS if key in document}
    if not wanted:
        return None
    validator = RecordValidator(wanted, format_checker=CHECKER)

    def check(record: Record) -> list[Problem]:
        plain = plain_record(definition, record)
        return [as_problem(error) for error in validator.iter_errors(plain)]

    return check


def exact(schema: Any) -> Any:
    """Gives a schema whose numbers are Decimal, as those of records are."""
    if isinstance(schema, float):
        return Decimal(repr(schema))
    if isinstance(schema, Mapping):
        return {key: exact(part) for key, part in schema.items()}
    return [exact(part) for part in schema] if isinstance(schema, list) else schema


def plain_record(definition: ObjectDefinition, record: Record) -> dict[str, object]:
    """Gives a record as the definition's JSON Schema describes it."""
    return {
        field.name: plain_value(field, record[field.name])
        for field in definition.own_fields
        if record.get(field.name) is not None
    }


def plain_value(field: FieldDefinition, value: object) -> object:
    """Gives a value in the JSON type that the property declares."""
    wire = field.type.to_wire(value, field)
    types = json_types(field.document)
    if isinstance(wire, Mapping) and "object" not in types:
        wire = wire.get("amount", field.type.plain(value, field))
    is_numeric = "number" in types or "integer" in types
    return Decimal(wire) if is_numeric and isinstance(wire, str) else wire


def as_problem(error: ValidationError) -> Problem:
    """Gives what jsonschema found, at the most telling place inside a combination."""
    found = best_match([error]) or error
    wanted, instance = cast(Any, found.validator_value), cast(Any, found.instance)
    if found.validator == "required":
        name = next(name for name in wanted if name not in instance)
        return Problem(pointer([name]), "required", {"field": name})
    if found.validator == "dependentRequired":
        names = [n for cause, needs in wanted.items() if cause in instance for n in needs]
        name = next(name for name in names if name not in instance)
        return Problem(pointer([name]), "required", {"field": name})
    place, code = pointer(found.absolute_path), VALUE_CODES.get(str(found.validator))
    if code is None:
        detail = DECIMAL.sub(r"\1", found.message)
        return Problem(place, "object_keywords", {"detail": detail})
    limit = wanted if isinstance(wanted, list) else str(wanted)
    values = {"limit": limit, "allowed": limit, "pattern": limit, "format": limit}
    return Problem(place, code, values | {"length": length_of(instance)})


def length_of(instance: object) -> int | None:
    """Gives the length of a text or list."""
    return len(instance) if isinstance(instance, (str, list)) else None
