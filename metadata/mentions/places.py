"""Where documents name things: the meta-schemas say it, with keywords of their own.

`x-names` on a text says what it names (field, path, link, object, option, expression, role, view,
layout, record_type), `x-keys` on an object what its keys name, and `x-at` which key beside a
value gives the object that the value is about. A keyword that names something and does not say so
would be left behind by a rename: `tests/metadata/test_mentions.py` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from metadata.documents import SCHEMA_OF, load_schema
from metadata.elements import Element
from metadata.fields.read import infer_type
from metadata.fields.registry import offered_types
from metadata.json_text import mapping, text
from rule_engine.types import Schema

Node = Mapping[str, Any]
JsonObject = dict[str, Any]

SUBSCHEMA: Final = "subschema"
CONDITIONS_OF_VALUES: Final[Node] = {
    "properties": {
        "required": {"items": {"x-names": "field"}},
        "dependentRequired": {
            "x-keys": "field",
            "additionalProperties": {"items": {"x-names": "field"}},
        },
        "properties": {
            "x-keys": "field",
            "additionalProperties": {
                "properties": {
                    "const": {"x-names": "option"},
                    "enum": {"items": {"x-names": "option"}},
                    "contains": {"properties": {"const": {"x-names": "option"}}},
                    "not": {
                        "properties": {
                            "const": {"x-names": "option"},
                            "enum": {"items": {"x-names": "option"}},
                        }
                    },
                }
            },
        },
        **{key: {"x-names": SUBSCHEMA} for key in ("not", "if", "then", "else")},
        **{key: {"items": {"x-names": SUBSCHEMA}} for key in ("allOf", "anyOf", "oneOf")},
    }
}
"""The standard's object-level keywords, as they look at an object's fields."""

JSON_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "array": (list, tuple),
    "object": Mapping,
    "string": str,
    "boolean": bool,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a document.

    `parts` lead to it, `names` says what it names. `object` and `field` are those that it is
    about, by the names that the schema knows; `this` is the object of `this.` in an expression
    about another one.
    """

    parts: tuple[str | int, ...] = ()
    names: str = ""
    text: str = ""
    object: str = ""
    field: str = ""
    this: str | None = None

    def below(self, part: str | int) -> Place:
        """Gives the place of a member."""
        return replace(self, parts=(*self.parts, part))


Visit = Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class Former:
    """The names that an element and the objects and its fields had until now, by those of now."""

    element: str
    objects: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def visit_element(element: Element, schema: Schema, visit: Visit, former: Former) -> object:
    """Gives an element's document with each name replaced by what `visit` gives for it.

    Rule texts and manifests are left as they are.
    """
    if element.kind not in SCHEMA_OF or element.kind == "package":
        return element.body
    root = load_root(SCHEMA_OF[element.kind])
    walk = Walk(root, schema, visit, former.objects)
    here = Place(object=former.element.partition("/")[0])
    if element.kind != "object":
        return walk.value(root, element.body, here)
    return walk.object_document(element.body, here, former.fields)


@cache
def load_root(name: str) -> Node:
    """Gives a meta-schema as it stands in its file."""
    return load_schema(name)


class Walk:
    """Follows a document through its meta-schema and replaces the names in it."""

    def __init__(self, root: Node, schema: Schema, visit: Visit, former: Mapping[str, str]) -> None:
        self.root = root
        self.schema = schema
        self.visit = visit
        self.former = former

    def value(self, node: Node, value: object, at: Place) -> object:
        """Gives a value with other names in it."""
        node = self.chosen(self.resolved(node), value)
        if node.get("x-names") == SUBSCHEMA:
            node = CONDITIONS_OF_VALUES
        if isinstance(value, str) and "x-names" in node:
            return self.visit(replace(at, names=node["x-names"], text=value))
        if isinstance(value, Mapping):
            return dict(self.member(node, key, value, at) for key in value)
        if isinstance(value, (list, tuple)) and "items" in node:
            return [
                self.value(node["items"], item, at.below(index)) for index, item in enumerate(value)
            ]
        return value

    def resolved(self, node: Node) -> Node:
        """Gives what a reference inside the meta-schema leads to."""
        found = node
        while isinstance(found.get("$ref"), str):
            place = found["$ref"].removeprefix("#/").split("/")
            found = self.root
            for part in place:
                found = found[part]
        return found

    def chosen(self, node: Node, value: object) -> Node:
        """Gives the alternative of a node that a value belongs to."""
        for option in node.get("anyOf", ()):
            branch = self.resolved(option)
            wanted = JSON_TYPES.get(str(branch.get("type")))
            if wanted is not None and isinstance(value, wanted):
                return branch
        return node

    def member(self, node: Node, key: str, whole: Node, at: Place) -> tuple[str, object]:
        """Gives one member of a JSON object, with its key."""
        known = node.get("properties", {}).get(key)
        inner = at.below(key)
        if known is not None:
            known = self.resolved(known)
            if "x-at" in known:
                inner = self.moved(node, known["x-at"], whole, inner)
            return key, self.value(known, whole[key], inner)
        named, more = key, node.get("additionalProperties")
        if "x-keys" in node:
            named = self.visit(replace(inner, names=node["x-keys"], text=key))
            inner = self.entered(node["x-keys"], key, inner)
        return named, self.value(more, whole[key], inner) if isinstance(more, Mapping) else whole[
            key
        ]

    def entered(self, names: str, key: str, at: Place) -> Place:
        """Gives a place below a key that names an object or a field."""
        if names == "object":
            return replace(at, object=self.former.get(key, key), field="")
        return replace(at, field=key) if names == "field" else at

    def moved(self, node: Node, beside: str, whole: Node, at: Place) -> Place:
        """Gives a place about the object that the key beside it names."""
        named = text(whole.get(beside))
        sort = self.resolved(node["properties"].get(beside, {})).get("x-names")
        if named is None:
            return at
        if sort == "link":
            owner = self.schema.objects.get(at.object)
            link = owner.links.get(named) if owner is not None else None
            return replace(at, object=link.target if link is not None else "", field="")
        other = self.former.get(named, named)
        return replace(at, object=other, field="", this=at.object)

    def object_document(self, body: Node, at: Place, fields: Mapping[str, str]) -> JsonObject:
        """Gives an object's document; `fields` are former names of its fields."""
        made: JsonObject = {}
        for key in body:
            if key != "properties":
                made[key] = self.member(self.root, key, body, at)[1]
                continue
            made[key] = {
                name: self.property(
                    mapping(described),
                    replace(at, parts=(*at.parts, key, name), field=fields.get(name, name)),
                )
                for name, described in mapping(body[key]).items()
            }
        return made

    def property(self, body: Node, at: Place) -> JsonObject:
        """Gives the document of one field."""
        common = self.root["$defs"]["property"]
        kind = offered_types().get(str(mapping(body.get("crm")).get("field") or infer_type(body)))
        own = kind.parameters if kind is not None else {}
        keywords = {"properties": {**self.root["$defs"]["field"]["properties"], **own}}
        made: JsonObject = {}
        for key in body:
            if key == "crm":
                made[key] = self.value(keywords, body[key], at.below(key))
            else:
                made[key] = self.member(common, key, body, at)[1]
        return made
