"""Objects full of conditions, and how tests publish them on the platform of the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metadata.elements import LOCAL, Element
from metadata.migrate import publish
from metadata.store import load_elements
from trellis.runtime import Platform

JsonObject = dict[str, Any]

STAGE: JsonObject = {
    "type": "string",
    "enum": ["draft", "offered", "agreed", "done", "lost"],
    "default": "draft",
    "title": "Stage",
    "crm": {
        "options": {
            "draft": {
                "category": "open",
                "exit": {
                    "requires": ["amount"],
                    "when": "amount > 100 CNY",
                    "message": "Offers start above 100 CNY",
                },
            },
            "offered": {"category": "open"},
            "agreed": {"category": "open"},
            "done": {"category": "won"},
            "lost": {"category": "lost"},
        }
    },
}

DEAL: JsonObject = {
    "title": "Shipment",
    "type": "object",
    "required": ["name", "reason"],
    "properties": {
        "name": {"type": "string", "title": "Name"},
        "stage": STAGE,
        "reason": {
            "type": "string",
            "title": "Reason",
            "crm": {"visible_when": 'stage = "lost"'},
        },
        "amount": {
            "type": "number",
            "title": "Amount",
            "crm": {"field": "money", "currency": "CNY", "required_when": 'stage = "agreed"'},
        },
        "discount": {
            "type": "number",
            "title": "Discount",
            "crm": {
                "field": "percent",
                "visible_when": "amount > 1000 CNY",
                "required_when": 'stage = "agreed"',
                "read_only_when": 'stage = "done"',
            },
        },
        "province": {
            "type": "string",
            "enum": ["zhejiang", "jiangsu"],
            "title": "Province",
        },
        "city": {
            "type": "string",
            "enum": ["hangzhou", "ningbo", "suzhou", "old_town"],
            "title": "City",
            "crm": {
                "options": {
                    "hangzhou": {"when": 'province = "zhejiang"'},
                    "ningbo": {"when": 'province = "zhejiang"'},
                    "suzhou": {"when": 'province = "jiangsu"'},
                    "old_town": {"retired": True, "replaced_by": "suzhou"},
                }
            },
        },
        "account": {
            "type": "string",
            "title": "Account",
            "crm": {"field": "reference", "to": "account"},
        },
        "contact": {
            "type": "string",
            "title": "Contact",
            "crm": {
                "field": "reference",
                "to": "contact",
                "filter": "account = this.account",
                "required_when": 'account.industry = "finance"',
            },
        },
        "helpers": {
            "type": "array",
            "title": "Helpers",
            "crm": {
                "field": "many_to_many",
                "to": "contact",
                "reverse": "helped_shipments",
                "filter": "account = this.account",
            },
        },
    },
    "crm": {"plural": "Shipments", "name_field": "name"},
}

BOOKING: JsonObject = {
    "title": "Booking",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "room": {"type": "string", "title": "Room"},
        "start": {"type": "string", "format": "date"},
        "end": {"type": "string", "format": "date"},
        "cancelled": {"type": "boolean", "default": False},
        "code": {"type": "string"},
    },
    "crm": {
        "plural": "Bookings",
        "no_overlap": [{"start": "start", "end": "end", "by": ["room"], "when": "not cancelled"}],
        "unique_when": [{"fields": ["code"], "when": "not cancelled"}],
    },
}

ENTRY: JsonObject = {
    "title": "Ledger entry",
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "crm": {"plural": "Ledger entries", "append_only": True},
}

TICKET: JsonObject = {
    "title": "Ticket",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "level": {"type": "string", "enum": ["low", "high", "urgent"], "default": "low"},
        "topic": {"type": "string", "crm": {"visible_when": 'record_type = "repair"'}},
    },
    "crm": {
        "plural": "Tickets",
        "record_types": {
            "question": {"title": "Question", "options": {"level": ["low", "high"]}},
            "repair": {"title": "Repair", "default": True, "layouts": ["workshop"]},
            "fax": {"retired": True},
        },
    },
}

WORKSHOP: JsonObject = {"kind": "form", "sections": [{"title": "Workshop", "fields": ["topic"]}]}

WHOLE: JsonObject = {"create": True, "read": "all", "update": "all", "delete": "all"}

OBJECTS: Mapping[str, JsonObject] = {
    "shipment": DEAL,
    "booking": BOOKING,
    "entry": ENTRY,
    "ticket": TICKET,
}


def copied(body: JsonObject) -> JsonObject:
    """Gives a document of its own."""
    made: JsonObject = json.loads(json.dumps(body))
    return made


def publish_more(
    platform: Platform, objects: Mapping[str, JsonObject], others: Mapping[str, JsonObject] = {}
) -> None:
    """Publishes objects that sales people may do everything with; `others` by `kind/name`."""
    with platform.database.write() as connection:
        elements = [with_grants(element, list(objects)) for element in load_elements(connection)]
        known = {element.key: place for place, element in enumerate(elements)}
        wanted = {("object", name): body for name, body in objects.items()}
        wanted |= {(key.split("/", 1)[0], key.split("/", 1)[1]): b for key, b in others.items()}
        for (kind, name), body in wanted.items():
            if (kind, name) in known:
                place = known[kind, name]
                elements[place] = replace(elements[place], body=copied(body))
            else:
                elements.append(Element("", kind, name, LOCAL, copied(body)))
        publish(connection, elements, by="system")


def with_grants(element: Element, names: list[str]) -> Element:
    """Gives the role of sales people with grants for more objects."""
    if element.key != ("role", "sales_rep"):
        return element
    body = copied(dict(element.body))
    for name in names:
        body["grants"].setdefault(name, WHOLE)
    return replace(element, body=body)
