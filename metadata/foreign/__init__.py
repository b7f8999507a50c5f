"""Foreign JSON Schema documents as objects: JSON Schema of any draft, OpenAPI components.

Nothing is dropped in silence: each property is told what it became.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from metadata.foreign.fields import as_json, field_name, is_flat, list_field, scalar_field, titled
from metadata.foreign.source import Schema, Source, api_name
from metadata.json_text import mapping, pointer, strings, text
from metadata.keywords import KEYWORDS
from metadata.parse import REFUSED_OBJECTS, SYSTEM_OBJECTS, parse_object
from metadata.problems import Problem

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ROUNDS: Final = 5


@dataclass(slots=True)
class Imported:
    """The objects' documents by name, and what became of each part of the foreign document.

    A note's path is the place in the foreign document.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)


def import_schema(document: Schema, name: str = "imported") -> Imported:
    """Makes objects of a document: of its root if it has properties, and of each schema it keeps
    by name that has some. `name` is the root's, unless its title gives one."""
    reader = Reader(Source(document))
    reader.find(name)
    for place in list(reader.names):
        reader.add(place)
    for one in list(reader.made.objects):
        reader.settle(one)
    if not reader.made.objects:
        reader.made.notes.append(Problem("", "foreign_nothing"))
    return reader.made


