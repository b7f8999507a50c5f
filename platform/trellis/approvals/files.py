"""Files that come with a decision: kept with it, for all who may read the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from metadata.fields.files import StoredFile, file_to_wire
from metadata.problems import Problem
from trellis.approvals.inbox import may_read_request
from trellis.automation.requests import approval_request
from trellis.errors import Refused
from trellis.files.access import may_have, rows_of
from trellis.files.places import Place
from trellis.files.tables import facts_of, file_use
from trellis.unit import Unit

MAX_FILES: Final = 10
TOO_MANY: Final = Problem("/files", "max_items", {"field": "files", "limit": MAX_FILES})
DECISION: Final = "approval_decision"


def sent_files(unit: Unit, ids: Sequence[str]) -> tuple[Mapping[str, object], ...]:
    """Gives what a decision keeps of files. Raises Refused for too many, and for those that the
    acting user may not have: one that is not there gives the same problem."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_FILES:
        raise Refused([TOO_MANY])
    rows = rows_of(unit, wanted)
    unknown = [one for one in wanted if one not in rows or not may_have(unit, rows[one])]
    if unknown:
        values = ({"field": "files", "value": one} for one in unknown)
        raise Refused([Problem("/files", "unknown_file", value) for value in values])
    return tuple(file_to_wire(StoredFile(facts_of(rows[one]))) for one in wanted)


def keep_files(unit: Unit, request_id: str, files: Sequence[Mapping[str, object]]) -> None:
    """Writes down where files are from now on: decisions stay, and so do their files."""
    for file in files:
        key = {"file": file["id"], "object": DECISION, "record_id": request_id, "field": ""}
        here = (file_use.c[name] == value for name, value in key.items())
        if unit.connection.execute(sa.select(file_use.c.file).where(*here)).first() is None:
            unit.connection.execute(sa.insert(file_use).values(key))


class Decisions(Place):
    """The decisions on requests."""

    name = DECISION

    def shows(self, unit: Unit, record_id: str, file_id: str) -> bool:
        """Says whether the acting user reads the request, and the file is still in its log."""
        query = sa.select(approval_request).where(approval_request.c.id == record_id)
        row = unit.connection.execute(query).mappings().one_or_none()
        if row is None or not may_read_request(unit, dict(row)):
            return False
        decisions = row["state"]["decisions"]
        return any(file["id"] == file_id for one in decisions for file in one.get("files", ()))
