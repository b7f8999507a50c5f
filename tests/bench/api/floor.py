"""The floor of the stack: Flask, SQLAlchemy Core and msgspec over one plain table. No rights.

Started by `servers` as `tests.bench.api.floor:make`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import os
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import Flask, Response, abort, request

from tests.bench.api.tables import ACCOUNT, DEAL

TOKEN = "Bearer benchtoken"  # no secret

KINDS: Mapping[type, Any] = {
    sa.Text: str,
    sa.Numeric: decimal.Decimal,
    sa.Integer: int,
    sa.Date: dt.date,
    sa.Boolean: bool,
}
SENT = [column for column in DEAL.c if column.name not in ("id", "created_at", "updated_at")]
Deal = msgspec.defstruct(
    "Deal",
    [(str(one.name), KINDS.get(type(one.type), int) | None, None) for one in SENT],
    forbid_unknown_fields=True,
)
ONE = msgspec.json.Decoder(Deal)
MANY = msgspec.json.Decoder(list[Deal])  # type: ignore[valid-type]


def answer(document: object, status: int = 200) -> Response:
    """Gives a document as JSON; decimals are texts."""
    return Response(msgspec.json.encode(document), status, mimetype="application/json")


def dicts(result: sa.CursorResult[Any]) -> list[dict[str, Any]]:
    """Gives rows as they are written."""
    names = [str(name) for name in result.keys()]  # noqa: SIM118  # no dict
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def conditions(given: Mapping[str, str]) -> Iterable[sa.ColumnElement[bool]]:
    """Gives what the query parameters ask for."""
    if "stage" in given:
        yield DEAL.c.stage == given["stage"]
    if "low" in given:
        yield DEAL.c.amount >= decimal.Decimal(given["low"])
        yield DEAL.c.amount <= decimal.Decimal(given["high"])
    if "search" in given:
        yield DEAL.c.name.ilike(f"%{given['search']}%")


def make() -> Flask:
    """Makes the application."""
    app, engine = Flask("floor"), sa.create_engine(os.environ["BENCH_URL"], pool_size=16)
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    @app.before_request
    def keep_out() -> None:
        if request.headers.get("Authorization") != TOKEN:
            abort(401)

    @app.get("/deal/<int:key>")
    def one(key: int) -> Response:
        with reading.connect() as connection:
            found = dicts(connection.execute(sa.select(DEAL).where(DEAL.c.id == key)))
        return answer(found[0]) if found else abort(404)

    @app.get("/deal")
    def some() -> Response:
        given = request.args
        where = list(conditions(given))
        source = DEAL.outerjoin(ACCOUNT, DEAL.c.account_id == ACCOUNT.c.id)
        query = sa.select(DEAL, ACCOUNT.c.name.label("account_name")).select_from(source)
        query = query.where(*where).order_by(DEAL.c.close_date, DEAL.c.id).limit(50)
        if "offset" in given:
            query = query.offset(int(given["offset"]))
        with reading.connect() as connection:
            found: dict[str, Any] = {"items": dicts(connection.execute(query))}
            if "count" in given:
                count = sa.select(sa.func.count()).select_from(DEAL).where(*where)
                found["count"] = connection.execute(count).scalar()
        return answer(found)

    @app.post("/deal")
    def create() -> Response:
        values = msgspec.structs.asdict(ONE.decode(request.get_data()))
        with engine.begin() as connection:
            made = dicts(connection.execute(sa.insert(DEAL).returning(*DEAL.c), values))
        return answer(made[0], 201)

    @app.patch("/deal/<int:key>")
    def change(key: int) -> Response:
        body = msgspec.json.decode(request.get_data())
        values = msgspec.convert(body, Deal, strict=False)
        sent = {name: getattr(values, name) for name in body}
        statement = sa.update(DEAL).where(DEAL.c.id == key).values(sent).returning(*DEAL.c)
        with engine.begin() as connection:
            found = dicts(connection.execute(statement))
        return answer(found[0])

    @app.post("/deal/bulk")
    def bulk() -> Response:
        values = [msgspec.structs.asdict(one) for one in MANY.decode(request.get_data())]
        with engine.begin() as connection:
            made = connection.execute(sa.insert(DEAL).returning(DEAL.c.id), values)
            ids = list(made.scalars())
        return answer({"ids": ids})

    @app.get("/deal/aggregate")
    def aggregate() -> Response:
        month = sa.func.date_trunc("month", DEAL.c.close_date).label("month")
        total = sa.func.sum(DEAL.c.amount).label("sum")
        query = sa.select(DEAL.c.stage, month, total).group_by(DEAL.c.stage, month)
        with reading.connect() as connection:
            return answer({"items": dicts(connection.execute(query))})

    return app
