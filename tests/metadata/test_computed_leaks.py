"""A computed field tells what its own grant allows, and nothing besides, through any read path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, FieldRight, Principal, Rows
from metadata.catalog import Catalog
from metadata.computed.filling import fill
from metadata.computed.outside import outside
from metadata.migrate import publish
from metadata.query import QueryProblem, Records
from metadata.store import create_store, load_catalog
from tests.metadata.databases import JsonObject, element, engine_for, object_body
from tests.metadata.worlds import MOMENT, NOW, TEXT, Record, insert, principal, reference

NUMBER: JsonObject = {"type": "number", "crm": {"scale": 2}}
HIDDEN = FieldRight.HIDDEN


def made(kind: JsonObject, **crm: object) -> JsonObject:
    return {**kind, "crm": {**kind.get("crm", {}), **crm}}


ACCOUNT = object_body(
    {
        "name": TEXT,
        "secret": TEXT,
        "total": made(NUMBER, rollup="sum(deals.amount)"),
        "total_now": made(NUMBER, rollup="sum(deals.amount)", stored=False),
        "total_mine": made(NUMBER, rollup="sum(deals.amount)", **{"as": "user"}),
        "whisper": made(TEXT, formula='concat(secret, "!")', stored=False),
        "hushed": made(TEXT, formula='concat(secret, "?")', stored=False),
        "shout": made(TEXT, formula="upper(secret)"),
    }
)
DEAL = object_body(
    {
        "name": TEXT,
        "amount": NUMBER,
        "account": reference("account"),
        "account_secret": made(TEXT, through="account.secret"),
        "account_hushed": made(TEXT, through="account.hushed"),
    }
)
OWN = Rows(owners=frozenset({"u1"}))
SECRETS = {
    "account": {"secret": HIDDEN, "hushed": HIDDEN},
    "deal": {"account_hushed": HIDDEN},
}
#: Reads all accounts but few deals; does not know the secret.
CLERK = principal(reads={"account": EVERYTHING, "deal": OWN}, fields=SECRETS)
#: Knows accounts alone.
STRANGER = principal(reads={"account": EVERYTHING}, fields=SECRETS)


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as found, found.begin():
        yield found


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    create_store(connection)
    people = [
        element("team", object_body({"name": TEXT}, owner=False), package="system"),
        element("user", object_body({"name": TEXT}, owner=False), package="system"),
    ]
    objects = [element("account", ACCOUNT), element("deal", DEAL)]
    publish(connection, [*people, *objects], by="test")
    catalog = load_catalog(connection)
    rows: list[Record] = [
        {"id": f"d{number}", "name": f"D{number}", "amount": Decimal(number), "account": "a1"}
        for number in (1, 10, 100)
    ]
    rows[0]["owner"] = "u1"
    store(connection, catalog, "account", [{"id": "a1", "name": "Acme", "secret": "x"}])
    store(connection, catalog, "deal", rows)
    fill(connection, catalog, set(catalog.computed.fields), outside(MOMENT.zone))
    return catalog


def store(connection: sa.Connection, catalog: Catalog, name: str, rows: list[Record]) -> None:
    stamps: Record = {"version": Decimal(1), "created_at": NOW, "updated_at": NOW}
    insert(connection, catalog, name, [{**stamps, **row} for row in rows])


def said(ask: Callable[[], object]) -> str:
    try:
        found = ask()
    except QueryProblem as problem:
        found = [type(problem).__name__, *problem.problems]
    return json.dumps(found, default=repr)


def test_who_does_not_see_a_field_as_user_changes_records_all_the_same(
    connection: sa.Connection, catalog: Catalog
) -> None:
    hidden = {**SECRETS, "account": {**SECRETS["account"], "total_mine": HIDDEN}}
    everything = {"account": EVERYTHING, "deal": EVERYTHING}
    person = principal(reads=everything, updates=everything, fields=hidden)
    target = Records(catalog, connection, person, MOMENT).get_for_change("account", "a1", "update")
    assert target.allowed
    assert (target.record["total"], target.record["total_mine"]) == (Decimal(111), None)


def test_a_value_is_declassified_by_its_own_grant(
    connection: sa.Connection, catalog: Catalog
) -> None:
    rows: list[tuple[Principal, object]] = [(CLERK, Decimal(1)), (STRANGER, None)]
    for person, mine in rows:
        records = Records(catalog, connection, person, MOMENT)
        account = records.get("account", "a1")
        assert account is not None
        whole = (account["total"], account["total_now"], account["whisper"], account["shout"])
        assert whole == (Decimal(111), Decimal(111), "x!", "X")
        assert account["total_mine"] == mine
        for text in ("total = 111", "total_now = 111", 'whisper = "x!"', "total_now > 110"):
            assert len(records.list("account", filter=text).items) == 1, text
        assert "secret" not in account
        assert "hushed" not in account


def test_related_records_carry_what_may_be_read(
    connection: sa.Connection, catalog: Catalog
) -> None:
    records = Records(catalog, connection, CLERK, MOMENT)
    for text in (
        'account.whisper = "x!"',
        "account.total_now = 111",
        "account.total_mine = 1",
        'account_secret = "x"',
    ):
        found = records.list("deal", filter=text, fields=["account_secret", "account.whisper"])
        assert [one["account.whisper"] for one in found.items] == ["x!"], text


ASKED = ("fields", "filter", "sort")


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize(
    ("object_name", "hidden", "unknown"),
    [
        ("account", "hushed", "hushex"),
        ("deal", "account.hushed", "account.hushex"),
        ("deal", "account_hushed", "account_hushex"),
    ],
)
def test_a_hidden_computed_field_answers_as_if_it_were_not_there(
    connection: sa.Connection,
    catalog: Catalog,
    how: str,
    object_name: str,
    hidden: str,
    unknown: str,
) -> None:
    records = Records(catalog, connection, CLERK, MOMENT)

    def ask(name: str) -> str:
        if how == "filter":
            return said(lambda: records.list(object_name, filter=f'{name} = "x?"'))
        if how == "fields":
            return said(lambda: records.list(object_name, fields=[name]))
        return said(lambda: records.list(object_name, sort=[name]))

    assert ask(hidden).replace("hushed", "hushex") == ask(unknown)


def test_what_readers_count_themselves_does_not_tell_of_other_records(
    connection: sa.Connection, catalog: Catalog
) -> None:
    def answers() -> str:
        records = Records(catalog, connection, CLERK, MOMENT)
        return said(
            lambda: (
                records.list("account", fields=["total_mine"], sort=["-total_mine"]).items,
                records.list("account", filter="total_mine > 1").items,
                records.list("deal", filter="account.total_mine > 1").items,
            )
        )

    before = answers()
    deals = catalog.tables["deal"]
    change = sa.update(deals).where(deals.c.id == "d100")
    connection.execute(change.values(amount=Decimal(5)))
    assert answers() == before
    connection.execute(change.values(amount=Decimal(100)))


def test_lists_without_virtual_fields_say_nothing_of_them(
    connection: sa.Connection, catalog: Catalog
) -> None:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(connection, "before_cursor_execute", note)
    records = Records(catalog, connection, CLERK, MOMENT)
    records.list("account", fields=["name", "total"], filter='name = "Acme"', sort=["total"])
    records.list("deal", fields=["name", "account.name"], filter='account.name = "Acme"')
    sa.event.remove(connection, "before_cursor_execute", note)
    assert len(statements) == 2
    assert [one for one in statements if "concat" in one or "sum(" in one or "||" in one] == []