class Reader:
    """Reads one document; `names` are the objects by the places of their schemas."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.names: dict[str, str] = {}
        self.made = Imported()
        self.renamed: dict[str, dict[str, str]] = {}

    def find(self, name: str) -> None:
        """Finds the schemas that become objects."""
        root, same = self.source.follow(self.source.document)
        if mapping(root.get("properties")) and same not in self.source.named():
            self.names["#"] = self.free(text(root.get("title")) or name)
        for place, schema in self.source.named().items():
            if mapping(self.source.follow(schema)[0].get("properties")):
                self.names[place] = self.free(place.rpartition("/")[2])

    def free(self, name: str) -> str:
        """Gives an object's name that is not taken."""
        taken = {*self.names.values(), *self.made.objects, *REFUSED_OBJECTS, *SYSTEM_OBJECTS}
        return api_name(name, taken)

    def add(self, place: str) -> None:
        """Makes the object of the schema at a place."""
        schema, _ = self.source.follow(self.source.at(place))
        name = self.names[place]
        self.made.notes.append(Problem(place.removeprefix("#"), "foreign_object", {"name": name}))
        self.object(name, schema, place.removeprefix("#"))

    def object(self, name: str, schema: Schema, place: str) -> None:
        """Makes one object with its fields."""
        title = text(schema.get("title")) or name.replace("_", " ").capitalize()
        body: dict[str, Any] = {"$schema": DIALECT, "title": title[:100], "type": "object"}
        self.made.objects[name] = body
        body["properties"] = {}
        self.renamed[name] = {}
        for given, described in mapping(schema.get("properties")).items():
            where = f"{place}/properties{pointer([given])}"
            self.property(name, given, mapping(described), where)
        names = self.renamed[name]
        required = [names[one] for one in strings(schema.get("required")) if one in names]
        if required:
            body["required"] = required
        for keyword in KEYWORDS:
            if keyword in schema:
                body[keyword] = renamed(schema[keyword], names)

    def property(self, owner: str, given: str, described: Schema, place: str) -> None:
        """Makes what one property becomes."""
        schema, reference = self.source.follow(described)
        fields = self.made.objects[owner]["properties"]
        items, item_reference = self.source.follow(mapping(schema.get("items")))
        if reference in self.names:
            target, back = self.names[str(reference)], self.way_back(owner, given)
            crm = {"field": "reference", "to": target, "reverse": back}
            self.keep(
                owner, given, titled(given, described) | {"type": "string", "crm": crm}, place
            )
        elif is_flat(schema):
            for inner, one in mapping(schema["properties"]).items():
                below = f"{place}/properties{pointer([inner])}"
                self.property(owner, f"{given}_{inner}", mapping(one), below)
        elif schema.get("type") == "array" and item_reference in self.names:
            target = self.names[str(item_reference)]
            crm = {"field": "many_to_many", "to": target, "reverse": self.way_back(owner, given)}
            self.keep(owner, given, titled(given, schema) | {"type": "array", "crm": crm}, place)
        elif schema.get("type") == "array" and mapping(items.get("properties")):
            self.table(owner, given, schema, items, place)
        else:
            if schema.get("type") == "array":
                found = list_field(given, schema, items, place)
            elif "properties" in schema or schema.get("type") == "object":
                found = as_json(given, schema, place)
            else:
                found = scalar_field(given, schema, place)
            self.made.notes.extend(found.notes)
            if found.document is not None and given not in fields:
                self.keep(owner, given, found.document, place)

    def way_back(self, owner: str, given: str) -> str:
        """Gives the name under which the other object sees the records that lead to it."""
        return api_name(f"{owner}s_by_{api_name(given)}")

    def table(self, owner: str, given: str, schema: Schema, items: Schema, place: str) -> None:
        """Makes an object of a list's items, and a table of its records."""
        child = self.free(f"{owner}_{api_name(given)}")
        self.object(child, items, f"{place}/items")
        back = {"field": "reference", "to": owner, "on_delete": "cascade"}
        crm = {**back, "reverse": self.way_back(child, "row")}
        self.made.objects[child]["properties"][api_name(owner, self.renamed[child].values())] = {
            "type": "string",
            "title": owner.replace("_", " ").capitalize(),
            "crm": crm,
        }
        table = {"type": "array", "crm": {"field": "child_table", "to": child}}
        self.keep(owner, given, titled(given, schema) | table, place)

    def keep(self, owner: str, given: str, made: dict[str, Any], place: str) -> None:
        """Puts a field into its object, and notes what the property became."""
        fields = self.made.objects[owner]["properties"]
        name = field_name(given, fields)
        fields[name] = made
        self.renamed[owner][given] = name
        definition, _ = parse_object(owner, {"properties": {name: made}})
        found = definition.fields.get(name) if definition is not None else None
        kind = found.type.name if found else ""
        values = {"name": given, "field": f"{owner}.{name}", "type": kind}
        self.made.notes.append(Problem(place, "foreign_field", values))

    def settle(self, name: str) -> None:
        """Takes out of an object what its definition cannot have, and notes it."""
        body = self.made.objects[name]
        for _ in range(ROUNDS):
            _, problems = parse_object(name, body)
            wrong = [problem for problem in problems if drop(body, problem.path)]
            for problem in wrong:
                values = {"keyword": f"{name}{problem.path}"}
                self.made.notes.append(Problem("", "foreign_dropped", values))
            if not wrong:
                return


def drop(body: dict[str, Any], path: str) -> bool:
    """Takes the keyword at a path out of a definition; says whether there was one."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    if not steps:
        return False
    if steps[0] != "properties":
        return body.pop(steps[0], None) is not None
    place = mapping(body["properties"]).get(steps[1]) if len(steps) > 1 else None
    if isinstance(place, dict) and len(steps) > 2 and steps[2] not in ("type", "crm"):
        return place.pop(steps[2], None) is not None
    return len(steps) > 1 and body["properties"].pop(steps[1], None) is not None


def renamed(schema: Any, names: dict[str, str]) -> Any:
    """Gives an object-level keyword with the names that the fields have here."""
    if isinstance(schema, list):
        return [renamed(one, names) for one in schema]
    if not isinstance(schema, dict):
        return names.get(schema, schema) if isinstance(schema, str) else schema
    made = {}
    for key, value in schema.items():
        if key in {"properties", "dependentRequired", "dependentSchemas"}:
            inner = {names.get(one, one): value[one] for one in mapping(value)}
            made[key] = inner if key == "properties" else renamed(inner, names)
        elif key in {"enum", "const", "pattern", "title", "description"}:
            made[key] = value
        else:
            made[names.get(key, key)] = renamed(value, names)
    return made
