"""Leads of 25 fields and the 30 weighted conditions that all engines of the bench compute."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from rule_engine.values import Money
from tests.bench.rules import NOW

Record = Mapping[str, object]

TEXT: Mapping[str, object] = {"type": "string"}
WHOLE: Mapping[str, object] = {"type": "integer"}
YES_NO: Mapping[str, object] = {"type": "boolean"}
MONEY: Mapping[str, object] = {"type": "number", "crm": {"field": "money", "currency": "CNY"}}
INSTANT: Mapping[str, object] = {"type": "string", "format": "date-time"}


def choice(*values: str) -> Mapping[str, object]:
    """Gives a field with options."""
    return {"type": "string", "enum": list(values)}


INDUSTRIES = ("software", "finance", "manufacturing", "other")
COUNTRIES = ("CN", "US", "DE", "FR", "JP")
STATUSES = ("open", "working", "qualified", "lost")

LEAD: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "title": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "website": TEXT,
        "company": TEXT,
        "city": TEXT,
        "industry": choice(*INDUSTRIES),
        "lead_source": choice("web", "referral", "partner"),
        "status": choice(*STATUSES),
        "country": choice(*COUNTRIES),
        "language": choice("en", "zh", "de"),
        "employees": WHOLE,
        "annual_revenue": MONEY,
        "budget": MONEY,
        "emails_opened": WHOLE,
        "emails_clicked": WHOLE,
        "page_views": WHOLE,
        "visits": WHOLE,
        "demo_requested": YES_NO,
        "newsletter": YES_NO,
        "do_not_contact": YES_NO,
        "first_seen_on": {"type": "string", "format": "date"},
        "last_contacted_at": INSTANT,
        "next_meeting_at": INSTANT,
        "score": WHOLE,
        "score_grade": choice("A", "B", "C"),
    },
    "crm": {"name_field": "name"},
}

#: Points and condition.
CONDITIONS: Sequence[tuple[int, str]] = (
    (20, "employees >= 1000"),
    (10, "employees between 200 and 999"),
    (15, 'industry in ["software", "finance"]'),
    (8, 'industry = "manufacturing"'),
    (15, 'lead_source in ["referral", "partner"]'),
    (10, "budget >= 50万 CNY"),
    (8, 'title contains "VP" or title contains "director" or title starts with "head of"'),
    (-15, 'email ends with "@gmail.com" or email ends with "@qq.com"'),
    (-20, "phone is empty and email is empty"),
    (20, "demo_requested"),
    (12, "annual_revenue > 1000万 CNY"),
    (-6, "annual_revenue < 100万 CNY and employees < 20"),
    (3, "website is not empty"),
    (-7, 'company contains "test" or company is empty'),
    (4, 'city in ["Beijing", "Shanghai", "Shenzhen", "Hangzhou"]'),
    (5, 'country = "CN"'),
    (-3, 'country not in ["CN", "US", "DE"]'),
    (1, 'language != "en"'),
    (6, "emails_clicked >= 3"),
    (-4, "emails_opened > 10 and emails_clicked = 0"),
    (3, "emails_clicked * 4 >= emails_opened"),
    (7, "page_views + visits > 40"),
    (3, "visits between 5 and 20"),
    (5, "last_contacted_at in last 7 days"),
    (-8, "last_contacted_at older than 60 days"),
    (9, "next_meeting_at in next 14 days"),
    (-5, "first_seen_on older than 365 days"),
    (2, "newsletter and not do_not_contact"),
    (6, 'status = "working" or status = "qualified"'),
    (-50, "do_not_contact"),
)
BASE, MOST = 10, 100


def ruleset() -> str:
    """Gives the score as rules."""
    items = [
        f'{"add" if points > 0 else "subtract"} {abs(points)} when {condition} because "{points}"'
        for points, condition in CONDITIONS
    ]
    grades = ['grade "A" from 60', 'grade "B" from 30', 'grade "C" from 0']
    head = [
        'ruleset bench "Bench"',
        'score points "Points" on lead into score {',
        f"base {BASE}",
        f"range 0 to {MOST}",
    ]
    return "\n".join([*head, *items, *grades, "}"])


def leads(number: int) -> list[dict[str, object]]:
    """Gives leads with some of everything, the same each time; three in ten values are empty."""
    draw = random.Random(7)
    return [
        {name: None if draw.random() < 0.3 else value for name, value in _lead(draw).items()}
        | {"id": f"{index:032x}"}
        for index in range(number)
    ]


def _lead(draw: random.Random) -> dict[str, object]:
    def money(most: int) -> Money:
        return Money(Decimal(draw.randint(1, most)), "CNY")

    def whole(most: int) -> Decimal:
        return Decimal(draw.randint(0, most))

    return {
        "name": draw.choice(["Wang Fang", "Jo Smith"]),
        "title": draw.choice(["VP Sales", "Buyer", "Head of IT", "Director"]),
        "email": draw.choice(["a@acme.cn", "b@gmail.com", "c@qq.com", "d@corp.de"]),
        "phone": "+8613800000000",
        "website": "https://acme.example",
        "company": draw.choice(["Acme", "Test Ltd", "Globex", "未来科技"]),
        "city": draw.choice(["Beijing", "Shanghai", "Berlin", "Lyon"]),
        "industry": draw.choice(INDUSTRIES),
        "lead_source": draw.choice(["web", "referral", "partner"]),
        "status": draw.choice(STATUSES),
        "country": draw.choice(COUNTRIES),
        "language": draw.choice(["en", "zh", "de"]),
        "employees": whole(3000),
        "annual_revenue": money(50_000_000),
        "budget": money(1_000_000),
        "emails_opened": whole(30),
        "emails_clicked": whole(6),
        "page_views": whole(60),
        "visits": whole(30),
        "demo_requested": draw.random() < 0.5,
        "newsletter": draw.random() < 0.5,
        "do_not_contact": draw.random() < 0.1,
        "first_seen_on": date(2026, 3, 1) - timedelta(days=draw.randint(0, 800)),
        "last_contacted_at": NOW - timedelta(days=draw.randint(0, 120)),
        "next_meeting_at": NOW + timedelta(days=draw.randint(-5, 40)),
    }
