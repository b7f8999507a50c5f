"""The data of the comparison: deals of 25 fields with accounts, for every contender the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

ACCOUNTS = 20_000
USERS = 200
SEED = 7
START = datetime(2023, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
STAGES = tuple(
    ["prospecting", "qualification", "analysis", "value", "proposal", "negotiation", "won", "lost"]
)
KINDS = ("new", "existing", "renewal")
SOURCES = ("web", "phone", "partner", "event", "referral", "email")
REGIONS = ("emea", "amer", "apac")
PRIORITIES = ("low", "medium", "high")
WORDS = [
    "cloud",
    "data",
    "bridge",
    "alpha",
    "north",
    "river",
    "stone",
    "light",
    "metal",
    "green",
    "blue",
    "solar",
    "media",
    "health",
    "motor",
    "global",
    "prime",
    "delta",
    "vertex",
    "union",
    "summit",
    "harbor",
    "crystal",
    "falcon",
    "orbit",
]

Values = dict[str, Any]

# Name → what kind of value it is; account and owner come beside them.
FIELDS: Mapping[str, str] = {
    "name": "text",
    "stage": "choice",
    "kind": "choice",
    "lead_source": "choice",
    "amount": "decimal",
    "probability": "integer",
    "expected": "decimal",
    "close_date": "date",
    "next_step": "text",
    "description": "text",
    "competitor": "text",
    "campaign": "text",
    "region": "choice",
    "priority": "choice",
    "is_closed": "boolean",
    "is_won": "boolean",
    "discount": "decimal",
    "contact_email": "text",
    "external_id": "text",
    "legacy_code": "text",
}
CHOICES = {
    "stage": STAGES,
    "kind": KINDS,
    "lead_source": SOURCES,
    "region": REGIONS,
    "priority": PRIORITIES,
}


@dataclass(frozen=True)
class Sizes:
    """How many records there are."""

    deals: int
    accounts: int = ACCOUNTS


def deal(draw: random.Random, number: int) -> Values:
    """Gives the values of one deal without account and owner."""
    stage = draw.choice(STAGES)
    amount = Decimal(str(round(draw.lognormvariate(10, 1), 2)))
    probability = draw.randrange(0, 101)
    return {
        "name": f"{' '.join(draw.choice(WORDS) for _ in range(3)).title()} {number}",
        "stage": stage,
        "kind": draw.choice(KINDS),
        "lead_source": draw.choice(SOURCES),
        "amount": amount,
        "probability": probability,
        "expected": (amount * probability / 100).quantize(Decimal("0.01")),
        "close_date": date(2023, 1, 1) + timedelta(days=draw.randrange(1400)),
        "next_step": f"Call {draw.choice(WORDS)}",
        "description": " ".join(draw.choice(WORDS) for _ in range(25)),
        "competitor": draw.choice(WORDS).title(),
        "campaign": f"camp-{draw.randrange(200)}",
        "region": draw.choice(REGIONS),
        "priority": draw.choice(PRIORITIES),
        "is_closed": stage in ("won", "lost"),
        "is_won": stage == "won",
        "discount": Decimal(draw.randrange(0, 3000)) / 100,
        "contact_email": f"buyer{number}@mail.example",
        "external_id": f"EXT-{number:08d}",
        "legacy_code": f"L{number % 977}",
    }


def deals(count: int) -> Iterator[tuple[Values, int, int]]:
    """Gives deals, each with the places of its account and its owner."""
    draw = random.Random(SEED)
    for number in range(count):
        yield deal(draw, number), draw.randrange(ACCOUNTS), draw.randrange(USERS)


def account(draw: random.Random, number: int) -> Values:
    """Gives the values of one account."""
    name = f"{draw.choice(WORDS).title()} {draw.choice(WORDS).title()} {number}"
    return {"name": name, "city": draw.choice(("Berlin", "Paris", "Rome", "Oslo", "Wien"))}


def wire(values: Mapping[str, Any]) -> Values:
    """Gives values as JSON: decimals as texts, dates as ISO 8601."""
    return {
        name: str(value) if isinstance(value, Decimal | date) else value
        for name, value in values.items()
    }


def chosen_filter(draw: random.Random) -> tuple[str, int, int]:
    """Gives a stage and a range of amounts: a few percent of all deals."""
    low = draw.choice((5_000, 10_000, 15_000, 20_000))
    return draw.choice(STAGES), low, low * 3


def needle(draw: random.Random) -> str:
    """Gives two words that stand side by side in a few hundred names of 100,000."""
    return " ".join(draw.sample(WORDS, 2))


def patch(draw: random.Random) -> Values:
    """Gives what a change sends."""
    return {
        "stage": draw.choice(STAGES),
        "amount": f"{draw.randrange(1000, 90000)}.00",
        "next_step": "Mail",
    }
