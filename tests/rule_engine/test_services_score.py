from __future__ import annotations

from decimal import Decimal

import pytest

from rule_engine.services.score import ScoreResult, score
from tests.rule_engine.services_world import NOW, cny, program_of, quote, surroundings

HEAD = 'score s "S" on quote into score {\n'


def scored(body: str, **values: object) -> ScoreResult | None:
    definition = program_of(HEAD + body + "\n}").scores[0]
    return score(definition, quote(**values), surroundings())


@pytest.mark.parametrize(
    ("body", "points"),
    [
        ("base 10", 10),
        ("add 5 add 2.5 subtract 1", "6.5"),
        ("base 10 add 5 when discount > 20% add 7 when discount > 30%", 15),
        ("add 5 multiply by 2 add 3", 16),
        ("base 1 multiply by 2 multiply by 0.5 when discount > 20% add 9", 10),
        ('add 1 group "G" at most 5 { add 4 add 4 }', 6),
        ('add 1 group "G" at most 5 { add 4 subtract 1 }', 4),
        ('group "G" at most 5 { add 4 multiply by 2 } multiply by 3', 15),
        ('group "G" { add 4 group "H" at most 3 { add 9 } }', 7),
        ("base 50 add 80 range 0 to 100", 100),
        ("base 5 subtract 80 range 0 to 100", 0),
        ("base 5 add score", 5),
        ("base 5 add score + 3", 5),
        ("base 5 multiply by score", 5),
        ("add 3 when amount > 400 CNY and region is empty", 3),
    ],
)
def test_points(body: str, points: object) -> None:
    result = scored(body)
    assert result is not None
    assert result.points == Decimal(str(points))


def test_the_arithmetic_is_told() -> None:
    result = scored(
        """
        base 10 range 0 to 60
        add 20 when discount > 20% because "Big discount"
        add 30 when discount > 90% because "Gift"
        subtract 5 when region is empty because "Nowhere"
        group "Engagement" at most 15 { add 10 because "Mail" add 10 when amount > 1 CNY }
        multiply by 2 when status = "draft" because "Fresh"
        add score because "Nothing known"
        grade "C" from 0 grade "A" from 60 grade "B" from 20
        """
    )
    assert result is not None
    told: list[tuple[object, ...]] = [
        (i.kind, i.amount, i.because or i.text, i.group) for i in result.items
    ]
    assert told == [
        ("add", 20, "Big discount", None),
        ("subtract", -5, "Nowhere", None),
        ("add", 10, "Mail", "Engagement"),
        ("add", 10, "10 when amount > 1 CNY", "Engagement"),
        ("multiply", 2, "Fresh", None),
    ]
    groups: list[tuple[object, ...]] = [
        (g.label, g.total, g.at_most, g.points) for g in result.groups
    ]
    assert groups == [("Engagement", 20, 15, 15)]
    whole: tuple[object, ...] = (result.base, result.total, result.points, result.grade)
    assert whole == (10, 80, 60, "A")
    rest: tuple[object, ...] = (result.least, result.most, result.now)
    assert rest == (0, 60, NOW)


@pytest.mark.parametrize(("amount", "grade"), [(100, "C"), (20000, "B"), (60000, "A")])
def test_grade(amount: int, grade: str) -> None:
    body = 'add amount / 1000 CNY grade "A" from 60 grade "B" from 20 grade "C" from 0'
    result = scored(body, amount=cny(amount))
    assert result is not None
    assert result.grade == grade


def test_no_grade_below_the_least() -> None:
    result = scored('base 1 grade "A" from 60')
    assert result is not None
    assert result.grade is None


def test_guard() -> None:
    assert scored('when status = "sent" base 10') is None
    assert scored('when status = "sent" base 10', status="sent") is not None


def test_removing_a_cited_fact_changes_the_points() -> None:
    body = "base 1 add 5 when discount > 20% add 7 when amount > 1 CNY add 2 when region is empty"
    whole = scored(body)
    without = scored(body, discount=None)
    assert whole is not None
    assert without is not None
    assert whole.points - without.points == whole.items[0].amount
