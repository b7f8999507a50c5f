"""One broken row never takes a whole page of setup away (SEC-26)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from rule_engine.columns import Instant
from tests.platform.world import Login
from trellis.audit.tables import audit_event
from trellis.channels.in_app import notification
from trellis.runtime import Platform
from trellis.webhooks.tables import webhook_delivery, webhook_inbox

THEN = datetime(2026, 1, 2, tzinfo=UTC)
NONSENSE = "no such thing"


def filler(column: sa.Column[Any]) -> object:
    """Gives a value that a column takes and that means nothing."""
    match column.type:
        case sa.JSON():
            return [{"nothing": NONSENSE}]
        case Instant():
            return THEN
        case sa.Integer():
            return 7
    return NONSENSE


@pytest.mark.parametrize(
    ("table", "page"),
    [
        (webhook_delivery, "/setup/webhooks"),
        (webhook_inbox, "/setup/webhooks/received"),
        (audit_event, "/setup/audit"),
        (notification, "/notifications"),
    ],
    ids=["webhooks", "received", "audit", "notifications"],
)
def test_sec_26_a_corrupt_row_spoils_no_list(
    platform: Platform, people: Any, login: Login, table: sa.Table, page: str
) -> None:
    row = {column.name: filler(column) for column in table.c}
    if "user_id" in row:
        row["user_id"] = people["admin"]
    with platform.database.write() as connection:
        connection.execute(sa.insert(table).values(row))
    answer = login("admin").get(page)
    assert answer.status_code == 200
    assert NONSENSE in answer.get_data(as_text=True)
