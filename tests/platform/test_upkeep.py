"""Instances that an older product set up, or that somebody has damaged: told, and made whole."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.steps import open_steps
from tests.platform.world import Bearer
from trellis.doctor import examine, mend
from trellis.runtime import Platform
from trellis.upkeep import bring_forward, drift_of

pytestmark = pytest.mark.usefixtures("people")

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLDER = (
    "DROP TABLE meta_step",
    "ALTER TABLE meta_version DROP COLUMN store",
    "ALTER TABLE o_lead DROP COLUMN import_batch",
    "DROP TABLE notification",
)


def damage(platform: Platform, *statements: str) -> None:
    with platform.database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def wrong(platform: Platform) -> list[str]:
    """Gives what the doctor finds wrong with the tables."""
    return [
        found.text
        for found in examine(platform)
        if found.subject == "tables" and found.level == "wrong"
    ]


def test_the_tables_of_an_older_product_come_forward_by_themselves(platform: Platform) -> None:
    damage(platform, *OLDER)
    assert bring_forward(platform) == []
    assert drift_of(platform) == []


def test_amounts_of_an_older_product_get_their_worth(platform: Platform) -> None:
    with platform.database.write() as connection:
        table = platform.catalogs.current(connection).tables["opportunity"]
        for index in sa.inspect(connection).get_indexes(table.name):
            if "amount$base" in index["column_names"]:
                connection.exec_driver_sql(f'DROP INDEX "{index["name"]}"')
        connection.exec_driver_sql(f'ALTER TABLE {table.name} DROP COLUMN "amount$base"')
        values = {"id": "o1", "version": 1, "created_at": NOW, "updated_at": NOW}
        amount = {"amount": Decimal("12.5"), "amount$currency": "CNY"}
        connection.execute(sa.insert(table).values(**values, **amount))
    assert bring_forward(platform) == []
    with platform.database.read() as connection:
        worth = connection.scalar(sa.select(table.c["amount$base"]))
    assert worth == Decimal("12.5")


def test_nothing_to_do_locks_nobody_out(platform: Platform) -> None:
    """A second host starts while the first one writes."""
    with platform.database.write():
        assert bring_forward(platform) == []


def test_a_lost_column_is_told_and_comes_back_only_when_asked_for(
    platform: Platform, app: Flask, bearer: Bearer
) -> None:
    client, headers = app.test_client(), bearer("admin")
    assert client.get("/readyz").status_code == 200
    damage(platform, "ALTER TABLE o_lead DROP COLUMN website")
    said = "column o_lead.website is missing; add it with: trellis doctor --repair"
    assert [drift.sentence() for drift in bring_forward(platform)] == [said]
    assert wrong(platform) == [said]
    # A process that has seen its tables right looks again when definitions change, or it is new.
    app.extensions.pop("trellis_readiness")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["database"]) == (503, said)
    assert [found.text for found in mend(platform)] == ["column website of o_lead"]
    assert wrong(platform) == []
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/v1/lead?limit=1", headers=headers).status_code == 200


def test_an_index_that_waits_is_noted_and_built(platform: Platform) -> None:
    if platform.database.dialect == "sqlite":
        return  # indexes are never built later there
    with platform.database.read() as connection:
        table = platform.catalogs.current(connection).tables["lead"]
        lead = platform.catalogs.current(connection).objects["lead"].id
    name = min(str(index.name) for index in table.indexes)
    step = sa.text(
        "INSERT INTO meta_step (name, object, state, tries, due)"
        " VALUES (:name, :object, 'waiting', 0, now())"
    )
    with platform.database.write() as connection:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
        connection.execute(step, {"name": name, "object": lead})
    notes = [found.text for found in examine(platform) if found.subject == "indexes"]
    assert notes == [f"index {name} of lead is being built by the worker"]
    assert wrong(platform) == []
    assert bring_forward(platform) == []
    with platform.database.read() as connection:
        assert open_steps(connection) == []
        assert name in {index["name"] for index in sa.inspect(connection).get_indexes(table.name)}
