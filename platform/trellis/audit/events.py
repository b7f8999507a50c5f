"""Noting what happens besides changes of records, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
import uuid_utils

from trellis.audit.canonical import marked
from trellis.audit.kinds import KINDS
from trellis.audit.tables import audit_event
from trellis.unit import Unit

NOTHING: Mapping[str, object] = MappingProxyType({})


def note(
    unit: Unit,
    kind: str,
    *,
    object: str | None = None,  # noqa: A002  # the word everywhere
    record_ids: Sequence[str] = (),
    values: Mapping[str, object] = NOTHING,
    why: str | None = None,
    by: str | None = None,
) -> str:
    """Writes an event into the caller's transaction, as done by the acting person; gives its id.

    `kind` is one of `audit.kinds`; `object` an API name; `values` are JSON and hold no secrets and
    no contents of records. `by` names another person than the acting one, for somebody who acts as
    another.
    """
    definition = unit.catalog.objects.get(object) if object is not None else None
    return write_event(
        unit.connection,
        kind,
        by=by or unit.principal.name,
        at=unit.moment.now,
        object_id=object if definition is None else definition.id,
        record_ids=record_ids,
        values=values,
        why=why,
    )


def write_event(
    connection: sa.Connection,
    kind: str,
    *,
    by: str,
    at: datetime,
    object_id: str | None = None,
    record_ids: Sequence[str] = (),
    values: Mapping[str, object] = NOTHING,
    why: str | None = None,
) -> str:
    """Writes an event where there is no unit of work, as at a login.

    `by` is a user's id, or what was given for one; `object_id` the stable id of an object.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of audit event {kind!r}; there are: {', '.join(KINDS)}")
    row = {
        "id": str(uuid_utils.uuid7()),
        "at": at.replace(microsecond=at.microsecond // 1000 * 1000),
        "by": by,
        "kind": kind,
        "object": object_id,
        "record_ids": list(record_ids),
        "values": dict(values),
        "why": why,
    }
    connection.execute(sa.insert(audit_event).values(marked(connection, audit_event, row)))
    return str(row["id"])
