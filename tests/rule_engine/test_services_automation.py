"""Rules after saving, by the clock, and chains of them; the graph of who sets off whom."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rule_engine import RuleCheckError
from rule_engine.check.graph import graph_of
from rule_engine.program import OnDate, OnSchedule
from rule_engine.program.listening import listened_fields
from rule_engine.services.automate import Event, after_save, before_delete, run_due
from rule_engine.services.chain import Chain
from rule_engine.services.schedule import due_key, due_of, last_run, next_run
from tests.rule_engine.services_world import COMPANY, NOW, program_of, surroundings

BERLIN = ZoneInfo("Europe/Berlin")


def task(**values: object) -> dict[str, object]:
    return {"id": "t1", "owner": "amy", "subject": "call", "state": "new"} | values


def rule(name: str, body: str, when: str = "after save") -> str:
    return f"rule {name} on task {when} {{ {body} }}\n"


def ran(
    text: str,
    event: Event = "update",
    old: dict[str, object] | None = None,
    chain: Chain | None = None,
    **values: object,
) -> list[str]:
    """Runs the rules; each effect as `rule: action arguments`, failures as `rule! message`."""
    record = task(**values)
    before = None if event == "create" else (old or task())
    outcome = after_save(
        program_of(text).rules, event, record, before, surroundings(), COMPANY, chain
    )
    effects = [
        f"{one.rule}: {effect.action} {', '.join(map(str, effect.arguments.values()))}".strip()
        for one in outcome.ran
        for effect in one.effects
    ]
    return [*effects, *(f"{f.rule}! {f.message}" for f in outcome.failures)]


@pytest.mark.parametrize(
    ("body", "values", "effects"),
    [
        ('set subject to "x"', {}, ["r: set subject, x"]),
        ("clear due_on", {}, ["r: clear due_on"]),
        ("set account.size to 5", {"account": "a1"}, ["r: write account, a1, size, 5"]),
        ("clear account.size", {"account": "a1"}, ["r: write account, a1, size, None"]),
        ("set account.size to 5", {}, []),
        ('set owner.name to "x"', {}, ["r: write user, amy, name, x"]),
        (
            "create line { quote: quote, quantity: level + 1 }",
            {"quote": "q1", "level": Decimal(1)},
            ["r: create line, {'quote': 'q1', 'quantity': Decimal('2')}"],
        ),
        ("assign to owner", {}, ["r: assign ['amy'], first, owner, None"]),
        (
            'assign to round_robin of role "finance"',
            {},
            ["r: assign ['cat', 'dan'], round_robin, role \"finance\", None"],
        ),
        ('assign to queue "q"', {}, ['r: assign [], first, queue "q", q']),
        ('notify manager of owner using "t"', {}, ["r: notify ['bob'], [], t, None"]),
        ('escalate to role "finance"', {}, ["r: escalate ['cat', 'dan']"]),
        ("call hook { of: id }", {}, ["r: call hook, {'of': 't1'}"]),
        ("start deal", {}, ["r: start deal"]),
        ("lock unlock", {}, ["r: lock", "r: unlock"]),
        ('set subject to "x" stop set state to "done"', {}, ["r: set subject, x"]),
        ('set subject to "x" fail "no"', {}, ["r: set subject, x", "r! no"]),
        (
            'when state = "new" { lock } otherwise { unlock }',
            {"state": "done"},
            ["r: unlock"],
        ),
        ("set level to 1 set level to level + 1", {}, ["r: set level, 1", "r: set level, 2"]),
    ],
)
def test_actions(body: str, values: dict[str, object], effects: list[str]) -> None:
    assert ran(rule("r", body), **values) == effects


def test_order_and_events() -> None:
    text = (
        rule("z", "lock", "after update order 1")
        + rule("b", "when subject changed call two")
        + rule("a", 'set subject to "new"')
        + rule("n", "unlock", "after create")
        + rule("d", "call gone", "after delete")
        + rule("early", 'set subject to "no"', "before save")
        + rule("x", "lock", "after save order 3")
        + rule("late", "lock", "after save order 4")
    )
    assert ran(text) == [
        "z: lock",
        "x: lock",
        "late: lock",
        "a: set subject, new",
        "b: call two, {}",
    ]
    assert ran(text, "create") == [
        "x: lock",
        "late: lock",
        "a: set subject, new",
        "b: call two, {}",
        "n: unlock",
    ]
    assert ran(text, "delete") == ["d: call gone, {}"]


def test_stop_ends_the_pass() -> None:
    assert ran(rule("a", "lock stop") + rule("b", "unlock")) == ["a: lock"]


def test_before_delete() -> None:
    rules = program_of(
        rule("a", 'when state = "open" fail "still open" at state', "before delete")
        + rule("b", 'when state = "new" stop', "before delete order 1")
        + rule("c", 'fail "never"', "before delete")
    ).rules
    found = before_delete(rules, task(state="open"), surroundings())
    assert [(v.rule, v.message, v.field) for v in found] == [
        ("a", "still open", "state"),
        ("c", "never", None),
    ]
    assert before_delete(rules, task(), surroundings()) == ()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ('when state = "new" and account.size > 3 lock', {"state", "account"}),
        ("when old.level > 3 lock", {"level"}),
        ('when level changed { when subject = "x" { lock } }', {"level", "subject"}),
        ("when level > 1 { lock } otherwise { unlock }", None),
        ("when level > 1 { lock } unlock", None),
        ("lock", None),
        ("when today > 2026-01-01 lock", None),
        ("when count(quote.lines where quantity > this.level) > 1 lock", {"level", "quote"}),
    ],
)
def test_listened_fields(body: str, fields: set[str] | None) -> None:
    (made,) = program_of(rule("r", body)).rules
    found = listened_fields(made)
    assert found == (None if fields is None else frozenset(fields))


def test_a_rule_runs_once_for_the_same_cause() -> None:
    text = rule("r", 'when level > 0 or state = "open" call hook')
    rules = program_of(text).rules

    def save(chain: Chain | None, old: dict[str, object], new: dict[str, object]) -> Chain | None:
        outcome = after_save(rules, "update", new, old, surroundings(), COMPANY, chain)
        return outcome.ran[0].chain if outcome.ran else None

    first = save(None, task(), task(level=1))
    assert first is not None
    assert first.cause == ("r",)
    again = Chain.from_json(json.loads(json.dumps(first.to_json())))
    assert again == first
    assert save(first, task(level=1), task(level=2)) is None  # the same field again
    assert save(first, task(level=1), task(level=1, subject="x")) is None  # nothing it listens to
    assert save(first, task(level=1), task(level=1, state="open")) is not None
    assert save(first, task(), task(id="t2", level=2)) is not None  # another record
    assert save(None, task(level=1), task(level=1, subject="x")) is not None  # a person's own save


@pytest.mark.parametrize(
    ("limit", "depth", "message"),
    [
        ("", 7, None),
        (
            "",
            8,
            'r! rules set each other off more than 8 deep: "a" → "b" → "r"',
        ),
        ("max depth 2", 1, None),
        ("max depth 2", 2, 'r! rules set each other off more than 2 deep: "a" → "b" → "r"'),
    ],
)
def test_depth(limit: str, depth: int, message: str | None) -> None:
    chain = Chain(depth, frozenset(), ("a", "b"))
    found = ran(rule("r", "when level > 0 lock", f"after save {limit}"), chain=chain, level=1)
    assert found == (["r: lock"] if message is None else [message])


# Schedules


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("when", "after", "due"),
    [
        ("every monday at 08:00", "2026-03-02T06:59", "2026-03-02T07:00"),
        ("every monday at 08:00", "2026-03-02T07:00", "2026-03-09T07:00"),
        ("every friday", "2026-03-02T07:00", "2026-03-05T23:00"),
        ("every day at 02:30", "2026-03-28T12:00", "2026-03-29T01:30"),  # skipped: past the gap
        ("every day at 02:30", "2026-10-24T12:00", "2026-10-25T01:30"),  # twice: the later one
        ("every day at 02:30", "2026-10-25T01:30", "2026-10-26T01:30"),
        ("every month at 09:00", "2026-01-31T12:00", "2026-02-01T08:00"),
        ("every quarter at 09:00", "2026-01-31T12:00", "2026-04-01T07:00"),
        ("every year", "2026-01-31T12:00", "2026-12-31T23:00"),
        ("every week at 09:00", "2026-03-03T12:00", "2026-03-09T08:00"),
        ("every hour", "2026-03-02T07:30", "2026-03-02T08:00"),
        ("every 2 hours", "2026-03-02T07:30", "2026-03-02T09:00"),
        ("every 15 minutes", "2026-03-02T07:31", "2026-03-02T07:45"),
        ("every 2 weeks at 09:00", "2026-03-02T07:30", "2026-03-09T08:00"),
        ("every 2 weeks at 09:00", "2026-03-09T08:00", "2026-03-23T08:00"),
        ("every 10 days", "1999-12-01T00:00", "1999-12-07T23:00"),
    ],
)
def test_schedules(when: str, after: str, due: str) -> None:
    trigger = program_of(rule("r", "lock", when)).rules[0].trigger
    assert isinstance(trigger, OnSchedule)
    found = next_run(trigger, at(after), BERLIN)
    assert found == at(due)
    assert last_run(trigger, at(after), at(due), BERLIN) == at(due)
    assert next_run(trigger, at(due), BERLIN) != at(due)


def test_after_a_standstill_a_schedule_runs_once() -> None:
    trigger = program_of(rule("r", "lock", "every day at 08:00")).rules[0].trigger
    assert isinstance(trigger, OnSchedule)
    last = last_run(trigger, at("2026-03-02T10:00"), at("2026-03-20T10:00"), BERLIN)
    assert last == at("2026-03-20T07:00")
    assert last_run(trigger, at("2026-03-02T10:00"), at("2026-03-02T11:00"), BERLIN) is None


@pytest.mark.parametrize(
    ("when", "values", "due"),
    [
        ("3 days after due_on at 09:00", {"due_on": date(2026, 3, 1)}, "2026-03-04T08:00"),
        ("3 days before due_on", {"due_on": date(2026, 3, 1)}, "2026-02-25T23:00"),
        ("1 month after due_on", {"due_on": date(2026, 1, 31)}, "2026-02-27T23:00"),
        ("1 day after due_on at 02:30", {"due_on": date(2026, 3, 28)}, "2026-03-29T01:30"),
        ("6 hours after due_on", {"due_on": date(2026, 3, 29)}, "2026-03-29T05:00"),
        ("2 hours before created_at", {"created_at": NOW}, "2026-03-02T07:00"),
        ("1 day after created_at", {"created_at": at("2026-03-28T12:00")}, "2026-03-29T11:00"),
        ("1 day after created_at at 09:00", {"created_at": NOW}, "2026-03-03T08:00"),
        ("1 day after due_on", {}, None),
    ],
)
def test_dates(when: str, values: dict[str, object], due: str | None) -> None:
    trigger = program_of(rule("r", "lock", when)).rules[0].trigger
    assert isinstance(trigger, OnDate)
    there = surroundings(zone=BERLIN)
    assert due_of(trigger, task(**values), there) == (None if due is None else at(due))


def test_what_is_due_is_looked_at_again() -> None:
    (made,) = program_of(
        rule("r", 'when state = "new" set state to "done"', "1 day after due_on at 09:00")
    ).rules
    there = surroundings()
    due = at("2026-03-02T09:00")
    good = task(due_on=date(2026, 3, 1))
    outcome = run_due(made, good, due, there, COMPANY)
    assert outcome is not None
    assert [e.action for e in outcome.effects] == ["set"]
    assert outcome.ran[0].chain.depth == 1
    assert run_due(made, task(due_on=date(2026, 3, 1), state="open"), due, there, COMPANY) is None
    assert run_due(made, task(due_on=date(2026, 3, 2)), due, there, COMPANY) is None
    assert due_key("r", "t1", due) == "r/t1/2026-03-02T09:00:00.000+00:00"


# The graph


def edges(text: str) -> list[str]:
    return graph_of(program_of(text)).to_text().splitlines()


def test_graph() -> None:
    text = (
        rule("a", 'when state = "new" set level to 1', "after update")
        + rule("b", "when level > 0 set account.size to 1", "after update max depth 2")
        + rule("c", "when level > 0 create task { }", "every day")
        + rule("d", 'notify owner using "x"', "after create")
        + rule("e", 'when level = 1 set subject to "x"', "before save order 1")
        + rule("f", "when subject changed lock", "before save order 2")
        + 'score s on task into level { add 1 when state = "new" }'
        + 'assign g on task after update { when subject = "x" assign to owner }'
    )
    assert edges(text) == [
        "rule a --task.level--> rule b",
        "rule a --task.level--> rule e",
        "rule c --task.*--> rule d",
        "rule c --task.*--> rule e",
        "rule c --task.*--> rule f",
        "rule c --task.*--> score s",
        "rule e --task.subject--> rule f",
        "rule e --task.subject--> assign g",
        "score s --task.level--> rule b",
    ]
    drawn = json.loads(graph_of(program_of(text)).to_json())
    assert drawn["edges"][0] == {"from": 0, "to": 1, "object": "task", "field": "level"}
    assert drawn["nodes"][6]["kind"] == "score"
    assert graph_of(program_of(text)).to_mermaid().splitlines()[:2] == [
        "flowchart LR",
        '    n0["rule a"]',
    ]


HINT = "(let a condition end it, or say how deep it may go: write  max depth 3)"


ON_ACCOUNT = "rule c on account after save { when size > 0 create task { } }"


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        (rule("a", "when level > 0 set level to level + 1"), "a → a"),
        (
            rule("a", "when level > 0 set subject to text_of(level)")
            + rule("b", "when subject changed set level to 3"),
            "a → b → a",
        ),
        (
            rule("a", "when level > 0 set subject to text_of(level)")
            + rule("b", "when subject changed set level to 3", "before save"),
            "a → b → a",
        ),
        (rule("a", "create task { }", "after create"), "a → a"),
        (rule("a", 'when state = "new" set state to "open"'), None),
        (rule("a", 'when state changed to "new" set state to "open"'), None),
        (rule("a", "when level is empty set level to 1"), None),
        (rule("a", "when level > 5 set level to 5"), None),
        (rule("a", "when level > 0 set level to level + 1", "after save max depth 3"), None),
        (rule("a", "when level > 0 set level to level + 1", "every day"), None),
        (rule("a", "when level > 0 set level to level + 1", "before save"), None),
        (rule("a", 'when level > 0 set subject to "x"'), None),
        (rule("a", "set level to level + 1"), None),
        (rule("a", "set level to level + 1") + rule("b", 'set subject to "x"'), None),
        (rule("a", "set account.size to 1") + ON_ACCOUNT, "a → c → a"),
        (rule("a", "set account.size to 1") + ON_ACCOUNT.replace("size > 0", "size > 1"), None),
    ],
)
def test_circles_are_refused(text: str, circle: str | None) -> None:
    if circle is None:
        program_of(text)
        return
    with pytest.raises(RuleCheckError) as caught:
        program_of(text)
    (found,) = caught.value.diagnostics
    assert str(found) == f"1:1: these rules set each other off in a circle: {circle} {HINT}"


def test_a_rule_that_reads_what_is_set_later() -> None:
    text = rule("a", 'when subject = "x" lock', "before save") + rule(
        "b", 'set subject to "x"', "before save"
    )
    (warning,) = program_of(text).warnings
    assert str(warning) == (
        '1:1: "subject" is set by "b", which runs after this rule '
        "(write  order 1  and  order 2  to say which comes first)"
    )
    assert program_of(text.replace("save {", "save order 1 {", 1)).warnings != ()
    ordered = text.replace("b on task before save", "b on task before save order 1")
    assert program_of(ordered).warnings == ()
