"""The plain tables of the contenders that know no definitions, filled from the common data."""

from __future__ import annotations

import random
from typing import Any

import sqlalchemy as sa

from tests.bench.api.data import ACCOUNTS, FIELDS, SEED, USERS, account, deals

PLAIN = sa.MetaData()
TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "choice": sa.Text(),
    "decimal": sa.Numeric(18, 2),
    "integer": sa.Integer(),
    "date": sa.Date(),
    "boolean": sa.Boolean(),
}
BATCH = 5_000

PERSON = sa.Table(
    "plain_person", PLAIN, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text)
)
ACCOUNT = sa.Table(
    "plain_account",
    PLAIN,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("city", sa.Text),
)
DEAL = sa.Table(
    "plain_deal",
    PLAIN,
    sa.Column("id", sa.Integer, primary_key=True),
    *(sa.Column(name, TYPES[kind]) for name, kind in FIELDS.items()),
    sa.Column("account_id", sa.ForeignKey("plain_account.id"), index=True),
    sa.Column("owner_id", sa.ForeignKey("plain_person.id"), index=True),
    sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Index("plain_deal_close_date", "close_date", "id"),
    sa.Index("plain_deal_stage", "stage", "close_date", "id"),
    sa.Index("plain_deal_external_id", "external_id"),
)


def fill(engine: sa.Engine, count: int) -> None:
    """Makes and fills the tables."""
    PLAIN.create_all(engine)
    draw = random.Random(SEED)
    with engine.begin() as connection:
        people = [{"id": n + 1, "name": f"Person {n}"} for n in range(USERS)]
        connection.execute(sa.insert(PERSON), people)
        rows = [{"id": n + 1, **account(draw, n)} for n in range(ACCOUNTS)]
        connection.execute(sa.insert(ACCOUNT), rows)
        batch = []
        for values, of_account, owner in deals(count):
            batch.append({**values, "account_id": of_account + 1, "owner_id": owner + 1})
            if len(batch) == BATCH:
                connection.execute(sa.insert(DEAL), batch)
                batch = []
        if batch:
            connection.execute(sa.insert(DEAL), batch)
