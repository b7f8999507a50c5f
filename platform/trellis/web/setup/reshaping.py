"""A field's document for another type: what the new type does not know is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.fields.base import FieldType
from metadata.fields.limits import LIMITS
from metadata.fields.read import json_types
from metadata.fields.registry import field_types
from metadata.json_text import mapping
from trellis.web.setup.field_form import OPTIONS, is_list, options_of


def reshaped(document: Mapping[str, Any], before: str, kind: FieldType) -> dict[str, Any]:
    """Gives a field's document as one of another type; options stay where both types have them."""
    old = field_types().get(before)
    gone = set(old.parameters if old else ()) - set(kind.parameters)
    crm = {k: v for k, v in mapping(document.get("crm")).items() if k not in gone}
    limits = LIMITS - kind.keywords
    described = {k: v for k, v in document.items() if k not in limits | {"format", "items"}}
    described["crm"] = {**crm, "field": kind.name}
    if not json_types(document) or any(t not in kind.json_types for t in json_types(document)):
        described["type"] = kind.json_types[0]
        described.pop("default", None)
    if kind.has_options:
        options = dict(options_of(document))
        described.pop("enum", None)
        if options and is_list(described):
            described["items"] = {"type": "string", "enum": list(options)}
        elif options:
            described["enum"] = list(options)
    else:
        described.pop("enum", None)
        described["crm"].pop(OPTIONS, None)
    return described


def reachable(kind: FieldType) -> list[str]:
    """Gives the types that values of a type become or fit as they are, itself among them."""
    return [kind.name, *sorted(kind.conversions | kind.widens)]
