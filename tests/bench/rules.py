"""A score of eleven conditions: compiled, with reasons, and as somebody would write it by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from metadata.schema import schema_of
from rule_engine import Expression, compile_program, parse
from rule_engine.backends.python import compile_python
from rule_engine.services.score import score
from rule_engine.text import fold
from rule_engine.types import Schema
from rule_engine.values import Money
from tests.bench.clock import Row, medians
from trellis.automation.environment import Surroundings

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
Record = Mapping[str, object]

LEAD: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "title": {"type": "string"},
        "email": {"type": "string", "format": "email"},
        "phone": {"type": "string", "crm": {"field": "phone"}},
        "industry": {"type": "string", "enum": ["software", "finance", "manufacturing", "other"]},
        "lead_source": {"type": "string", "enum": ["web", "referral", "partner"]},
        "employees": {"type": "integer"},
        "budget": {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
        "emails_opened": {"type": "integer"},
        "demo_requested": {"type": "boolean"},
        "do_not_contact": {"type": "boolean"},
        "last_contacted_at": {"type": "string", "format": "date-time"},
        "score": {"type": "integer"},
    },
    "crm": {"name_field": "name"},
}

# Points → condition; the same list makes the score and the expression.
ADDED: Sequence[tuple[int, str]] = (
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
)
OPENED = "min(coalesce(emails_opened, 0), 15)"
SILENT = "last_contacted_at older than 60 days"


def ruleset() -> str:
    """Gives the score as rules."""
    items = [
        f'{"add" if points > 0 else "subtract"} {abs(points)} when {condition} because "{points}"'
        for points, condition in ADDED
    ]
    lines = [
        'ruleset bench "Bench"',
        'score points "Points" on lead into score {',
        "base 10",
        "range 0 to 100",
        *items,
        f'add {OPENED} because "Opens mail"',
        f'multiply by 0.5 when {SILENT} because "Silent"',
        'multiply by 0 when do_not_contact because "No"',
        "}",
    ]
    return "\n".join(lines)


def expression() -> str:
    """Gives the score as one expression."""
    parts = [f"(if {condition} then {points} else 0)" for points, condition in ADDED]
    total = " + ".join(["10", *parts, OPENED])
    factors = f"(if {SILENT} then 0.5 else 1) * (if do_not_contact then 0 else 1)"
    return f"max(0, min(100, ({total}) * {factors}))"


BASE, HALF, NOTHING, MOST = Decimal(10), Decimal("0.5"), Decimal(0), Decimal(100)
FIFTEEN, TWENTY, TEN, EIGHT = Decimal(15), Decimal(20), Decimal(10), Decimal(8)
THOUSAND, TWO_HUNDRED, NINE_NINE_NINE = Decimal(1000), Decimal(200), Decimal(999)
BUDGET = Decimal(500_000)
SIXTY_DAYS = timedelta(days=60)


def by_hand(record: Record, now: datetime) -> Decimal:
    """Gives the same points, written for this one score."""
    total = BASE
    employees = record.get("employees")
    if employees is not None:
        if employees >= THOUSAND:  # type: ignore[operator]  # as a program for known records would
            total += TWENTY
        elif employees >= TWO_HUNDRED and employees <= NINE_NINE_NINE:  # type: ignore[operator]  # same
            total += TEN
    industry = record.get("industry")
    if industry in {"software", "finance"}:
        total += FIFTEEN
    if industry == "manufacturing":
        total += EIGHT
    if record.get("lead_source") in {"referral", "partner"}:
        total += FIFTEEN
    budget = record.get("budget")
    if isinstance(budget, Money) and budget.currency == "CNY" and budget.amount >= BUDGET:
        total += TEN
    title, email = record.get("title"), record.get("email")
    if title is not None:
        folded = fold(str(title))
        if "vp" in folded or "director" in folded or folded.startswith("head of"):
            total += EIGHT
    if email is not None:
        folded = fold(str(email))
        if folded.endswith("@gmail.com") or folded.endswith("@qq.com"):
            total -= FIFTEEN
    if record.get("phone") is None and email is None:
        total -= TWENTY
    if record.get("demo_requested"):
        total += TWENTY
    opened = record.get("emails_opened")
    total += min(opened if isinstance(opened, Decimal) else NOTHING, FIFTEEN)
    contacted = record.get("last_contacted_at")
    if isinstance(contacted, datetime) and contacted < now - SIXTY_DAYS:
        total *= HALF
    if record.get("do_not_contact"):
        total *= NOTHING
    return max(NOTHING, min(MOST, total))


def leads(number: int) -> list[dict[str, object]]:
    """Gives leads with some of everything, the same each time."""
    draw = random.Random(7)
    return [
        {
            "id": f"{index:032x}",
            "title": draw.choice([None, "VP Sales", "Buyer", "Head of IT", "Director"]),
            "email": draw.choice([None, "a@acme.cn", "b@gmail.com", "c@qq.com", "d@corp.de"]),
            "phone": draw.choice([None, "+8613800000000"]),
            "industry": draw.choice([None, "software", "manufacturing", "other"]),
            "lead_source": draw.choice(["web", "referral", "partner"]),
            "employees": draw.choice([None, Decimal(draw.randint(1, 3000))]),
            "budget": draw.choice([None, Money(Decimal(draw.randint(1, 1_000_000)), "CNY")]),
            "emails_opened": draw.choice([None, Decimal(draw.randint(0, 30))]),
            "demo_requested": draw.choice([None, True, False]),
            "do_not_contact": draw.random() < 0.05,
            "last_contacted_at": draw.choice([None, NOW - timedelta(days=draw.randint(0, 120))]),
        }
        for index in range(number)
    ]


class Alone:
    """A rule_engine Related without other records."""

    def record(self, object_name: str, record_id: str) -> None:
        """Gives nothing."""

    def records(self, object_name: str, field: str, record_id: str) -> tuple[Record, ...]:
        """Gives nothing."""
        return ()


def measure() -> list[Row]:
    """Measures one score of one record, in CPU time."""
    schema: Schema = schema_of({"lead": LEAD})
    environment = Surroundings(NOW, ZoneInfo("UTC"), None, Alone())
    compiled = compile_python(Expression.parse(expression()), schema, "lead")
    (definition,) = compile_program([parse(ruleset())], schema).scores
    records = leads(500)
    for record in records:
        wanted = by_hand(record, NOW)
        result = score(definition, record, environment)
        if result is None or not result.points == compiled(record, environment) == wanted:
            raise AssertionError(f"the three disagree on {record}")
    found = medians(
        {
            "hand": lambda: [by_hand(record, NOW) for record in records],
            "compiled": lambda: [compiled(record, environment) for record in records],
            "reasons": lambda: [score(definition, record, environment) for record in records],
        },
        times=10,
    )
    each = {name: seconds / len(records) for name, seconds in found.items()}
    against = "hand-written Python"
    return [
        Row("score by hand", each["hand"]),
        Row("score, compiled", each["compiled"], against, each["compiled"] / each["hand"], "1.3"),
        Row("score with reasons", each["reasons"], against, each["reasons"] / each["hand"], "1.6"),
    ]
