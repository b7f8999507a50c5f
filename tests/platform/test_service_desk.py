"""The service package at work: promises, escalations, turns, feedback, goodwill and its demo."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata.packages.install import install, uninstall
from metadata.packages.read import read_package
from tests.platform.acting import acting, make, stored, system
from tests.platform.conftest import Template, make_settings
from tests.platform.office import Office
from tests.platform.test_education import smaller
from tests.platform.world import PASSWORD
from trellis import approvals
from trellis.api.explain import explain_sla
from trellis.automation.assignments import decisions_on
from trellis.automation.outbox import DEAD, outbox
from trellis.bundled import known_packages
from trellis.channels.in_app import notification
from trellis.demo.load import load_demo
from trellis.errors import Missing, NotAllowed, Refused
from trellis.mail.tables import mail_message
from trellis.records.absences import end_absence, enter_absence
from trellis.records.delete import delete_record
from trellis.records.read import read_record
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.security.users import create_user
from trellis.security.versions import watch_security

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Messages are due by the database's clock, so that of the test is ahead of it. A Monday, 9:00.
LATER = datetime(2046, 3, 5, 9, tzinfo=SHANGHAI)
# User name → (role, manager, team)
STAFF = {
    "vera": ("support_head", None, None),
    "otto": ("support_lead", "vera", None),
    "jing": ("support_lead", "vera", None),
    "tao": ("support_agent", "otto", "Technical support"),
    "yun": ("support_agent", "otto", "Technical support"),
    "luc": ("support_agent", "jing", "Customer care"),
    "meng": ("support_agent", "jing", "Customer care"),
    "edda": ("knowledge_editor", None, None),
    "paul": ("support_viewer", None, None),
}


@dataclass
class Desk:
    """A platform with the package; `ids` are people, accounts and the queue by name."""

    platform: Platform
    ids: dict[str, str] = field(default_factory=dict)

    def office(self, now: datetime) -> Office:
        """Gives the same platform by a clock that the test moves."""
        return Office(self.platform.database, SHANGHAI, now, self.platform.catalogs)

    def name(self, found: object) -> str | None:
        return next((name for name, one in self.ids.items() if one == found), None)

    def owner(self, ticket: str) -> str | None:
        return self.name(stored(self.platform, "ticket", ticket)["owner"])

    def told(self, ticket: str) -> list[tuple[str, str | None]]:
        """Gives who was told what of a ticket, oldest first."""
        rows = sa.select(notification.c.kind, notification.c.user_id).order_by(notification.c.id)
        rows = rows.where(notification.c.record_id == ticket)
        with self.platform.database.read() as connection:
            return [(kind, self.name(user)) for kind, user in connection.execute(rows)]


def fill(platform: Platform, desk: Desk) -> None:
    """Adds the staff, their teams, the queue, and customers."""
    with system(platform) as unit:
        for team in ("Technical support", "Customer care"):
            desk.ids[team] = save_record(unit, "team", None, {"name": team}, channel="api").id
        for username, (role, manager, own) in STAFF.items():
            values = {
                **{"username": username, "name": username.title(), "active": True},
                **{"email": f"{username}@example.com", "team": desk.ids.get(own or "")},
                "manager": desk.ids.get(manager or ""),
            }
            made = create_user(
                unit.connection, unit.catalog, values, password=PASSWORD, roles=[role]
            )
            desk.ids[username] = made
        queue = {"name": "Support desk", "object": "ticket", "team": desk.ids["Customer care"]}
        desk.ids["queue"] = save_record(unit, "queue", None, queue, channel="api").id
        for name, tier in (("acme", "b"), ("star", "vip")):
            values = {"name": name.title(), "tier": tier}
            desk.ids[name] = save_record(unit, "account", None, values, channel="api").id


@pytest.fixture(scope="module")
def desk(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with template.copy(folder) as database_url:
        platform = open_platform(make_settings(database_url, folder))
        with platform.database.write() as connection:
            install(connection, read_package(known_packages()["service"]), by="system")
            watch_security(connection)
        desk = Desk(platform)
        fill(platform, desk)
        yield desk
        platform.close()


def route(desk: Desk, category: str, **more: object) -> str:
    given = {"subject": f"About {category}", "channel": "email", "category": category, **more}
    return make(desk.platform, "jing", "ticket", **given)


def test_tickets_go_round_and_to_who_has_least(desk: Desk) -> None:
    owners = [desk.owner(route(desk, name)) for name in ("billing", "delivery", "billing")]
    assert sorted(map(str, owners[:2])) == ["luc", "meng"]
    assert owners[2] == owners[0]
    busy = [route(desk, "other", channel="phone") for _ in range(2)]
    assert {desk.owner(one) for one in busy} == {"jing"}
    first, second = (desk.owner(route(desk, "technical")) for _ in range(2))
    assert {first, second} == {"tao", "yun"}
    waiting = stored(desk.platform, "ticket", stray := route(desk, "other"))
    assert (waiting["owner"], waiting["owner_queue"]) == (None, desk.ids["queue"])
    with system(desk.platform) as unit:
        ticket = unit.catalog.objects["ticket"]
        assert [str(one.because) for _, one in decisions_on(unit, ticket, stray)] == [
            "nothing else fits"
        ]


def dues(office: Office, ticket: str) -> tuple[str, ...]:
    """Gives when first response and solution are due, in Shanghai."""
    with office.database.read() as connection:
        (level,) = explain_sla(office.unit(connection), "ticket", ticket)
    instants = (datetime.fromisoformat(clock["due"]) for clock in level["targets"])  # type: ignore[attr-defined]
    return tuple(one.astimezone(SHANGHAI).strftime("%m-%d %H:%M") for one in instants)


# Worked out by hand for Wednesday, 30 September 2026, 17:00. The desk is open 9–12 and 13–18, not
# from 1 to 7 October, and on Saturday the 10th instead; that of key accounts 8–22 every day.
PROMISED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("acme", "urgent"): ("09-30 17:30", "09-30 21:00"),
    ("acme", "high"): ("10-08 10:00", "10-08 17:00"),
    ("acme", "normal"): ("10-08 12:00", "10-10 17:00"),
    ("acme", "low"): ("10-08 17:00", "10-13 17:00"),
    ("star", "urgent"): ("09-30 17:15", "09-30 19:00"),
    ("star", "high"): ("09-30 17:30", "10-01 09:00"),
    ("star", "normal"): ("09-30 19:00", "10-01 17:00"),
    ("star", "low"): ("09-30 19:00", "10-01 17:00"),
}


def test_each_priority_has_its_time_over_holidays_and_days_worked_instead(desk: Desk) -> None:
    office = desk.office(datetime(2026, 9, 30, 17, tzinfo=SHANGHAI))
    found = {}
    for account, priority in PROMISED:
        values = {"subject": f"{account} {priority}", "account": desk.ids[account]}
        ticket = office.save("ticket", **values, priority=priority, channel="phone")
        found[account, priority] = dues(office, ticket)
    assert found == PROMISED


def test_the_solution_waits_for_the_customer(desk: Desk) -> None:
    office = desk.office(datetime(2026, 9, 30, 17, tzinfo=SHANGHAI))
    values = {"subject": "No signal", "priority": "high", "channel": "phone"}
    ticket = office.save("ticket", **values, owner=desk.ids["tao"])
    asked = {"ticket": ticket, "direction": "agent", "body": "Which?", "awaits_customer": True}
    office.save("ticket_message", **asked)
    assert office.get("ticket", ticket)["state"] == "waiting"
    office.now = datetime(2026, 10, 9, 9, tzinfo=SHANGHAI)
    office.save("ticket_message", ticket=ticket, direction="customer", body="The blue one")
    assert office.get("ticket", ticket)["state"] == "open"
    # All eight hours are left: Friday the 9th is over with them.
    assert dues(office, ticket)[1] == "10-09 18:00"


def test_what_nobody_answers_climbs_to_the_manager_and_her_manager(desk: Desk) -> None:
    office = desk.office(LATER)
    about = {"subject": "Fire", "account": desk.ids["acme"], "channel": "phone"}
    ticket = office.save("ticket", **about, priority="urgent", owner=desk.ids["luc"])
    office.until(LATER + timedelta(minutes=23), timedelta(minutes=23))
    assert set(desk.told(ticket)) == {("urgent_ticket", "otto"), ("urgent_ticket", "jing")}
    known = len(desk.told(ticket))
    expected = [
        (24, "at_risk", "response_due_soon", "luc"),
        (30, "breached", "escalation", "jing"),
        (45, "breached", "escalation", "vera"),
    ]
    for minute, alert, kind, who in expected:
        office.until(LATER + timedelta(minutes=minute - 1))
        assert len(desk.told(ticket)) == known, minute
        office.until(LATER + timedelta(minutes=minute))
        known += 1
        assert (desk.told(ticket)[-1], office.get("ticket", ticket)["response_alert"]) == (
            *((kind, who), alert),
        )
    office.save("ticket", ticket, state="resolved", solution="Water")
    office.until(LATER + timedelta(days=1), timedelta(hours=6))
    assert (len(desk.told(ticket)), office.rows(DEAD)) == (known, 0)


def test_an_urgent_ticket_goes_on_after_twenty_minutes(desk: Desk) -> None:
    office = desk.office(LATER)
    about = {"subject": "Fire", "account": desk.ids["acme"], "category": "technical"}
    ticket = office.save("ticket", **about, priority="urgent")
    first = desk.owner(ticket)
    office.until(LATER + timedelta(minutes=19), timedelta(minutes=19))
    assert desk.owner(ticket) == first
    office.until(LATER + timedelta(minutes=20))
    assert {first, desk.owner(ticket)} == {"tao", "yun"}


def test_feedback_is_asked_for_when_a_resolved_ticket_closes_by_itself(desk: Desk) -> None:
    office = desk.office(LATER)
    office.round()
    ticket = office.save("ticket", subject="Late", channel="phone", owner=desk.ids["luc"])
    with pytest.raises(Refused) as error:
        office.save("ticket", ticket, csat_score=5)
    assert [(one.path, one.code) for one in error.value.problems] == [("/csat_score", "rule")]
    office.save("ticket_message", ticket=ticket, direction="agent", body="We look at it")
    answered = office.get("ticket", ticket)
    assert (answered["state"], answered["first_response_at"]) == ("open", LATER)
    office.save("ticket", ticket, state="resolved", solution="Sent again")
    office.until(LATER + timedelta(days=5) - timedelta(minutes=1), timedelta(hours=4))
    assert office.get("ticket", ticket)["state"] == "resolved"
    office.until(LATER + timedelta(days=5))
    closed = office.get("ticket", ticket)
    assert (closed["state"], closed["csat_requested_at"]) == ("closed", office.now)
    office.round()
    assert desk.told(ticket) == [("ask_for_feedback", "luc")]
    office.save("ticket", ticket, csat_score=1, csat_comment="Slow")
    office.round()
    assert desk.told(ticket)[1:] == [("customer_is_unhappy", "jing")]
    office.save("ticket_message", ticket=ticket, direction="customer", body="It is lost again")
    with office.database.read() as connection:
        after = office.unit(connection).records().list("ticket", match={"follow_up_of": ticket})
    (follow_up,) = after.items
    assert (follow_up["subject"], desk.owner(str(follow_up["id"]))) == ("Late", "luc")


def test_a_contact_with_an_address_is_asked_by_mail(desk: Desk) -> None:
    office = desk.office(LATER)
    ann = office.save("contact", name="Ann", email="ann@customer.example")
    about = {"subject": "Question", "channel": "phone", "owner": desk.ids["luc"]}
    ticket = office.save("ticket", **about, contact=ann, state="resolved", solution="Told")
    office.save("ticket", ticket, state="closed")
    office.round()
    letter = mail_message.c
    asked = sa.select(letter.kind, letter.addressee_id).where(letter.record_id == ticket)
    with office.database.read() as connection:
        assert list(map(tuple, connection.execute(asked))) == [("rate_our_service", ann)]
    assert desk.told(ticket) == []


def may_change(desk: Desk, who: str, kind: str, record_id: str, **values: object) -> bool:
    try:
        with acting(desk.platform, who) as unit:
            save_record(unit, kind, record_id, values, channel="api")
    except (Missing, NotAllowed, Refused):
        return False
    return True


def sees(desk: Desk, who: str, kind: str, record_id: str) -> bool:
    try:
        with acting(desk.platform, who) as unit:
            read_record(unit, kind, record_id, ["id"])
    except Missing:
        return False
    return True


def test_each_role_does_and_sees_its_own(desk: Desk) -> None:
    ticket = make(desk.platform, "luc", "ticket", subject="Late", channel="phone")
    note, answer = (
        make(desk.platform, "luc", "ticket_message", ticket=ticket, direction=kind, body="Hm")
        for kind in ("note", "agent")
    )
    draft = make(
        desk.platform,
        "tao",
        "knowledge_article",
        title="Reset",
        category="technical",
        body="<p>x</p>",
    )
    seen = {
        who: [sees(desk, who, *one) for one in (("ticket", ticket), ("ticket_message", note),
              ("ticket_message", answer), ("knowledge_article", draft))]
        for who in ("luc", "tao", "jing", "edda", "paul", "rita")
    }  # fmt: skip
    assert seen == {
        "luc": [True, True, True, False],
        "tao": [True, True, True, True],
        "jing": [True, True, True, True],
        "edda": [True, True, True, True],
        "paul": [True, False, True, False],
        "rita": [False, False, False, False],  # a sales rep
    }
    changes = {who: may_change(desk, who, "ticket", ticket, priority="high") for who in seen}
    assert [who for who, may in changes.items() if may] == ["luc", "jing"]
    assert may_change(desk, "meng", "ticket", ticket, priority="low")  # of the same team
    assert not may_change(desk, "luc", "ticket_message", note, body="Nothing")
    assert may_change(desk, "edda", "knowledge_article", draft, state="published")
    assert sees(desk, "paul", "knowledge_article", draft)
    with acting(desk.platform, "paul") as unit:
        assert "csat_comment" not in read_record(unit, "ticket", ticket)


def test_articles_help_tickets_and_are_judged(desk: Desk) -> None:
    about = {"title": "Reset", "category": "technical", "body": "<p>Press.</p>", "author": "tao"}
    article = make(desk.platform, "edda", "knowledge_article", **about, state="published")
    ticket = make(
        desk.platform, "tao", "ticket", subject="How to", channel="phone", articles=[article]
    )
    for helpful in (True, True, False):
        make(desk.platform, "tao", "article_feedback", article=article, helpful=helpful)
    found = stored(desk.platform, "knowledge_article", article)
    assert (found["helpful"], found["unhelpful"], found["helpfulness"]) == (
        *(2, 1),
        Decimal("0.67"),
    )
    with acting(desk.platform, "tao") as unit:
        assert [one["id"] for one in read_record(unit, "ticket", ticket)["articles"]] == [article]  # type: ignore[attr-defined]


def test_a_contact_brings_her_account_and_goes_with_no_other(desk: Desk) -> None:
    about = {"subject": "Question", "channel": "phone"}
    ann = make(desk.platform, "jing", "contact", name="Ann", account=desk.ids["acme"])
    ticket = make(desk.platform, "luc", "ticket", **about, contact=ann)
    assert stored(desk.platform, "ticket", ticket)["account"] == desk.ids["acme"]
    with pytest.raises(Refused) as error:
        make(desk.platform, "luc", "ticket", **about, contact=ann, account=desk.ids["star"])
    assert {(one.path, one.code) for one in error.value.problems} == {
        ("/contact", "lookup_filter"),
        ("/contact", "rule"),
    }


def test_goodwill_above_its_limits_is_asked_for(desk: Desk) -> None:
    ticket = make(desk.platform, "luc", "ticket", subject="Broken", channel="phone")
    given = {"ticket": ticket, "kind": "refund", "reason": "Broken on the way"}
    small = make(desk.platform, "luc", "goodwill", **given, amount="200")
    assert may_change(desk, "luc", "goodwill", small, status="approved")
    large = make(desk.platform, "luc", "goodwill", **given, amount="2000.01")
    assert not may_change(desk, "luc", "goodwill", large, status="approved")
    with acting(desk.platform, "luc") as unit:
        approvals.submit(unit, "goodwill", large)
    for who in ("jing", "vera"):
        assert stored(desk.platform, "goodwill", large)["status"] == "in_approval"
        with acting(desk.platform, who) as unit:
            (request,) = approvals.of_record(unit, "goodwill", large)
            approvals.decide(unit, request.id, "approve", "")
    assert stored(desk.platform, "goodwill", large)["status"] == "approved"


def test_every_message_of_its_rules_is_worded_in_chinese(desk: Desk) -> None:
    rules = known_packages()["service"].glob("rules/*.rules")
    said = {kind for file in rules for kind in re.findall(r'using "(\w+)"', file.read_text())}
    assert len(said) > 8
    with system(desk.platform) as unit:
        worded = {kind: unit.catalog.message(kind, "zh") for kind in said}
    left = {kind for kind, text in worded.items() if text == kind}
    assert left == {"goodwill_approved", "goodwill_rejected"}  # worded by the platform


def test_it_goes_and_comes_back_with_what_was_worked(desk: Desk) -> None:
    acme = make(desk.platform, "jing", "account", name="Acme North")
    ticket = route(desk, "billing", account=acme, priority="urgent")
    with desk.platform.database.write() as connection:
        uninstall(connection, "service", by="system", confirm=["service"])
    with system(desk.platform) as unit:
        assert "ticket" not in unit.catalog.objects
        assert unit.records().get("account", acme) is not None
        assert "open_tickets" not in unit.catalog.objects["account"].fields
    office = desk.office(LATER + timedelta(days=9))
    office.round()  # its clocks and turns ask for nothing any more
    tried = sa.select(outbox.c.last_error).where(outbox.c.last_error.is_not(None))
    with desk.platform.database.read() as connection:
        assert connection.execute(tried).all() == []
    with desk.platform.database.write() as connection:
        install(connection, read_package(known_packages()["service"]), by="system")
    assert stored(desk.platform, "ticket", ticket)["subject"] == "About billing"
    assert stored(desk.platform, "account", acme)["open_tickets"] == 1
    with system(desk.platform) as unit:
        delete_record(unit, "ticket", ticket, channel="api")
    assert stored(desk.platform, "account", acme)["open_tickets"] == 0


def test_its_demo_is_a_desk_at_work(template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "service"
    shutil.copytree(known_packages()["service"], folder)
    file = folder / "demo" / "generate.json"
    file.write_text(json.dumps(smaller(json.loads(file.read_text("utf-8")))), "utf-8")
    with template.copy(tmp_path) as database_url:
        platform = open_platform(make_settings(database_url, tmp_path))
        with platform.database.write() as connection:
            install(connection, read_package(folder), by="system")
            watch_security(connection)
        made = load_demo(platform, folder, password=PASSWORD)
        assert {name for name, number in made.items() if not number} <= {"goodwill"}
        with system(platform) as unit:
            tickets = unit.records().list("ticket", limit=200).items
            agents = unit.directory.resolve("role", "support_agent", None)
            assert {one["owner"] for one in tickets} - {None} <= set(agents)
            assert {"closed"} < {one["state"] for one in tickets}
            assert any(one["csat_score"] for one in tickets)
            assert any(one["messages_sent"] for one in tickets)
        assert load_demo(platform, folder, password=PASSWORD) == {}
        platform.close()


def test_who_is_away_gets_no_ticket(desk: Desk) -> None:
    with acting(desk.platform, "luc") as unit:
        away = enter_absence(unit, desk.ids["luc"], None, unit.moment.today)
    owners = {desk.owner(route(desk, name)) for name in ("billing", "account", "billing")}
    assert owners == {"meng"}
    with acting(desk.platform, "luc") as unit:
        end_absence(unit, desk.ids["luc"], away.id)
    for name in ("billing", "billing"):
        owners.add(desk.owner(route(desk, name)))
    assert owners == {"luc", "meng"}
