"""Service levels on records: clocks start, stand still and end with saves, and fire on time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from metadata.access import FieldRight, Principal, everything
from metadata.elements import Element
from metadata.migrate import publish
from rule_engine.services.sla_state import TargetFacts
from tests.metadata.databases import JsonObject, element, object_body
from tests.platform.computed_world import TEXT, ZONE, people, rules
from tests.platform.office import Office
from trellis.api.explain import explain_sla
from trellis.automation.outbox import DEAD
from trellis.automation.service_levels import running_on, service_target
from trellis.channels.in_app import notification
from trellis.db import Database
from trellis.records.delete import delete_record
from trellis.web.clocks import level_cards

# Messages are due by the database's clock, so that of the test has to be ahead of it.
START = datetime(2046, 3, 5, 8, tzinfo=UTC)

SUPPORT = """
sla support "Support" on ticket {
    pause when status = "waiting"
    cancel when status = "duplicate"
    restart when status changed from "done" to "open"
    target response "First response" {
        met when status != "open"
        within 1 hour when priority = "p1"
        otherwise within 10 hours
        at 50% { notify owner using "half" }
        at 100% {
            set note to concat(coalesce(note, ""), "late;")
            escalate to owner
        }
    }
}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office(database, now=START)
    database.dispose()


def choice(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values), "default": values[0]}


def tickets(text: str = SUPPORT) -> list[Element]:
    fields = {
        "name": TEXT,
        "note": TEXT,
        "status": choice("open", "waiting", "done", "duplicate"),
        "priority": choice("p2", "p1"),
    }
    return [element("ticket", object_body(fields)), rules(text)]


def told(office: Office) -> list[str]:
    table = notification.c
    with office.database.read() as connection:
        return list(connection.execute(sa.select(table.kind).order_by(table.id)).scalars())


