"""A foreign JSON Schema document: references resolved, parts merged, null taken out of types."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from metadata.json_text import mapping, sequence

Schema = Mapping[str, object]
CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
MAX_NAME: Final = 40
MAX_STEPS: Final = 20
HOMES: Final = (("components", "schemas"), ("definitions",), ("$defs",))
"""Where documents keep schemas that others refer to."""


def api_name(text: str, taken: Iterable[str] = ()) -> str:
    """Gives a name of letters, digits and _ for any name, unlike those that are taken."""
    plain = unicodedata.normalize("NFKD", CAMEL.sub("_", text)).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    name = name if name[:1].isalpha() else f"f_{name}".rstrip("_")
    name = name[:MAX_NAME].rstrip("_")
    others, number, free = set(taken), 1, name
    while free in others:
        number += 1
        free = f"{name[: MAX_NAME - 3]}_{number}"
    return free


@dataclass(frozen=True, slots=True)
class Source:
    """The document that references point into."""

    document: Schema

    def named(self) -> dict[str, Schema]:
        """Gives the schemas that the document keeps by name: `#/…` pointer to schema."""
        found: dict[str, Schema] = {}
        for home in HOMES:
            place: object = self.document
            for step in home:
                place = mapping(place).get(step)
            for name, schema in mapping(place).items():
                found["/".join(("#", *home, name))] = mapping(schema)
        return found

    def follow(self, schema: Schema) -> tuple[Schema, str | None]:
        """Gives what a schema means, and the pointer of the named one it refers to.

        A reference that leads nowhere, or out of the document, gives an empty schema.
        """
        pointer: str | None = None
        for _ in range(MAX_STEPS):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            pointer = reference
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self.at(reference), **beside}
        return self.plain(schema), pointer

    def at(self, reference: str) -> Schema:
        """Gives the schema at a local reference."""
        if not reference.startswith("#"):
            return {}
        place: object = self.document
        for step in reference.removeprefix("#").split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            place = mapping(place).get(key)
        return mapping(place)

    def plain(self, schema: Schema) -> Schema:
        """Gives a schema without `null` among its types, its `allOf` merged where all parts are
        plain."""
        schema = without_null(schema)
        for keyword in ("anyOf", "oneOf"):
            branches = [mapping(one) for one in sequence(schema.get(keyword))]
            wanted = [one for one in branches if one.get("type") != "null"]
            if len(wanted) == 1 and len(branches) > 1:
                rest = {key: value for key, value in schema.items() if key != keyword}
                return self.follow({**wanted[0], **rest})[0]
        parts = [self.follow(mapping(one))[0] for one in sequence(schema.get("allOf"))]
        if parts and all("if" not in part and "not" not in part for part in parts):
            rest = {key: value for key, value in schema.items() if key != "allOf"}
            return merged([*parts, rest])
        return schema


def without_null(schema: Schema) -> Schema:
    """Gives a schema that says nothing of null: here any field may be empty."""
    types = [one for one in sequence(schema.get("type")) if one != "null"]
    made = {key: value for key, value in schema.items() if key != "nullable"}
    if types:
        made["type"] = types[0] if len(types) == 1 else types
    if "enum" in made:
        made["enum"] = [value for value in sequence(made["enum"]) if value is not None]
    return made


def merged(parts: Iterable[Schema]) -> Schema:
    """Gives one schema for several that hold together."""
    whole: dict[str, object] = {}
    for part in parts:
        for key, value in part.items():
            if key == "properties":
                whole[key] = {**mapping(whole.get(key)), **mapping(value)}
            elif key == "required":
                whole[key] = [*dict.fromkeys([*sequence(whole.get(key)), *sequence(value)])]
            else:
                whole[key] = value
    return whole
