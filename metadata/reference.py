"""The pages of field types and of keywords, made from the registry and the meta-schemas:
`python -m metadata.reference fields` and `python -m metadata.reference keywords`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import getdoc
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from metadata.documents import SCHEMA_OF, load_schema
from metadata.fields.base import FieldType, Sample
from metadata.fields.limits import LIMITS
from metadata.fields.read import read_field
from metadata.fields.registry import offered_types
from metadata.json_text import mapping, sequence
from rule_engine.reference import KINDS

Rows = Iterator[str]
STEPS: Final = ("properties", "additionalProperties", "items", "anyOf")
GROUPS: Final = {
    "texts": "Texts",
    "numbers": "Numbers",
    "dates": "Dates and times",
    "choices": "Choices",
    "relations": "Relations",
    "more": "More",
}
DIALECTS: Final[Mapping[str, sa.Dialect]] = {
    "SQLite": sqlite.dialect(),
    "PostgreSQL": postgresql.dialect(),  # type: ignore[no-untyped-call]
}
LIST_LIMIT: Final = 12
"""Of longer lists of known words only the first ones are shown."""
FIRST_WORDS: Final = 4
FIELDS_HEAD: Final = """\
# Field types

Made from `metadata/fields/types/` by `make docs`. A field is a property of an object; `crm.field`
names its type, unless the standard keywords imply it ([how](packages.md#an-object-from-zero)). What
all fields have is on the page of [keywords](keywords.md#field). Values are shown as the REST API
takes and keeps them: `given → kept`; CSV files and forms take texts. *Converts to* lists the types
into which a field can be changed later, with its values; the plan says beforehand what is lost.
"""
KEYWORDS_HEAD: Final = """\
# Keywords

Made from `metadata/schemas/` by `make docs`. These are all keywords of a package's JSON files. An
installation publishes the same schemas at `/schemas/<name>.json` for editors that complete and
check. Unknown keywords are refused, with the nearest known one; keys of objects and fields that
begin with `x-` are yours. The keywords of single field types are on the page of
[field types](fields.md). An *expression* is a condition or formula in the
[rule language](rules.md).
"""


def fields_page() -> str:
    """Gives the page of field types in Markdown."""
    return "\n".join([FIELDS_HEAD, *field_lines()])


def field_lines() -> Rows:
    """Gives all field types, group by group."""
    for group, title in GROUPS.items():
        kinds = [kind for kind in offered_types().values() if kind.group == group]
        links = " · ".join(f"[{kind.name}](#{kind.name})" for kind in kinds)
        yield f"{title}: {links}  "
    yield ""
    for group, title in GROUPS.items():
        yield from (f"## {title}", "")
        for kind in offered_types().values():
            if kind.group == group:
                yield from entry(kind)


def entry(kind: FieldType) -> Rows:
    """Gives one field type."""
    yield from (f"### {kind.name}", "")
    yield f"**{kind.titles['en']}.** {described(kind)}"
    yield ""
    if kind.samples:
        yield f"- example: `{short(kind.samples[0].document)}`"
        yield f"- values: {', '.join(values_of(kind.samples[0]))}"
    yield f"- stored: {stored(kind)}"
    yield f"- JSON type: {named(kind.json_types)}"
    keywords = [name for name in sorted(LIMITS) if name in kind.keywords]
    if keywords:
        yield f"- limits: {named(keywords)}"
    yield f"- in rules: {KINDS[kind.kind]}"
    yield f"- filters offer: {named(kind.operators) or 'nothing'}"
    yield f"- converts to: {linked(kind.conversions) or 'nothing'}"
    if kind.default_sensitivity != "public":
        yield f"- sensitivity: `{kind.default_sensitivity}` unless the field says otherwise"
    if kind.encryptable:
        yield "- can be `encrypted`"
    yield ""
    if kind.parameters:
        yield from table("keyword", keyword_rows(kind.parameters, "crm"))


def described(kind: FieldType) -> str:
    """Gives what the type says of itself, on one line."""
    return " ".join((getdoc(type(kind)) or "").split())


def values_of(sample: Sample) -> Rows:
    """Gives the sample's values, as they are given and as they are kept."""
    for given, kept in sample.good:
        if given == kept and type(given) is type(kept):
            yield f"`{short(given)}`"
        else:
            yield f"`{short(given)}` → `{short(kept)}`"


def stored(kind: FieldType) -> str:
    """Gives the columns of a value on both databases."""
    if not kind.parts:
        return "in records of another object"
    document = kind.samples[0].document
    field, _ = read_field(
        *("value", document, offered_types()),
        holder="thing", identity="", package="", required=False,
    )  # fmt: skip
    if field is None:
        raise ValueError(f"the first sample of {kind.name} makes no field")
    column, *others = kind.columns(field, "value")
    found = {name: column.type.compile(dialect) for name, dialect in DIALECTS.items()}
    if len(set(found.values())) == 1:
        shown = f"`{next(iter(found.values()))}`"
    else:
        shown = ", ".join(f"`{type_}` on {name}" for name, type_ in found.items())
    parts = named(one.name.partition("$")[2] for one in others)
    return f"{shown}{f', beside it {parts}' if parts else ''}"


def named(words: Iterable[str]) -> str:
    """Gives words as code in a row."""
    return ", ".join(f"`{word}`" for word in words)


def linked(types: Iterable[str]) -> str:
    """Gives field types with links to them."""
    return ", ".join(f"[{name}](#{name})" for name in sorted(types))


def short(value: object) -> str:
    """Gives a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def keywords_page() -> str:
    """Gives the page of keywords in Markdown."""
    lines = [KEYWORDS_HEAD]
    for kind in (*SCHEMA_OF.values(), "demo"):
        schema = load_schema(kind)
        lines += [f"## {kind.capitalize()}", "", f"{schema['description']}.", ""]
        if kind == "object":
            lines += object_lines(schema)
        else:
            lines += table("keyword", keyword_rows(schema["properties"], "", schema))
        if kind == "demo":
            recipe = properties_of(mapping(schema["$defs"])["recipe"])
            lines += ["### Recipe", "", *table("keyword", keyword_rows(recipe, "", schema))]
    return "\n".join(lines)


def object_lines(schema: Mapping[str, object]) -> Rows:
    """Gives the parts of an object's schema: the object, its `crm`, a field, its `crm`."""
    definitions = mapping(schema["$defs"])
    parts = (
        ("", mapping(schema["properties"]), ""),
        ("### In the object's `crm`", properties_of(definitions["object"]), "crm"),
        ("### Field", properties_of(definitions["property"]), ""),
        ("### In the field's `crm`", properties_of(definitions["field"]), "crm"),
    )
    for title, properties, prefix in parts:
        yield from (title, "") if title else ()
        yield from table("keyword", keyword_rows(properties, prefix))


def properties_of(schema: object) -> Mapping[str, object]:
    """Gives the properties of a schema."""
    return mapping(mapping(schema).get("properties"))


def table(head: str, rows: Iterable[tuple[str, str, str]]) -> Rows:
    """Gives rows as a table."""
    yield f"| {head} | value | meaning |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def keyword_rows(
    properties: Mapping[str, object], prefix: str, root: Mapping[str, object] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Gives keyword, value and meaning of properties and of what stands in their values."""
    for name, given in properties.items():
        schema = followed(given, root)
        place = f"{prefix}.{name}" if prefix else name
        meaning = str(mapping(given).get("description", schema.get("description", "")))
        yield f"`{place}`", value_of(schema), meaning
        for below, inner in inside(schema, place, root):
            yield from keyword_rows(inner, below, root)


def inside(
    schema: Mapping[str, object], place: str, root: Mapping[str, object] | None
) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Gives the properties that stand in the values of a keyword, with their place."""
    if isinstance(schema.get("properties"), Mapping) and "x-names" not in schema:
        yield place, mapping(schema["properties"])
    steps: Mapping[str, Callable[[str], str]] = {
        "additionalProperties": "{}.<name>".format,
        "items": "{}[]".format,
    }
    for step, say in steps.items():
        below = followed(schema.get(step), root)
        if below:
            yield from inside(below, say(place), root)
    for option in sequence(schema.get("anyOf")):
        yield from inside(followed(option, root), place, root)


def followed(given: object, root: Mapping[str, object] | None) -> Mapping[str, object]:
    """Gives the schema that a reference within the document leads to, or the schema itself."""
    schema = mapping(given)
    reference = schema.get("$ref")
    if not isinstance(reference, str) or root is None:
        return schema
    found: object = root
    for part in reference.removeprefix("#/").split("/"):
        found = mapping(found)[part]
    return mapping(found)


def value_of(schema: Mapping[str, object]) -> str:
    """Says in a few words which values a keyword takes."""
    if "enum" in schema:
        return words_of(sequence(schema["enum"]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return " or ".join(
            dict.fromkeys(value_of(mapping(one)) for one in sequence(schema["anyOf"]))
        )
    thing = str(schema.get("x-names", ""))
    if thing == "subschema":
        return "schema"
    if thing:
        return "path of fields" if thing == "path" else thing.replace("_", " ")
    kind = schema.get("type")
    if kind == "array":
        return f"list of {value_of(mapping(schema.get('items')))}"
    if kind == "object":
        keys = str(schema.get("x-keys", "")).replace("_", " ")
        return f"object by {keys}" if keys else "object"
    bounds = [str(schema[key]) for key in ("minimum", "maximum") if key in schema]
    suffix = f" {' to '.join(bounds)}" if len(bounds) > 1 else ""
    return " or ".join(map(str, kind)) if isinstance(kind, list) else f"{kind or 'any'}{suffix}"


def words_of(words: Iterable[object]) -> str:
    """Gives known words; of many only the first ones."""
    listed = [json.dumps(one) if isinstance(one, bool) else str(one) for one in words]
    if len(listed) > LIST_LIMIT:
        return f"{named(listed[:FIRST_WORDS])} …"
    return named(listed)


PAGES: Final = {"fields": fields_page, "keywords": keywords_page}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
