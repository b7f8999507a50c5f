"""`docs/functions.md` is what the modules say, and what they say is true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rule_engine import Expression
from rule_engine.backends.python import compile_node
from rule_engine.backends.python.trace import text_of
from rule_engine.calendars import business_calendar
from rule_engine.check.whole import compile_program
from rule_engine.functions import functions
from rule_engine.parse import parse
from rule_engine.reference import KINDS, functions_page
from rule_engine.types import Calendar, Kind, Memberships, RateTable
from tests.rule_engine.law_world import Rates, Store
from tests.rule_engine.schemas import make_object, make_schema

PAGE = Path(__file__).parents[2] / "docs" / "functions.md"
USER = make_object(
    "user",
    {"name": "text", "phone": "text", "manager": "-> user", "languages": "*de|en|zh"},
)
SCHEMA = make_schema([USER])
OFFICE = """
calendar office {
    timezone "Europe/Berlin"
    hours monday to friday from 09:00 to 17:00
}
"""
AMY = {
    "id": "amy",
    "name": "Amy",
    "languages": frozenset({"de", "zh"}),
}
HERS = Memberships(frozenset({"sales_rep"}), frozenset({"East"}))
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Berlin:
    """An Environment: a Monday morning, with an office and nobody's records."""

    calendars: dict[str, Calendar]
    rates: RateTable
    related: Store
    user: dict[str, object]
    now: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)
    zone: ZoneInfo = ZONE
    memberships: Memberships = HERS


@pytest.fixture(scope="module")
def berlin() -> Berlin:
    office = compile_program([parse(OFFICE)], SCHEMA).calendars["office"]
    return Berlin({"": business_calendar(office)}, Rates(), Store({"user": [AMY]}), AMY)


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == functions_page(), "run `make docs`"


EXAMPLES = [example for function in functions().values() for example in function.examples]


@pytest.mark.parametrize(("expression", "value"), EXAMPLES)
def test_examples_hold(expression: str, value: str, berlin: Berlin) -> None:
    found = compile_node(Expression.parse(expression).resolve(SCHEMA, "user", calendars=("",)))(
        {}, berlin
    )
    shown = "empty" if found is None else str(text_of(found))
    assert shown.lower() == value.lower()


def test_every_function_has_examples_and_every_kind_a_name() -> None:
    assert [function.name for function in functions().values() if not function.examples] == []
    assert set(KINDS) == set(Kind)
