"""Records, history and requests as the JSON that clients get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Response

from metadata.fields.base import FieldDefinition
from metadata.problems import Problem
from trellis.api.requests import etag, read_list, unknown
from trellis.api.wire import wire_of
from trellis.approvals import Request
from trellis.records.causes import worded
from trellis.records.history import Entry
from trellis.unit import Unit

Record = Mapping[str, object]

NOT_KEPT: Final = {"Cache-Control": "private, no-store"}


def json_answer(
    document: object, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Gives a JSON answer that no cache keeps."""
    return Response(
        msgspec.json.encode(document),
        status=status.value,
        headers={**NOT_KEPT, **(headers or {})},
        content_type="application/json",
    )


def record_answer(
    unit: Unit, object_name: str, record: Record, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Gives one record with its version as ETag; a new one with its address too."""
    record_id, version = str(record["id"]), int(str(record["version"]))
    headers = {"ETag": etag(record_id, version)}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"/api/v1/{object_name}/{record_id}"
    return json_answer(record_json(unit, object_name, record), status, headers)


def record_json(
    unit: Unit, object_name: str, record: Record, expand: Sequence[str] = ()
) -> dict[str, object]:
    """Gives a record in wire form; references in `expand` come as id and name."""
    return wire_of(unit, object_name, tuple(record), expand)([record])[0]


def records_json(
    unit: Unit, object_name: str, records: Sequence[Record], expand: Sequence[str] = ()
) -> list[dict[str, object]]:
    """Gives records of one page, which all hold the same paths, in wire form."""
    if not records:
        return []
    return wire_of(unit, object_name, tuple(records[0]), expand)(records)


def field_json(field: FieldDefinition, value: object) -> object:
    """Gives a field's value in wire form."""
    return None if value is None else field.type.to_wire(value, field)


def find_expand(
    unit: Unit, object_name: str, text: str | None, problems: list[Problem]
) -> list[str]:
    """Gives the references to show with their names; other fields become problems."""
    names = read_list(text)
    if not names:
        return []
    known = unit.catalog.queries.get(
        ("expand", unit.principal.profile, object_name),
        tuple,
        lambda: expandable(unit, object_name),
    )
    chosen = dict.fromkeys(names)
    problems += [
        unknown("expand", "unknown_value", name, known) for name in chosen if name not in known
    ]
    return [name for name in chosen if name in known]


def expandable(unit: Unit, object_name: str) -> tuple[str, ...]:
    """Gives the references, rows and links that may be shown with names."""
    definition = unit.catalog.objects.get(object_name)
    access = unit.principal.access(object_name)
    references = (
        field.name
        for field in (definition.references if definition else ())
        if access.reads(field.name) and unit.principal.access(str(field.target)).exists
    )
    links = unit.catalog.children(object_name).values()
    nested = (link.nested for link in links if link.nested and access.reads(link.nested))
    return (*references, *nested)


def entry_json(unit: Unit, entry: Entry, language: str) -> dict[str, object]:
    """Gives one entry of a record's history; why it was written is worded for the reader."""
    return {
        "id": entry.id,
        "record": entry.record,
        "version": entry.version,
        "at": instant(entry.at),
        "by": entry.by,
        "why": worded(unit, entry.why, entry.channel, language),
        "channel": entry.channel,
        "rules": list(entry.rules),
        "changes": {name: list(pair) for name, pair in entry.changes.items()},
    }


def request_json(request: Request) -> dict[str, object]:
    """Gives an approval request with its path and decisions."""
    state = request.state.to_json()
    return {
        "id": request.id,
        "object": request.object,
        "record": request.record_id,
        "approval": request.approval,
        "label": request.label,
        "status": request.status,
        "revision": request.revision,
        "submitted_by": request.submitted_by,
        "submitted_at": instant(request.submitted_at),
        "closed_at": None if request.closed_at is None else instant(request.closed_at),
        **{name: state[name] for name in ("step", "approvers", "path", "decisions", "handovers")},
    }


def instant(value: datetime) -> str:
    """Gives an instant in UTC with milliseconds and `Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
