"""Foreign JSON Schema documents: what becomes of each part; the result can be published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.documents import document_problems
from metadata.foreign import Imported, import_schema
from metadata.json_text import mapping
from metadata.migrate import publish
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, sentence
from metadata.store import create_store, load_catalog
from tests.metadata.databases import element, engine_for

DOCUMENTS = Path(__file__).with_name("foreign")
# by document: object → field → type
FIELDS: dict[str, dict[str, dict[str, str]]] = {
    "petstore": {
        "pet": {
            "external_id": "integer",
            "name": "text",
            "status": "choice",
            "category": "reference",
            "photo_urls": "json",
            "tags": "many_to_many",
            "price": "decimal",
            "stock": "integer",
            "extra": "json",
        },
        "category": {"name": "text"},
        "tag": {"name": "text"},
    },
    "order": {
        "sales_order": {
            "order_number": "text",
            "ordered_at": "datetime",
            "due_date": "date",
            "customer_email": "email",
            "total": "decimal",
            "contact_first_name": "text",
            "contact_phone": "phone",
            "lines": "child_table",
            "keywords": "tags",
            "reference": "json",
        },
        "sales_order_lines": {"sku": "text", "quantity": "integer", "sales_order": "reference"},
        "address": {"street": "text", "zip": "text"},
    },
    "patient": {
        "patient": {
            "external_id": "text",
            "active": "boolean",
            "gender": "choice",
            "birth_date": "date",
            "deceased_date": "date",
            "managing_organization": "reference",
            "remote": "json",
            "telecom": "multi_choice",
            "created_at_original": "datetime",
            "biography": "long_text",
        },
        "organization": {"external_id": "text", "name": "text"},
    },
}


def imported(name: str) -> Imported:
    """Imports one of the documents."""
    return import_schema(json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8")), name)


@pytest.mark.parametrize("name", FIELDS)
def test_fields(name: str) -> None:
    made = imported(name)
    found: dict[str, dict[str, str]] = {}
    for object_name, body in made.objects.items():
        definition, problems = parse_object(object_name, body)
        assert definition is not None
        assert problems == []
        assert document_problems("object", body) == []
        found[object_name] = {field.name: field.type.name for field in definition.own_fields}
    assert found == FIELDS[name]


@pytest.mark.parametrize("name", FIELDS)
def test_result_can_be_published(name: str, database_url: str) -> None:
    with engine_for(database_url) as engine, engine.begin() as connection:
        create_store(connection)
        objects = imported(name).objects
        publish(connection, [element(key, body) for key, body in objects.items()], by="test")
        assert set(objects) <= set(load_catalog(connection).objects)
        assert sa.inspect(connection).has_table(f"o_{next(iter(objects))}")


@pytest.mark.parametrize("name", FIELDS)
def test_each_property_is_told(name: str) -> None:
    """Every property of the document, however deep, has a note at its place."""
    document = json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8"))
    told = [note.path for note in imported(name).notes]
    for place in properties_of(document, ""):
        assert any(path == place or path.startswith(f"{place}/") for path in told), place


def properties_of(schema: Any, place: str) -> list[str]:
    """Gives the places of properties in a document, but those that only conditions name."""
    found: list[str] = []
    for key, value in mapping(schema).items():
        here = f"{place}/{key}"
        if key == "properties":
            for name, inner in mapping(value).items():
                found += [f"{here}/{name}", *properties_of(inner, f"{here}/{name}")]
        elif key not in {"if", "then", "else"}:
            found += properties_of(value, here)
    return found


def test_what_cannot_be_kept_is_said() -> None:
    said = [(note.path, sentence(note)) for name in FIELDS for note in imported(name).notes]
    place = "/properties/lines/items/properties/sku"
    assert (place, "sku becomes sales_order_lines.sku (text)") in said
    lost = "sales_order_lines/properties/sku/pattern cannot be kept and is left out"
    assert ("", lost) in said
    place = "/$defs/Patient/properties/biography/format"
    assert (place, "format markdownish cannot be kept and is left out") in said
    place = "/properties/reference"
    assert (place, "reference has no field type that fits; kept as JSON") in said


def test_conditions_keep_their_meaning() -> None:
    order, patient = imported("order").objects, imported("patient").objects
    assert order["sales_order"]["dependentRequired"] == {"due_date": ["ordered_at"]}
    assert order["sales_order"]["required"] == ["order_number", "lines"]
    assert order["sales_order"]["properties"]["total"]["maximum"] == 1000000
    assert patient["patient"]["then"] == {"required": ["deceased_date"]}
    assert patient["patient"]["properties"]["active"]["default"] is True
    stock = imported("petstore").objects["pet"]["properties"]["stock"]
    assert (stock["minimum"], stock["maximum"]) == (-(2**31), 2**31 - 1)


def test_a_document_without_objects() -> None:
    for document in ({}, {"type": "string"}, {"$ref": "#/nowhere"}, {"$ref": "#"}):
        notes = import_schema(document, "x").notes
        assert [note.code for note in notes] == ["foreign_nothing"]
        assert len({sentence(notes[0], language) for language in LANGUAGES}) == 2
