from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from rule_engine import compile_program, parse
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import compile_node_sql
from rule_engine.calendars import BusinessCalendar, business_calendars
from rule_engine.errors import NotTranslatableError, RuleCheckError
from rule_engine.expression import Expression
from rule_engine.testing import run_tests
from tests.rule_engine.cases_world import BUSINESS_CASES, Case, read_record
from tests.rule_engine.law_world import SCHEMA, Tables, make_tables
from tests.rule_engine.schemas import SCHEMA as EXAMPLES
from tests.rule_engine.test_python import shown

CALENDARS = """
calendar organisation { timezone "Asia/Shanghai"
    hours monday to friday from 09:00 to 12:00 and 13:30 to 18:00 }
calendar shop { timezone "Asia/Shanghai" hours monday to sunday from 10:00 to 20:00 }
"""


@cache
def calendars() -> dict[str, BusinessCalendar]:
    return business_calendars(compile_program([parse(CALENDARS)], SCHEMA).calendars)


@pytest.mark.parametrize("case", BUSINESS_CASES, ids=lambda case: case.expression)
def test_cases(case: Case) -> None:
    record, _, environment = read_record(case, "deal")
    node = Expression.parse(case.expression).resolve(SCHEMA, "deal", calendars=calendars())
    value = compile_node(node)(record, replace(environment, calendars=calendars()))
    assert shown(value) == case.expected


def test_empty_arguments_give_empty() -> None:
    text = (
        "add_business_days(seen, quantity) is empty and business_hours_between(seen, seen) is empty"
    )
    node = Expression.parse(text).resolve(SCHEMA, "deal", calendars=calendars())
    _, _, environment = read_record(Case("", "{}", ""), "deal")
    assert compile_node(node)({}, replace(environment, calendars=calendars())) is True


REFUSED = [
    (
        'business_days_between(closes, today, "shp")',
        '1:38: there is no calendar "shp" (did you mean "shop"?)',
    ),
    ("business_days_between(closes, today, offices)", '1:38: there is no calendar "offices"'),
    (
        "business_days_between(closes, today, 5)",
        "1:38: the name of a calendar is needed here (write e.g.  cn_office)",
    ),
    (
        "business_days_between(closes)",
        '1:1: "business_days_between" does not take 1 argument '
        "(write  business_days_between(a, b, [calendar]))",
    ),
    ("business_hours_between(closes, seen)", "1:24: a date where a point in time is needed"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RuleCheckError) as caught:
        Expression.parse(text).resolve(SCHEMA, "deal", calendars=calendars())
    assert str(caught.value) == message


def test_without_the_organisation_s_calendar_one_has_to_be_named() -> None:
    (found,) = Expression.parse("business_days_between(closes, today)").check(
        SCHEMA, "deal", calendars=["shop"]
    )
    assert str(found) == (
        "1:1: business time needs a calendar (write  business_days_between(a, b, calendar_name))"
    )


def test_databases_know_no_calendars() -> None:
    text = "business_days_between(closes, today) > 3"
    node = Expression.parse(text).resolve(SCHEMA, "deal", calendars=calendars())
    _, tables = make_tables()
    with pytest.raises(NotTranslatableError) as caught:
        compile_node_sql(node, Tables("sqlite", tables), tables["deal"])
    assert str(caught.value) == "1:1: business_days_between is not for databases"


def test_rules_name_calendars_of_their_texts() -> None:
    rules = """
    calendar shop { timezone "UTC" hours monday to sunday from 10:00 to 20:00 }
    define age on lead as business_days_between(created_at, now, shop)
    score points on lead into score { add age add business_days_between(created_at, now, "shop") }
    test "t" of points { now is 2026-03-09T12:00Z given lead as l { created_at: 2026-03-02T12:00Z }
        expect l.score = 14 }
    """
    (result,) = run_tests(compile_program([parse(rules)], EXAMPLES))
    assert result.failures == ()
