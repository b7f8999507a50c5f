"""Properties of foreign schemas as fields, with a note of what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from metadata.fields.limits import LIMITS
from metadata.fields.read import FORMATS
from metadata.fields.registry import offered_types
from metadata.foreign.source import Schema, api_name
from metadata.json_text import mapping, sequence, text
from metadata.parse import REFUSED_FIELDS
from metadata.problems import Problem

FOREIGN_FORMATS: Final = {**FORMATS, "uri-reference": "text", "phone": "phone", "tel": "phone"}
KEPT_FORMATS: Final = frozenset(("uuid", "ipv4", "ipv6", "regex"))
BOUNDS: Final = {"int32": 2**31}
SCALARS: Final = {"integer": "integer", "number": "decimal", "boolean": "boolean"}
MOST_OPTIONS: Final = 200
LONG_TEXT: Final = 255
MOST_LETTERS: Final = 50
"""What a tag has at most."""


@dataclass(slots=True)
class Made:
    """What one property became: the field's document, or nothing, and what was noted."""

    document: dict[str, Any] | None
    notes: list[Problem] = field(default_factory=list)


def field_name(given: str, taken: Mapping[str, object]) -> str:
    """Gives a field's name; `id` of a foreign system is `external_id`."""
    name = api_name(given)
    if name in REFUSED_FIELDS:
        name = "external_id" if name == "id" else f"{name[:31]}_original"
    return api_name(name, taken)


def titled(given: str, schema: Schema) -> dict[str, Any]:
    """Gives title and help."""
    title = text(schema.get("title")) or api_name(given).replace("_", " ").capitalize()
    made: dict[str, Any] = {"title": title[:100]}
    if (described := text(schema.get("description"))) is not None:
        made["description"] = described
    return made


def scalar_field(given: str, schema: Schema, place: str) -> Made:
    """Gives the field of a property that is neither object nor list; none for what is unclear."""
    made: dict[str, Any] = titled(given, schema)
    notes: list[Problem] = []
    values = sequence(schema.get("enum"))
    kind = text(schema.get("type")) or guessed(schema, values)
    if kind in SCALARS:
        made |= {"type": kind}
        named = SCALARS[kind]
        if schema.get("format") in BOUNDS:
            most = BOUNDS[str(schema["format"])]
            made |= {"minimum": -most, "maximum": most - 1}
    elif kind == "string" and values and len(values) <= MOST_OPTIONS:
        made |= {"type": "string", "enum": list(dict.fromkeys(map(str, values)))}
        named = "choice"
    elif kind == "string":
        named = text_field(schema, made, place, notes)
    else:
        return as_json(given, schema, place)
    known = offered_types()[named].keywords if named in offered_types() else frozenset()
    for keyword in sorted(set(schema) & (LIMITS | {"const", "default", "readOnly"})):
        if keyword in LIMITS and keyword not in known:
            notes.append(Problem(f"{place}/{keyword}", "foreign_dropped", {"keyword": keyword}))
        else:
            made[keyword] = schema[keyword]
    if named in SCALARS.values() and values:
        made["enum"] = list(values)
    return Made(made, notes)


def text_field(schema: Schema, made: dict[str, Any], place: str, notes: list[Problem]) -> str:
    """Fills in the type of a text; gives its name."""
    made["type"] = "string"
    form = text(schema.get("format"))
    longest = schema.get("maxLength")
    named = FOREIGN_FORMATS.get(form or "")
    if named is None:
        named = "long_text" if isinstance(longest, int) and longest > LONG_TEXT else "text"
        if form in KEPT_FORMATS:
            made["format"] = form
        elif form not in (None, "password"):
            dropped = {"keyword": f"format {form}"}
            notes.append(Problem(f"{place}/format", "foreign_dropped", dropped))
    made["crm"] = {"field": named}
    return named


def guessed(schema: Schema, values: object) -> str | None:
    """Gives the JSON type of a schema that does not say it."""
    samples = [*sequence(values), *([schema["const"]] if "const" in schema else [])]
    if samples and all(isinstance(one, str) for one in samples):
        return "string"
    if "format" in schema or "maxLength" in schema or "pattern" in schema:
        return "string"
    return "number" if "minimum" in schema or "maximum" in schema else None


def list_field(given: str, schema: Schema, items: Schema, place: str) -> Made:
    """Gives the field of a list of texts; other lists are kept as JSON."""
    values = [str(value) for value in sequence(items.get("enum"))]
    is_text = items.get("type", "string") == "string" and (values or "type" in items)
    longest = items.get("maxLength", 0)
    is_word = "format" not in items and isinstance(longest, int) and longest <= MOST_LETTERS
    if not is_text or not (values or is_word):
        return as_json(given, schema, place)
    inner: dict[str, Any] = {"type": "string"}
    if values:
        inner["enum"] = list(dict.fromkeys(values))
    inner |= {key: items[key] for key in ("minLength", "maxLength", "pattern") if key in items}
    made = titled(given, schema) | {"type": "array", "items": inner}
    made |= {key: schema[key] for key in ("minItems", "maxItems", "uniqueItems") if key in schema}
    return Made(made)


def as_json(given: str, schema: Schema, place: str) -> Made:
    """Keeps what no field type fits as JSON, and says so."""
    made = titled(given, schema) | {"type": ["object", "array"], "crm": {"field": "json"}}
    return Made(made, [Problem(place, "foreign_json", {"name": given})])


def is_flat(schema: Schema) -> bool:
    """Says whether an object holds nothing but plain values, few enough to be fields here."""
    properties = mapping(schema.get("properties"))
    return 0 < len(properties) <= 12 and all(
        not {"properties", "items", "$ref", "anyOf", "oneOf", "allOf"} & set(mapping(one))
        for one in properties.values()
    )
