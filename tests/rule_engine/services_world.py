"""People, records and a moment for tests of the services; the language makes the definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import compile_program, parse
from rule_engine.program import Program
from rule_engine.services.evaluate import Surroundings
from rule_engine.types import Absence, Calendar, Memberships, Schema
from rule_engine.values import Money
from tests.rule_engine.schemas import make_object, make_schema

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NO_CALENDARS: Mapping[str, Calendar] = {}

SCHEMA: Schema = make_schema(
    [
        make_object(
            "quote",
            {
                "name": "text",
                "status": "draft|in_approval|approved|sent",
                "discount": "percent",
                "amount": "money CNY",
                "approved_at": "instant",
                "region": "text",
                "score": "number",
                "score_grade": "A|B|C",
                "total": "money CNY",
                "stage": "new=10|offer=50|won=100",
            },
            links={"lines": "line.quote"},
        ),
        make_object("line", {"quote": "-> quote", "quantity": "number", "price": "money CNY"}),
        make_object(
            "user",
            {
                "name": "text",
                "active": "boolean",
                "roles": "text",
                "region": "text",
                "approval_limit": "money CNY",
                "manager": "-> user",
                "team": "text",
                "substitute": "-> user",
                "away_from": "date",
                "away_until": "date",
            },
        ),
        make_object("account", {"name": "text", "size": "number", "tier": "A|B"}),
        make_object(
            "task",
            {
                "subject": "text",
                "due_on": "date",
                "state": "new|open|done",
                "level": "number",
                "account": "-> account",
                "quote": "-> quote",
            },
        ),
    ]
)


@dataclass(frozen=True)
class Company:
    """A Directory and a Related at once: users with a manager, roles with their holders."""

    users: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        holders = self.roles.get(name, ())
        return [u for u in holders if scope is None or self.users[u].get("region") == scope]

    def relation(self, kind: str, user: str) -> Sequence[str]:
        manager = self.users.get(user, {}).get(kind)
        return [str(manager)] if manager else []

    def memberships(self, user: str) -> Memberships:
        return Memberships(frozenset(role for role, held in self.roles.items() if user in held))

    def absence(self, user: str) -> Absence | None:
        known = self.users.get(user, {})
        until, substitute = known.get("away_until"), known.get("substitute")
        if until is None and substitute is None:
            return None
        return Absence(
            until if isinstance(until, date) else None, str(substitute) if substitute else None
        )

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        return self.users.get(record_id) if object_name == "user" else None

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        return ()


class Rates:
    base = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        return None


def person(name: str, manager: str | None = None, **values: object) -> dict[str, object]:
    return {"id": name, "name": name, "active": True, "manager": manager, **values}


#: amy → bob → cat → dan; eve and fay sell too.
COMPANY = Company(
    users={
        "amy": person("amy", "bob", region="north"),
        "bob": person("bob", "cat", region="north", approval_limit=Money(Decimal(1000), "CNY")),
        "cat": person("cat", "dan", region="south", approval_limit=Money(Decimal(9000), "CNY")),
        "dan": person("dan", None, region="south", approval_limit=Money(Decimal(99999), "CNY")),
        "eve": person("eve", "bob", region="north"),
        "gone": person("gone", "cat", active=False),
    },
    roles={
        "finance": ["cat", "dan"],
        "board": ["bob", "cat", "dan", "eve"],
        "admin": ["dan"],
        "bob_only": ["bob"],
        "amy_only": ["amy"],
    },
)


def surroundings(
    company: Company = COMPANY,
    user: str | None = None,
    zone: ZoneInfo = UTC_ZONE,
    calendars: Mapping[str, Calendar] = NO_CALENDARS,
    now: datetime = NOW,
) -> Surroundings:
    acting = None if user is None else company.users[user]
    return Surroundings(now, zone, acting, calendars, Rates(), company)


def program_of(text: str) -> Program:
    return compile_program([parse(text)], SCHEMA)


def cny(amount: int | str) -> Money:
    return Money(Decimal(amount), "CNY")


def quote(**values: object) -> dict[str, object]:
    known: dict[str, object] = {
        "id": "q1",
        "owner": "amy",
        "status": "draft",
        "discount": Decimal("0.25"),
        "amount": cny(500),
    }
    return known | values
