"""Definitions as documents: the published meta-schemas, and what is wrong with a shape."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from metadata.fields.read import infer_type
from metadata.fields.registry import offered_types
from metadata.json_text import mapping, nearest, pointer
from metadata.problems import Problem

SCHEMA_OF: Final[Mapping[str, str]] = {
    "object": "object",
    "role": "role",
    "view": "view",
    "layout": "layout",
    "translations": "translations",
    "package": "manifest",
}
"""The meta-schema of each kind of element that has one."""

RULES: Final = Draft202012Validator(
    {
        "type": "object",
        "required": ["text"],
        "additionalProperties": False,
        "properties": {"text": {"type": "string"}},
    }
)
"""What rules are around their text, which the language checks."""

LIMIT_CODES: Final[Mapping[str, str]] = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_items",
    "maxProperties": "max_items",
}

FORM_CODES: Final[Mapping[str, str]] = {
    r"^[0-9]+\.[0-9]+\.[0-9]+$": "bad_version",
    "^[a-z][a-z0-9_]{0,39}$": "bad_name",
}
"""Problems that say in words what a pattern asks for."""


def load_schema(name: str) -> dict[str, Any]:
    """Gives a meta-schema as it stands in `metadata/schemas`."""
    text = files("metadata").joinpath("schemas", f"{name}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def meta_schema(name: str) -> Mapping[str, Any]:
    """Gives a meta-schema as published: in `object`, each field type adds its own keywords."""
    schema = load_schema(name)
    if name == "object":
        common = schema["$defs"]["field"]["properties"]
        schema["$defs"]["field"] = {
            "type": "object",
            "properties": {**common, "field": {"enum": [*offered_types()]}, **all_parameters()},
            "allOf": [field_rule(name, common) for name in offered_types()],
            "additionalProperties": False,
        }
    return schema


def all_parameters() -> dict[str, object]:
    """Gives the keywords of all field types, for editors that complete them."""
    return {name: {} for kind in offered_types().values() for name in kind.parameters}


def field_rule(name: str, common: Iterable[str]) -> dict[str, object]:
    """Gives the schema that says which keywords a named field type has."""
    parameters = offered_types()[name].parameters
    return {
        "if": {"properties": {"field": {"const": name}}, "required": ["field"]},
        "then": {
            "properties": dict(parameters),
            "propertyNames": {"enum": [*common, *parameters]},
        },
    }


@cache
def validator(name: str) -> Draft202012Validator:
    """Gives the validator of one kind of document; fields' keywords are `field_validator`'s."""
    schema = load_schema(name)
    if name == "object":
        schema["$defs"]["field"] = {"type": "object"}
    return Draft202012Validator(schema)


@cache
def field_validator(type_name: str) -> Draft202012Validator:
    """Gives the validator of a property's `crm` keywords; "" is for an unknown field type."""
    common = load_schema("object")["$defs"]["field"]["properties"]
    own = offered_types()[type_name].parameters if type_name else all_parameters()
    schema = {"type": "object", "properties": {**common, **own}, "additionalProperties": False}
    return Draft202012Validator(schema)


def document_problems(kind: str, document: object) -> list[Problem]:
    """Gives what is wrong with the shape of an element's document."""
    if kind == "rules":
        return list(shape_problems(RULES, document))
    if kind not in SCHEMA_OF:
        return []
    problems = list(shape_problems(validator(SCHEMA_OF[kind]), document))
    if kind == "object":
        problems.extend(field_keyword_problems(mapping(document)))
    return distinct(problems)


def field_keyword_problems(document: Mapping[str, object]) -> Iterator[Problem]:
    """Gives what is wrong among the `crm` keywords of an object's properties."""
    types = offered_types()
    for name, described in mapping(document.get("properties")).items():
        crm = mapping(described).get("crm")
        if not isinstance(crm, Mapping):
            continue
        named = crm.get("field", infer_type(mapping(described)))
        type_name = str(named) if named in types else ""
        place = ("properties", name, "crm")
        yield from shape_problems(field_validator(type_name), crm, place)


def shape_problems(
    schema: Draft202012Validator, document: object, place: tuple[object, ...] = ()
) -> Iterator[Problem]:
    """Gives what a schema finds in a document that stands at `place`."""
    for error in schema.iter_errors(document):
        yield from explain(error, (*place, *error.absolute_path))


def distinct(problems: Iterable[Problem]) -> list[Problem]:
    """Gives problems without repetitions, in order."""
    seen: dict[tuple[str, str, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.path, problem.code, str(problem.values)), problem)
    return list(seen.values())


def explain(error: ValidationError, place: tuple[object, ...]) -> Iterator[Problem]:
    """Gives a finding of jsonschema in our words."""
    keyword = str(error.validator)
    wanted = cast(Any, error.validator_value)  # may be Unset in a hand-made error, never here
    found = cast(Any, error.instance)
    if keyword == "additionalProperties":
        yield from unknown_keys(error, place)
    elif keyword == "required":
        missing = [name for name in wanted if name not in found]
        yield from (Problem(pointer(place), "missing_key", {"key": name}) for name in missing)
    elif keyword == "type":
        expected = [wanted] if isinstance(wanted, str) else list(wanted)
        yield Problem(pointer(place), "wrong_shape", {"expected": expected})
    elif keyword in {"enum", "const"}:
        known = wanted if keyword == "enum" else [wanted]
        yield Problem(pointer(place), "not_known", choice_values(found, known))
    elif keyword == "pattern":
        code = FORM_CODES.get(wanted, "wrong_form")
        values = {"value": str(found), "name": str(found), "pattern": wanted}
        yield Problem(pointer(place), code, values)
    elif keyword in LIMIT_CODES:
        values = {"limit": wanted, "length": len(found) if hasattr(found, "__len__") else None}
        yield Problem(pointer(place), LIMIT_CODES[keyword], values)
    elif keyword == "anyOf" and error.context:
        deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
        yield from explain(deepest, (*place, *deepest.relative_path))
    else:
        yield Problem(pointer(place), "wrong_value", {"detail": error.message})


def unknown_keys(error: ValidationError, place: tuple[object, ...]) -> Iterator[Problem]:
    """Gives a problem for each key that a schema does not know, with the nearest one it knows."""
    schema, document = cast(Any, error.schema), cast(Any, error.instance)
    known = list(schema.get("properties", ()))
    for key in document:
        if key in known or str(key).startswith("x-"):
            continue
        hint = nearest(str(key), known)
        values = {"key": key, "nearest": hint, "known": None if hint else known}
        yield Problem(pointer((*place, key)), "unknown_key", values)


def choice_values(found: object, known: Iterable[object]) -> dict[str, object]:
    """Gives what fills a message about a word that is not among the known ones."""
    words = [json.dumps(word) if isinstance(word, bool) else str(word) for word in known]
    hint = nearest(str(found), words)
    return {"value": str(found), "nearest": hint, "known": words}
