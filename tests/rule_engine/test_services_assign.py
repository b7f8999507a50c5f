"""Assignment: who gets a record, why, and who was skipped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine import RuleCheckError
from rule_engine.calendars import business_calendars
from rule_engine.messages import verbatim
from rule_engine.program import Assignment
from rule_engine.services.assign import (
    NO_TURNS,
    Assigned,
    Turns,
    assign,
    look_due,
    next_look,
    reassign,
)
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Surroundings
from tests.rule_engine.services_world import COMPANY, program_of, surroundings

OFFICE = """
calendar office { timezone "UTC" hours monday to friday from 09:00 to 17:00 }
"""
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Work:
    counts: Mapping[str, int] = field(default_factory=dict)
    away: frozenset[str] = frozenset()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: Mapping[tuple[str, object], str] = field(default_factory=dict)

    def count(self, user: str, object_name: str) -> int:
        assert object_name == "quote"
        return self.counts.get(user, 0)

    def is_away(self, user: str) -> bool:
        return user in self.away

    def skills(self, user: str) -> tuple[str, ...]:
        return self.known.get(user, ())

    def last_owner(self, object_name: str, field: str, value: object, record_id: str) -> str | None:
        assert (object_name, record_id) == ("quote", "q1")
        return self.before.get((field, value))


def made(body: str, trigger: str = "after create") -> Assignment:
    return program_of(f"{OFFICE} assign leads on quote {trigger} {{ {body} }}").assignments[0]


def there(now: datetime = MONDAY) -> Surroundings:
    program = program_of(OFFICE)
    return surroundings(calendars=business_calendars(program.calendars), now=now)


def given_to(
    definition: Assignment,
    work: Work | None = None,
    turns: Turns = NO_TURNS,
    key: str = "k",
    now: datetime = MONDAY,
    **values: object,
) -> tuple[Assigned, Turns]:
    record = {"id": "q1", "region": "north", "owner": None, "name": "x", **values}
    decision, effects, turns = assign(
        definition, record, None, there(now), COMPANY, work or Work(), turns, key
    )
    got = {"user": decision.user, "queue": decision.queue}
    assert effects == (() if got == {"user": None, "queue": None} else (Effect("give", got),))
    return decision, turns


BOARD = 'round_robin of role "board"'  # bob, cat, dan, eve


@pytest.mark.parametrize(
    ("body", "work", "values", "who", "because"),
    [
        (f"otherwise assign to {BOARD}", Work(), {}, "bob", "nothing else fits"),
        ('when name = "y" assign to owner otherwise assign to queue "q"', Work(), {}, "#q",
         "nothing else fits"),
        ('when name = "y" assign to owner', Work(), {}, None, "no entry fits"),
        ('when name = "x" assign to role "finance" because "Money"', Work(), {}, "cat", "Money"),
        ('when name = "x" assign to role "finance"', Work(), {}, "cat", 'name = "x"'),
        ("otherwise assign to least_busy of role \"board\"", Work({"bob": 2, "cat": 1, "dan": 1}),
         {}, "eve", "nothing else fits"),
        ("otherwise assign to least_busy of role \"finance\"", Work({"cat": 1}), {}, "dan",
         "nothing else fits"),
        ("skip when owner is not empty otherwise assign to owner", Work(), {"owner": "amy"}, None,
         "the record is to be skipped"),
        ("when true assign to manager of owner", Work(), {"owner": "amy"}, "bob", "true"),
        ('when name = "x" assign to role "nobody" otherwise assign to role "finance"', Work(), {},
         "cat", "nothing else fits"),
    ],
)  # fmt: skip
def test_who_gets_it(
    body: str, work: Work, values: dict[str, object], who: str | None, because: str
) -> None:
    decision, _ = given_to(made(body), work, **values)
    got = f"#{decision.queue}" if decision.queue else decision.user
    assert (got, str(decision.because)) == (who, because)


def test_the_skipped_and_why() -> None:
    body = (
        f'only available using office when name = "x" assign to {BOARD} capacity 3'
        ' when region = "north" assign to role "nobody" otherwise assign to queue "rest"'
    )
    work = Work({"bob": 3, "cat": 2}, frozenset({"cat", "eve"}))
    decision, turns = given_to(made(body), work)
    assert (decision.user, decision.entry) == ("dan", 0)
    assert [(one.user, one.code, str(one.why)) for one in decision.skipped] == [
        ("bob", "full", "has 3 of 3"),
        ("cat", "away", "is away"),
        ("eve", "away", "is away"),
    ]
    decision, _ = given_to(made(body), work, turns, "evening", MONDAY + timedelta(hours=9))
    assert (decision.user, decision.queue, decision.entry) == (None, "rest", 2)
    assert [(one.entry, one.user, str(one.why)) for one in decision.skipped] == [
        (0, "bob", "it is outside the hours of office"),
        (0, "cat", "is away"),
        (0, "dan", "it is outside the hours of office"),
        (0, "eve", "is away"),
        (1, "", 'role "nobody" gives nobody'),
    ]


def test_turns() -> None:
    definition, turns = made(f"otherwise assign to {BOARD}"), NO_TURNS
    got = []
    for number in range(9):
        away = frozenset({"cat"}) if number in (1, 2) else frozenset[str]()
        on_leave = made(f"only available otherwise assign to {BOARD}")
        decision, turns = given_to(on_leave, Work(away=away), turns, str(number))
        got.append(decision.user)
        turns = Turns.from_json(json.loads(json.dumps(turns.to_json())))
    assert got == ["bob", "dan", "eve", "cat", "bob", "dan", "eve", "cat", "bob"]
    again, after = given_to(definition, Work(), turns, "3")
    assert (again.user, after) == ("cat", turns)


@given(st.lists(st.sets(st.sampled_from(["bob", "cat", "dan", "eve"])), max_size=40))
def test_law_nobody_waits_for_two_rounds(absences: list[set[str]]) -> None:
    """Who is there gets a turn before anybody who was there all along gets two."""
    definition, turns = made(f"only available otherwise assign to {BOARD}"), NO_TURNS
    since: dict[str, int] = {}
    for number, away in enumerate(absences):
        decision, turns = given_to(definition, Work(away=frozenset(away)), turns, str(number))
        present = {"bob", "cat", "dan", "eve"} - away
        assert (decision.user is None) == (not present)
        if decision.user:
            assert decision.user in present
            last = since.get(decision.user, -1)
            assert all(since.get(other, -1) >= last for other in present)
            since[decision.user] = number


def again(
    definition: Assignment, now: datetime, line: int = 0, **values: object
) -> tuple[str | None, str]:
    record = {"id": "q1", "owner": "bob", "status": "draft", **values}
    decision, effects, _ = reassign(
        definition, line, record, there(now), COMPANY, Work(), NO_TURNS, "again"
    )
    assert bool(effects) == bool(decision.user or decision.queue)
    return decision.user, str(decision.because)


def test_reassign() -> None:
    body = (
        "only available using office skip when owner is not empty "
        f"otherwise assign to {BOARD} "
        'reassign after 4 business hours when status = "draft"'
    )
    definition = made(body)
    friday = datetime(2026, 3, 6, 15, tzinfo=UTC)
    due = look_due(definition, 0, friday, there())
    assert due == datetime(2026, 3, 9, 11, tzinfo=UTC)
    assert again(definition, due) == ("cat", "nothing else fits")
    assert again(definition, due, status="sent") == (None, "nothing asks for it any more")
    alone = made('otherwise assign to role "bob_only" reassign after 1 day when true')
    assert again(alone, MONDAY) == (None, "nobody can take it")


LINES = made(
    f"otherwise assign to {BOARD} "
    'reassign after 2 hours when status = "draft" reassign after 1 day when status = "sent" '
    "reassign after 1 minute when true"
)


def test_each_reassign_line_has_its_time_and_asks_its_own_condition() -> None:
    dues = [look_due(LINES, line, MONDAY, there()) for line in range(3)]
    lengths = timedelta(hours=2), timedelta(days=1), timedelta(minutes=1)
    assert dues == [MONDAY + length for length in lengths]
    asked = [(again(LINES, MONDAY, line, status="sent")[0]) for line in range(3)]
    assert asked == [None, "cat", "cat"]


@pytest.mark.parametrize(
    ("line", "values", "after"),
    [
        (0, {"status": "draft"}, timedelta(hours=2)),
        (0, {"status": "sent"}, None),
        (1, {"status": "sent"}, timedelta(hours=4)),
        (2, {}, timedelta(minutes=15)),
    ],
)
def test_a_line_that_found_nobody_is_asked_again(
    line: int, values: Mapping[str, object], after: timedelta | None
) -> None:
    nobody = Assigned("leads", None, None, None, verbatim("nobody"))
    due = next_look(LINES, line, nobody, values, there())
    assert due == (None if after is None else MONDAY + after)
    given = Assigned("leads", "cat", None, 0, verbatim("cat"))
    assert next_look(LINES, line, given, values, there()) is None


@pytest.mark.parametrize(
    ("body", "trigger", "found"),
    [
        ("otherwise assign to owner", "before save",
         "records are assigned after create, update or save, or by the clock "
         "(write  after create)"),
        ("otherwise assign to owner when name = \"x\" assign to owner", "after create",
         'this is never reached: it stands behind "otherwise" (put "otherwise" last)'),
        ("otherwise assign to owner otherwise assign to owner", "after create",
         '"otherwise" stands here twice'),
        ("when true assign to owner capacity 0", "after create",
         "records are counted whole, from 1"),
        ("otherwise assign to owner reassign after 4 business hours when true", "after create",
         "business time needs a calendar (write  only available using calendar_name)"),
        ("otherwise assign to manager of round_robin of team \"x\"", "after create",
         '"round_robin" picks the one who gets a record (use it right after "assign to")'),
    ],
)  # fmt: skip
def test_refused(body: str, trigger: str, found: str) -> None:
    with pytest.raises(RuleCheckError) as caught:
        made(body, trigger)
    errors = [one for one in caught.value.diagnostics if one.severity == "error"]
    assert [str(one).partition(": ")[2] for one in errors] == [found]


def test_entries_that_are_never_reached() -> None:
    text = (
        "assign a on quote after create { when discount > 5% assign to owner "
        'when discount > 10% assign to role "finance" otherwise assign to queue "q" }'
    )
    (warning,) = program_of(text).warnings
    assert str(warning) == (
        "1:74: this is never reached (the conditions before it take all that it matches)"
    )
