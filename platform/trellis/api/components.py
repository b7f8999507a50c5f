"""Schemas that are the same for all objects, by the name they have in OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trellis.api.operations import FLAG, OBJECT, TEXT, WHOLE, Schema, closed, component, made_of

INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}


def many(items: Schema) -> Schema:
    """Gives the schema of a list."""
    return {"type": "array", "items": items}


def by_name(values: Schema) -> Schema:
    """Gives the schema of an object whose keys are names."""
    return {"type": "object", "additionalProperties": values}


def optional(schema: Schema) -> Schema:
    """Gives the schema of a value or null."""
    return {"anyOf": [schema, {"type": "null"}]}


ERROR = closed(
    {"path": TEXT, "code": TEXT, "message": TEXT, "line": WHOLE, "column": WHOLE},
    ("path", "code", "message"),
)
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": WHOLE,
        "detail": TEXT,
        "errors": many(ERROR),
    },
}
STALE: Schema = {
    "allOf": [component("Problem")],
    "type": "object",
    "properties": {"current": OBJECT},
}
ENTRY = made_of(
    {
        "id": TEXT,
        "record": TEXT,
        "version": WHOLE,
        "at": INSTANT,
        "by": TEXT,
        "why": TEXT_OR_NULL,
        "channel": TEXT,
        "rules": many(TEXT),
        "changes": by_name({"type": "array", "minItems": 2, "maxItems": 2}),
    }
)
REQUEST: Schema = {
    "type": "object",
    "required": ["id", "object", "record", "approval", "status", "revision"],
    "properties": {
        "id": TEXT,
        "object": TEXT,
        "record": TEXT,
        "approval": TEXT,
        "label": TEXT,
        "status": TEXT,
        "revision": WHOLE,
        "submitted_by": TEXT_OR_NULL,
        "submitted_at": INSTANT,
        "closed_at": optional(INSTANT),
    },
}
REQUESTS = made_of({"renamed": WHOLE, "stuck": WHOLE})
"""How many open approval requests follow new names, and how many nobody could decide any more."""
DEFINITION_PLAN: Schema = {
    "type": "object",
    "required": [
        *("token", "base_version", "operations", "problems", "destructive", "clocks"),
        "requests",
    ],
    "properties": {
        "token": TEXT_OR_NULL,
        "base_version": WHOLE,
        "operations": many(OBJECT),
        "problems": many(ERROR),
        "destructive": many(TEXT),
        "clocks": many(OBJECT),
        "requests": REQUESTS,
    },
}
STORED_FILE: Schema = {
    "type": "object",
    "required": ["id", "name", "size", "url"],
    "properties": {"id": TEXT, "name": TEXT, "size": WHOLE, "url": TEXT},
}
LISTED_DEFINITION = made_of(
    {
        "name": TEXT,
        "title": {},
        "package": TEXT_OR_NULL,
        "draft": FLAG,
        "deleted": FLAG,
    }
)

PACKAGE_PLAN: Schema = {
    "type": "object",
    "required": ["token", "base_version", "packages", "operations", "problems", "destructive"],
    "properties": {
        "token": TEXT_OR_NULL,
        "base_version": WHOLE,
        "packages": many(OBJECT),
        "operations": many(OBJECT),
        "conflicts": many(OBJECT),
        "edits": many(TEXT),
        "left_out": many(ERROR),
        "problems": many(ERROR),
        "destructive": many(TEXT),
        "clocks": many(OBJECT),
        "requests": REQUESTS,
    },
}

BULK_WRITE = closed(
    {
        "op": {"type": "string", "enum": ["create", "update", "delete"]},
        "id": TEXT,
        "data": OBJECT,
        "version": WHOLE,
    },
    ("op",),
)
BULK_RESULT = closed({"status": WHOLE, "id": TEXT, "errors": many(ERROR)}, ("status",))

JOB = made_of(
    {
        "id": TEXT,
        "state": TEXT,
        "done": WHOLE,
        "total": {"type": ["integer", "null"]},
        "errors": {"type": "array"},
    }
)
IMPORT_RUN: Schema = {
    "type": "object",
    "required": ["id", "object", "phase", "file", "layout", "columns", "unmapped", "missing"],
    "properties": {
        "id": TEXT,
        "object": TEXT,
        "phase": {"type": "string", "enum": ["uploaded", "check", "run", "undo"]},
        "job": optional(JOB),
        "file": TEXT,
        "layout": {"type": "object"},
        "columns": many({"type": "object"}),
        "unmapped": many(TEXT),
        "missing": many(TEXT),
        "settings": {"type": "object"},
        "mappings": many(TEXT),
        "rows": {"type": ["integer", "null"]},
        "counts": by_name(WHOLE),
        "problems": many({"type": "object"}),
        "created_at": INSTANT,
        "undo_until": optional(INSTANT),
    },
}
EXPORT_RUN: Schema = made_of(
    {
        "id": TEXT,
        "object": TEXT,
        "job": optional(JOB),
        "format": TEXT,
        "mode": TEXT,
        "rows": {"type": ["integer", "null"]},
        "url": TEXT_OR_NULL,
        "created_at": INSTANT,
        "until": INSTANT,
    }
)

COMPONENTS: Final[Mapping[str, Schema]] = {
    "Problem": PROBLEM,
    "Stale": STALE,
    "HistoryEntry": ENTRY,
    "ApprovalRequest": REQUEST,
    "DefinitionPlan": DEFINITION_PLAN,
    "PackagePlan": PACKAGE_PLAN,
    "StoredFile": STORED_FILE,
    "ImportRun": IMPORT_RUN,
    "ExportRun": EXPORT_RUN,
    "BulkWrite": BULK_WRITE,
    "BulkResult": BULK_RESULT,
    "Money": made_of({"amount": TEXT, "currency": TEXT}),
    "Reference": made_of({"id": TEXT, "name": TEXT_OR_NULL}),
}
