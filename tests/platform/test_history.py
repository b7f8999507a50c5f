"""History: what was changed, by whom, as its reader may see it; never changed afterwards."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.metadata.databases import element, object_body
from tests.platform.acting import acting, make
from tests.platform.computed_world import TEXT, world_of
from tests.platform.world import People
from trellis.db import Database
from trellis.errors import Missing
from trellis.records.history import history_of, record_history
from trellis.records.save import save_record
from trellis.runtime import Platform


def test_each_save_leaves_one_entry(platform: Platform, people: People) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with acting(platform, "mark") as unit:
        save_record(unit, "lead", lead, {"employees": 1500}, channel="page", why="Called them")
    with acting(platform, "rita") as unit:
        entries, following = history_of(unit, "lead", lead)
    newest, oldest = entries
    assert following is None
    assert (newest.version, newest.by, newest.channel) == (2, people["mark"], "page")
    assert newest.why == "Called them"
    assert newest.changes == {"employees": (None, 1500), "score": (10, 30)}
    assert (oldest.version, oldest.by, oldest.channel) == (1, people["rita"], "api")
    assert oldest.changes["email"] == (None, "li@acme.cn")
    assert not {"id", "version", "updated_at"} & oldest.changes.keys()


def test_pages_follow_each_other(platform: Platform, people: People) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with acting(platform, "rita") as unit:
        for number in range(4):
            save_record(unit, "lead", lead, {"title": f"T{number}"}, channel="api")
    with acting(platform, "rita") as unit:
        first, after = history_of(unit, "lead", lead, limit=3)
        second, last = history_of(unit, "lead", lead, limit=3, after=after)
    assert [entry.version for entry in (*first, *second)] == [5, 4, 3, 2, 1]
    assert last is None


def test_hidden_fields_leave_no_trace(platform: Platform, people: People) -> None:
    contact = make(platform, "diana", "contact", name="Wang", birthday="1990-01-01")
    with acting(platform, "diana") as unit:
        save_record(unit, "contact", contact, {"birthday": "1991-01-01"}, channel="api")
    with acting(platform, "rita") as unit:
        entries, _ = history_of(unit, "contact", contact)
    assert [entry.version for entry in entries] == [1]
    assert "birthday" not in entries[0].changes


def test_who_does_not_see_the_record_sees_no_history(platform: Platform, people: People) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    for username in ("ron", "fay"):
        with pytest.raises(Missing), acting(platform, username) as unit:
            history_of(unit, "lead", lead)


@pytest.mark.parametrize(
    "statement", ["UPDATE record_history SET why = 'x'", "DELETE FROM record_history"]
)
def test_the_database_refuses_to_change_it(
    platform: Platform, people: People, statement: str
) -> None:
    make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with (
        pytest.raises(sa.exc.DBAPIError, match="never changed"),
        platform.database.write() as connection,
    ):
        connection.exec_driver_sql(statement)


def test_what_rules_write_is_told_as_theirs(platform: Platform, people: People) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account)
    make(platform, "rita", "quote_line", quote=quote, product="A", quantity="2", unit_price="5")
    with acting(platform, "rita") as unit:
        entry = history_of(unit, "quote", quote)[0][0]
    assert (entry.by, entry.channel, entry.why) == ("automation", "rule", "quote_line changed")
    assert "quote_amount" in entry.rules
    assert entry.changes["amount"] == (None, {"amount": "10.00", "currency": "CNY"})


@pytest.mark.parametrize("track", ["all", "none"])
def test_what_is_not_tracked_leaves_no_entry(database_url: str, track: str) -> None:
    """Of an object that is not tracked the history still tells that a record was made or went."""
    fields = {"name": TEXT, "note": {**TEXT, "crm": {"track": False}}}
    memo = element("memo", object_body(fields, track=track))
    database = Database(database_url)
    with world_of(database, [memo]) as world:
        one = world.save("memo", name="First", note="a")
        world.save("memo", one, note="b")
        world.save("memo", one, name="Second", note="c")
        world.delete("memo", one)
        table = record_history.c
        rows = world.connection.execute(
            sa.select(table.version, table.changes).order_by(table.id)
        ).all()
    database.dispose()
    definition = world.catalog.objects["memo"]
    names = {field.id: name for name, field in definition.fields.items()}
    told = [(row.version, sorted(names[key] for key in row.changes)) for row in rows]
    tracked = track == "all"
    renamed = [(3, ["name"])] if tracked else []
    assert told == [(1, ["name"] if tracked else []), *renamed, (4, ["deleted_at"])]
