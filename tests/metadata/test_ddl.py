"""Tables from definitions."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from metadata.ddl import MAX_IDENTIFIER, index_name, table_for
from metadata.parse import parse_object
from tests.metadata.databases import object_body

BODY = object_body(
    {
        "name": {"type": "string", "crm": {"id": "f1", "column": "title"}},
        "account": {
            "type": "string",
            "crm": {"id": "f2", "field": "reference", "to": "account", "on_delete": "cascade"},
        },
        "code": {"type": "string", "crm": {"id": "f3", "unique": True}},
        "amount": {"type": "number", "crm": {"id": "f4", "field": "money", "index": True}},
        "due": {"type": "string", "format": "date", "crm": {"id": "f5", "retired": True}},
    },
    id="e1",
    unique=[["account", "name"]],
)


def table(**crm: Any) -> sa.Table:
    body = {**BODY, "crm": {**BODY["crm"], **crm}}
    definition, problems = parse_object("deal", body)
    assert definition is not None
    assert not problems
    return table_for(definition, sa.MetaData())


SQLITE = sa.create_engine("sqlite://").dialect
POSTGRESQL = sa.create_engine("postgresql+psycopg://").dialect


def indexes(made: sa.Table, dialect: sa.Dialect) -> set[str]:
    return {str(CreateIndex(index).compile(dialect=dialect)) for index in made.indexes}


def test_columns() -> None:
    assert [column.name for column in table().c if "$" in column.name or column.nullable] == [
        *("created_by", "updated_by", "owner", "owner_team", "owner_queue", "deleted_at"),
        *("source", "source$fold", "import_batch", "import_batch$fold"),
        *("title", "title$fold", "account"),
        *("code", "code$fold", "amount", "amount$currency", "amount$base", "due"),
    ]
    assert table(table="o_before").name == "o_before"
    assert "owner" not in table(owner=False).c


def test_indexes() -> None:
    assert indexes(table(), SQLITE) == {
        "CREATE INDEX ix_e1_owner ON o_deal (owner, id)",
        "CREATE INDEX ix_e1_owner_team ON o_deal (owner_team, id)",
        "CREATE INDEX ix_e1_owner_queue ON o_deal (owner_queue, id) WHERE owner_queue IS NOT NULL",
        'CREATE INDEX ix_f1 ON o_deal ("title$fold", id)',
        'CREATE INDEX ix_f2 ON o_deal ("account", id)',
        'CREATE INDEX ix_f4 ON o_deal ("amount", id)',
        'CREATE INDEX ix_f4_base ON o_deal ("amount$base", id)',
        'CREATE UNIQUE INDEX ux_f3 ON o_deal ("code") WHERE deleted_at IS NULL',
        'CREATE UNIQUE INDEX ux_e1_f2_f1 ON o_deal ("account", "title") WHERE deleted_at IS NULL',
    }
    assert 'CREATE INDEX ix_f4 ON o_deal ("amount" NULLS FIRST, id)' in indexes(table(), POSTGRESQL)


@pytest.mark.parametrize("column", ["id", '"title$fold"', '"account"', '"amount$currency"'])
def test_text_is_ordered_by_code_points_on_postgresql(column: str) -> None:
    made = str(CreateTable(table()).compile(dialect=POSTGRESQL))
    assert f'\n\t{column} TEXT COLLATE "C"' in made


def test_no_flags_and_no_foreign_keys() -> None:
    for column in table().c:
        assert not column.index
        assert not column.unique
        assert not column.foreign_keys


def test_long_index_names_stay_apart() -> None:
    names = {index_name("ux", *("0" * 36 for _ in range(4)), str(last)) for last in range(3)}
    assert len(names) == 3
    assert all(len(name) <= MAX_IDENTIFIER for name in names)