def test_blocks_run_at_their_shares_of_the_time_each_once(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", name="A", owner=office.person("amy"))
    office.until(START + timedelta(hours=4, minutes=55))
    assert told(office) == []
    office.until(START + timedelta(hours=5))
    assert told(office) == ["half"]
    office.until(START + timedelta(hours=10))
    assert (told(office), office.get("ticket", ticket)["note"]) == (["half", "escalation"], "late;")
    office.until(START + timedelta(hours=40), timedelta(hours=2))
    assert (told(office), office.get("ticket", ticket)["note"]) == (["half", "escalation"], "late;")
    assert office.rows(DEAD) == 0


def test_what_rules_write_in_a_new_ticket_starts_no_second_clock(office: Office) -> None:
    office.publish(tickets(f'{SUPPORT} rule seen on ticket after create {{ set name to "seen" }}'))
    ticket = office.save("ticket", name="A", owner=office.person("amy"))
    assert office.get("ticket", ticket)["name"] == "seen"
    office.until(START + timedelta(hours=10), timedelta(hours=1))
    assert (told(office), office.get("ticket", ticket)["note"]) == (["half", "escalation"], "late;")


def test_who_answers_in_time_hears_nothing(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    office.now += timedelta(hours=2)
    office.save("ticket", ticket, status="done")
    office.until(START + timedelta(hours=30), timedelta(hours=1))
    assert (told(office), office.get("ticket", ticket)["note"]) == ([], None)


def test_another_priority_gives_another_time_and_what_has_passed_counts(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    office.until(START + timedelta(minutes=20))
    office.save("ticket", ticket, priority="p1")
    office.until(START + timedelta(minutes=30))
    assert told(office) == ["half"]
    office.until(START + timedelta(hours=1))
    assert office.get("ticket", ticket)["note"] == "late;"


def test_a_clock_that_stands_still_comes_due_later(office: Office) -> None:
    text = SUPPORT.replace('met when status != "open"', 'met when status = "done"')
    office.publish(tickets(text))
    ticket = office.save("ticket", owner=office.person("amy"))
    office.now += timedelta(hours=2)
    office.save("ticket", ticket, status="waiting")
    office.until(START + timedelta(hours=20), timedelta(hours=1))
    assert told(office) == []
    office.save("ticket", ticket, status="open")
    office.until(START + timedelta(hours=23))
    assert told(office) == ["half"]
    office.until(START + timedelta(hours=28))
    assert told(office) == ["half", "escalation"]


def test_a_standstill_of_the_worker_loses_nothing(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    office.now += timedelta(days=3)
    office.round()
    assert told(office) == ["half", "escalation"]
    assert office.get("ticket", ticket)["note"] == "late;"


def test_a_ticket_that_is_opened_again_starts_anew_and_a_duplicate_ends_it(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    office.save("ticket", ticket, status="done")
    office.now += timedelta(hours=20)
    office.save("ticket", ticket, status="open")
    begun = office.now
    office.until(begun + timedelta(hours=5))
    assert told(office) == ["half"]
    office.save("ticket", ticket, status="duplicate")
    office.until(begun + timedelta(hours=30), timedelta(hours=1))
    assert (told(office), office.get("ticket", ticket)["note"]) == (["half"], None)


def test_a_running_clock_stays_on_the_rules_it_began_under(office: Office) -> None:
    office.publish(tickets())
    first = office.save("ticket", owner=office.person("amy"))
    with office.database.write(publishing=True) as connection:
        slower = SUPPORT.replace("otherwise within 10 hours", "otherwise within 20 hours")
        publish(connection, [*people(), *tickets(slower)], by="test", zone=ZONE)
    second = office.save("ticket", owner="amy")
    office.until(START + timedelta(hours=10), timedelta(hours=1))
    assert office.get("ticket", first)["note"] == "late;"
    assert office.get("ticket", second)["note"] is None
    office.until(START + timedelta(hours=20), timedelta(hours=1))
    assert office.get("ticket", second)["note"] == "late;"


TWO = """
sla first on ticket {
    target answer {
        met when note = "never"
        within 1 hour when priority = "p1"
        otherwise within 10 hours
        at 100% { set status to "waiting" }
    }
}
sla second on ticket {
    pause when status = "waiting"
    target sorted {
        met when priority = "p1"
        otherwise within 10 hours
    }
    target answer {
        met when status = "done"
        otherwise within 10 hours
        at 100% { escalate to owner }
    }
}
"""


def running_second(office: Office, ticket: str) -> TargetFacts:
    with office.database.read() as connection:
        unit = office.unit(connection)
        found = running_on(unit, unit.catalog.objects["ticket"], ticket)
    return found["second"].state.target("answer")


def test_what_one_level_sets_in_a_save_is_noted_by_the_next(office: Office) -> None:
    office.publish(tickets(TWO))
    ticket = office.save("ticket", owner=office.person("amy"))
    office.now += timedelta(hours=2)
    office.save("ticket", ticket, priority="p1")
    assert office.get("ticket", ticket)["status"] == "waiting"
    assert running_second(office, ticket).is_paused
    with office.database.read() as connection:
        here = service_target.c
        asked = sa.select(here.due).where(here.sla == "second", here.target == "answer")
        assert connection.execute(asked).scalar_one() is None
    office.until(START + timedelta(hours=20), timedelta(hours=2))
    assert told(office) == []


def test_what_one_level_sets_in_a_save_hides_nothing_of_it_from_the_next(office: Office) -> None:
    office.publish(tickets(TWO))
    ticket = office.save("ticket", owner=office.person("amy"))
    office.now += timedelta(hours=2)
    office.save("ticket", ticket, priority="p1", status="done")
    assert office.get("ticket", ticket)["status"] == "waiting"
    assert running_second(office, ticket).met_at == office.now


def test_a_deleted_ticket_asks_for_nothing(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    with office.database.write() as connection:
        delete_record(office.unit(connection), "ticket", ticket, channel="api")
    office.until(START + timedelta(hours=30), timedelta(hours=3))
    assert told(office) == []
    with office.database.read() as connection:
        unit = office.unit(connection)
        (found,) = running_on(unit, unit.catalog.objects["ticket"], ticket).values()
    assert found.state.target("response").fired == ()


def test_clocks_are_told_to_who_may_read_what_they_look_at(office: Office) -> None:
    office.publish(tickets())
    ticket = office.save("ticket", owner=office.person("amy"))
    office.until(START + timedelta(hours=8, minutes=30))
    with office.database.read() as connection:
        unit = office.unit(connection)
        (level,) = explain_sla(unit, "ticket", ticket)
        (card,) = level_cards(unit, unit.catalog.objects["ticket"], ticket, "en")
        fields = {"status": FieldRight.HIDDEN}
        access = replace(everything("ticket"), fields=fields)
        her = replace(unit, principal=Principal("p", {"id": "p"}, grants={"ticket": access}))
        assert explain_sla(her, "ticket", ticket) == []
        assert level_cards(her, unit.catalog.objects["ticket"], ticket, "en") == ()
    assert (level["name"], level["run"]) == ("support", 1)
    (clock,) = level["targets"]  # type: ignore[misc]
    assert clock == {
        "name": "response",
        "label": "First response",
        "status": "running",
        "in_business_time": False,
        "length": "PT10H",
        "elapsed": "PT8H30M",
        "remaining": "PT1H30M",
        "paused": "PT0S",
        "due": "2046-03-05T18:00:00.000Z",
        "unknown_year": None,
        "met_at": None,
        "breached": False,
        "next_at": "2046-03-05T18:00:00.000Z",
    }
    (line,) = card.clocks
    assert (card.label, line.label, line.hue, line.percent) == (
        *("Support", "First response"),
        *("amber", 85),
    )


def test_a_card_tells_for_how_long_its_promise_stood(office: Office) -> None:
    office.publish(
        tickets(SUPPORT.replace('met when status != "open"', 'met when status = "done"'))
    )
    ticket = office.save("ticket", owner=office.person("amy"))
    for status, hours, wanted in (
        ("open", 1, ("", "9 h 0 min left", True)),
        ("waiting", 2, ("2 h 0 min", "paused, 9 h 0 min left", True)),
        ("open", 3, ("2 h 0 min", "6 h 0 min left", True)),
        ("done", 4, ("2 h 0 min", "met in time", False)),
    ):
        office.save("ticket", ticket, status=status)
        office.until(office.now + timedelta(hours=hours), timedelta(hours=1))
        with office.database.read() as connection:
            unit = office.unit(connection)
            (card,) = level_cards(unit, unit.catalog.objects["ticket"], ticket, "en")
        (line,) = card.clocks
        assert (line.paused, line.text, card.goes_on) == wanted
