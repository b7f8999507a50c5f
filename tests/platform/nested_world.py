"""Orders with lines, partners, a tree and notes about anything, for the tests of nested values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.platform.acting import acting
from tests.platform.conditional_world import JsonObject, publish_more
from trellis.records.read import read_record
from trellis.records.save import Saved, save_record
from trellis.runtime import Platform

TEXT: JsonObject = {"type": "string"}


def reference(target: str, **crm: object) -> JsonObject:
    """Gives a reference as a property."""
    return {"type": "string", "crm": {"field": "reference", "to": target, **crm}}


ORDER: JsonObject = {
    "title": "Order",
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": TEXT,
        "factor": {"type": "integer", "default": 1},
        "sum": {"type": "integer"},
        "lines": {
            "type": "array",
            "title": "Lines",
            "maxItems": 60,
            "crm": {"field": "child_table", "to": "line"},
        },
        "partners": {
            "type": "array",
            "title": "Partners",
            "crm": {
                "field": "many_to_many",
                "to": "account",
                "reverse": "shared_orders",
                "link": {
                    "properties": {
                        "part": {"type": "string", "enum": ["seller", "carrier"]},
                        "share": {"type": "integer", "minimum": 0, "maximum": 100},
                    }
                },
            },
        },
        "tags": {"type": "array", "title": "Tags", "crm": {"field": "many_to_many", "to": "tag"}},
    },
    "crm": {"plural": "Orders"},
}
LINE: JsonObject = {
    "title": "Line",
    "type": "object",
    "required": ["order", "product"],
    "properties": {
        "order": reference("order"),
        "product": TEXT,
        "quantity": {"type": "integer", "minimum": 1, "default": 1},
        "price": {"type": "integer"},
        "cost": {"type": "integer"},
        "code": {"type": "string", "crm": {"unique": True}},
        "total": {"type": "integer", "readOnly": True},
    },
    "crm": {"plural": "Lines", "name_field": "product"},
}
TAG: JsonObject = {
    "title": "Tag",
    "type": "object",
    "properties": {"name": {"type": "string", "crm": {"unique": True}}},
    "crm": {"plural": "Tags"},
}
PLACE: JsonObject = {
    "title": "Place",
    "type": "object",
    "properties": {
        "name": TEXT,
        "parent": {"type": "string", "crm": {"field": "tree", "reverse": "places"}},
    },
    "crm": {"plural": "Places"},
}
NOTE: JsonObject = {
    "title": "Memo",
    "type": "object",
    "properties": {
        "name": TEXT,
        "about": {
            "type": "object",
            "crm": {"field": "any_reference", "to": ["order", "tag", "lead"]},
        },
        "team": {"type": "string", "crm": {"field": "team"}},
    },
    "crm": {"plural": "Memos"},
}
RULES = """ruleset orders "Orders" version 1

rule line_total on line before save {
    set total to quantity * price * order.factor
}

rule order_sum on order before save {
    set sum to sum(lines.total)
}

validate small on order {
    require sum is empty or sum <= 1000 message "Too much for one order" at name
}
"""
OBJECTS: Mapping[str, JsonObject] = {
    "order": ORDER,
    "line": LINE,
    "tag": TAG,
    "place": PLACE,
    "memo": NOTE,
}


def publish_orders(platform: Platform, rules: str = RULES) -> None:
    """Publishes the objects and rules; sales people may do everything with them."""
    publish_more(platform, OBJECTS, {"rules/orders": {"text": rules}} if rules else {})


def save(
    platform: Platform,
    username: str,
    object_name: str,
    record_id: str | None = None,
    /,
    **values: object,
) -> Saved:
    """Saves as a user."""
    with acting(platform, username) as unit:
        return save_record(unit, object_name, record_id, values, channel="api")


def read(
    platform: Platform, username: str, object_name: str, record_id: str, *fields: str
) -> dict[str, Any]:
    """Gives a record as a user sees it; without fields all of it."""
    with acting(platform, username) as unit:
        return read_record(unit, object_name, record_id, fields or None)
