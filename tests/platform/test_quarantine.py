"""Rules that run wild: what they leave is held, nobody loses anything, an administrator decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from metadata.access import SYSTEM
from tests.platform.acting import acting, make, outbox_rows, system
from tests.platform.pages import get
from tests.platform.test_api import LEAD, Client, call
from tests.platform.test_rule_governance import RULE, TEXT, act, publish, state
from tests.platform.world import Login
from trellis.audit.tables import audit_event
from trellis.automation.dispatcher import database_now
from trellis.automation.outbox import CANCELLED, DONE, HELD, WAITING, add, outbox
from trellis.automation.quarantine import FAILURES, hold, rule_quarantine
from trellis.automation.watch import watch_rules
from trellis.channels.in_app import notification
from trellis.doctor import examine_rules
from trellis.runtime import Platform
from trellis.work import unit_for
from trellis.worker import make_dispatcher, watch_over

__all__ = ["call"]

STORM = 3


def watch(platform: Platform, storm: int = STORM) -> list[str]:
    """Lets the watch go round once; gives the rules that were put into quarantine."""
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        unit = unit_for(platform, connection, catalog, SYSTEM)
        return [wild.rule for wild in watch_rules(unit, storm)]


def greet(platform: Platform, number: int) -> list[str]:
    return [make(platform, "rita", "lead", **LEAD, company="Acme") for _ in range(number)]


def states(platform: Platform) -> list[str]:
    """Gives how what the rule left stands, in the order in which it was left."""
    return [row["state"] for row in outbox_rows(platform) if row["rule"] == "hello"]


def drain(platform: Platform) -> int:
    return make_dispatcher(platform).drain()


def bells(platform: Platform, kind: str) -> list[Any]:
    """Gives the records that messages of a kind are about, in the order of the messages."""
    with platform.database.read() as connection:
        chosen = sa.select(notification.c.record_id).where(notification.c.kind == kind)
        return list(connection.execute(chosen.order_by(notification.c.id)).scalars())


def test_what_a_storm_leaves_is_held_and_nothing_is_lost(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    leads = greet(platform, STORM + 1)
    assert (watch(platform), watch(platform)) == (["hello"], [])
    leads += greet(platform, 1)
    drain(platform)
    assert states(platform) == [HELD] * 5
    assert bells(platform, "hello") == []
    found = state(call)
    assert (found["state"], found["quarantine"]["cause"]) == ("quarantined", "storm")
    assert (found["quarantine"]["number"], found["quarantine"]["held"]) == (4, 5)
    assert act(call, "release", "It was an import") == {"count": 5}
    drain(platform)
    assert states(platform) == [DONE] * 5
    assert bells(platform, "hello") == leads
    assert (state(call)["state"], state(call)["quarantine"]) == ("active", None)


def test_administrators_are_told_once(call: Client, platform: Platform, login: Login) -> None:
    publish(call, TEXT)
    greet(platform, STORM + 1)
    watch(platform)
    watch(platform)
    drain(platform)
    assert len(bells(platform, "rule_quarantine")) == 1
    page = get(login("admin"), "/notifications").text_content()
    assert "The rule hello is in quarantine: what it leaves is held" in page


def test_as_many_as_allowed_are_no_storm(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    greet(platform, STORM)
    assert watch(platform) == []
    greet(platform, 1)
    assert watch(platform, 0) == []
    watch_over(platform)
    drain(platform)
    assert states(platform) == [DONE] * 4


def test_what_is_planned_by_the_clock_is_no_storm(platform: Platform) -> None:
    with platform.database.write() as connection:
        at = database_now(connection) + timedelta(hours=1)
        for number in range(9):
            add(connection, "due", {"rule": "x"}, f"due/{number}", rule="x", at=at)
    assert watch(platform) == []


def test_what_is_dropped_is_cancelled_and_audited(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    greet(platform, STORM + 1)
    watch(platform)
    drain(platform)
    assert act(call, "drop", "Nobody wants it") == {"count": 4}
    drain(platform)
    assert states(platform) == [CANCELLED] * 4
    greet(platform, 1)
    drain(platform)
    assert states(platform)[-1] == DONE
    with platform.database.read() as connection:
        query = sa.select(audit_event.c.kind, audit_event.c.why).order_by(audit_event.c.id)
        of_rules = audit_event.c.kind.like("rule_%")
        kinds = [tuple(row) for row in connection.execute(query.where(of_rules))]
    assert kinds == [
        ("rule_quarantined", None),
        ("rule_dropped", "Nobody wants it"),
    ]


def failing(platform: Platform, number: int) -> None:
    """Leaves effects of the rule that fail."""
    with platform.database.write() as connection:
        for one in range(number):
            add(connection, "nothing", {}, f"broken/{one}", rule="hello")
    drain(platform)


def test_many_failures_at_once_are_held_too(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    failing(platform, FAILURES - 1)
    assert watch(platform, 0) == []
    with platform.database.write() as connection:
        add(connection, "nothing", {}, "broken/last", rule="hello")
    drain(platform)
    assert watch(platform, 0) == ["hello"]
    found = call("admin", "GET", f"{RULE}/runs").get_json()["failing"]
    assert len(found) == FAILURES
    assert "no action 'nothing'" in found[0]["error"]
    assert act(call, "release", "Try again") == {"count": FAILURES}
    assert watch(platform, 0) == []
    drain(platform)
    assert watch(platform, 0) == ["hello"]
    assert act(call, "drop") == {"count": FAILURES}
    assert (watch(platform, 0), state(call)["failing"]) == ([], 0)


def test_what_a_worker_put_aside_during_a_release_goes_on(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    greet(platform, 1)
    with platform.database.write() as connection:
        connection.execute(sa.update(outbox).values(state=HELD).where(outbox.c.rule == "hello"))
    watch_over(platform)
    assert states(platform) == [WAITING]


def test_what_a_rule_does_in_the_save_goes_on(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    greet(platform, STORM + 1)
    watch(platform)
    (lead,) = greet(platform, 1)
    with system(platform) as unit:
        assert (unit.records().get("lead", lead) or {})["title"] == "greeted"


def test_other_rules_go_on(call: Client, platform: Platform) -> None:
    publish(call, TEXT)
    with platform.database.write() as connection:
        row = {"rule": "hello", "cause": "storm", "number": 9, "since": database_now(connection)}
        connection.execute(sa.insert(rule_quarantine).values(row))
        hold(connection, outbox.c.state == WAITING)
    greet(platform, 1)
    with platform.database.write() as connection:
        add(connection, "notify", {"recipients": [], "kind": "x"}, "other", rule="other")
    drain(platform)
    found = {row["rule"]: row["state"] for row in outbox_rows(platform)}
    assert found == {"hello": HELD, "other": DONE}


def test_doctor_and_pages_tell(call: Client, platform: Platform, login: Login) -> None:
    publish(call, TEXT)
    greet(platform, STORM + 1)
    watch(platform)
    drain(platform)
    (finding,) = examine_rules(platform)
    assert finding.level == "wrong"
    assert "4 effects are held: release or drop them in Setup › Rules" in finding.text
    client = login("admin")
    assert "1 rule is in quarantine" in get(client, "/setup/background").text_content()
    page = get(client, "/setup/rules/rule/hello").text_content()
    assert "It left 4 effects within a minute." in page
    assert "4 effects are held." in page
    answer = client.post("/setup/rules/rule/hello/release", data={"why": "Import"})
    assert answer.status_code == 302
    assert "4 effects are run" in get(client, "/setup/rules/rule/hello").text_content()
    with acting(platform, "admin") as unit:
        assert not unit.connection.execute(sa.select(rule_quarantine)).all()
