"""Types, names and what statements become."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rule_engine import (
    Expression,
    RuleCheckError,
    check,
    compile_program,
    core,
    parse,
    program,
)
from rule_engine.check.arithmetic import RESULTS
from rule_engine.functions import functions
from rule_engine.types import Kind
from rule_engine.values import BusinessLength, CalendarLength
from tests.rule_engine.schemas import SCHEMA

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.rules"))


def say(value: object) -> str:
    """Gives a node in a short form."""
    match value:
        case core.Constant(value=constant):
            return repr(constant) if isinstance(constant, str) else str(constant)
        case core.Parameter(name=name):
            return name
        case core.Path(scope=scope, hops=hops, field=field):
            way = ".".join((*(hop.field for hop in hops), field))
            return way if scope is core.Scope.RECORD else f"{scope}:{way}"
        case core.Node():
            skipped = {"type", "nullable", "span", "path", "values", "owner"}
            parts = [getattr(value, f.name) for f in fields(value) if f.name not in skipped]
            said = ", ".join(say(part) for part in parts if part not in (None, "", ()))
            return f"{type(value).__name__}({said})"
        case tuple():
            return f"[{', '.join(map(say, value))}]"
    return str(value)


CORE = [
    ("employees != 5", "Not(Compare(=, employees, 5))"),
    ("employees between 1 and 5", "AllOf([Compare(>=, employees, 1), Compare(<=, employees, 5)])"),
    ('industry not in ["SaaS"]', "Not(Member(industry, ['SaaS']))"),
    ('"vip" in tags', "Contains(tags, 'vip')"),
    ('tags not contains "vip"', "Not(Contains(tags, 'vip'))"),
    ('tags = ["vip"]', "Compare(=, tags, frozenset({'vip'}))"),
    ("phone is not empty", "Not(IsEmpty(phone))"),
    ('title starts with " A"', "TextTest(starts, title, ' A')"),
    ('title = " A "', "Compare(=, title, 'A')"),
    ('title = "e\\u0301"', "Compare(=, title, 'é')"),
    ('status > "New"', "Compare(>, OptionAttribute(position), 0)"),
    (
        "created_at in last 2 days",
        "AllOf([Compare(>=, created_at, Arithmetic(-, now, CalendarLength(months=0, days=2))), "
        "Compare(<=, created_at, now)])",
    ),
    (
        "due_on in next 1 week",
        "AllOf([Compare(>=, due_on, today), "
        "Compare(<=, due_on, Arithmetic(+, today, CalendarLength(months=0, days=7)))])",
    ),
    (
        "last_activity_at not older than 2 hours",
        "Not(Compare(<, last_activity_at, Arithmetic(-, now, 2:00:00)))",
    ),
    ("created_at > first_seen", "Compare(>, created_at, LocalInstant(first_seen, 00:00:00))"),
    ("created_at > 2026-01-01 10:30", "Compare(>, created_at, LocalInstant(2026-01-01, 10:30:00))"),
    (
        "created_at > 2026-01-01T10:30+08:00",
        "Compare(>, created_at, 2026-01-01 02:30:00+00:00)",
    ),
    (
        "created_at - first_seen > 1 hour",
        "Compare(>, Arithmetic(-, created_at, LocalInstant(first_seen, 00:00:00)), 1:00:00)",
    ),
    (
        "2 days + due_on > today",
        "Compare(>, Arithmetic(+, due_on, CalendarLength(months=0, days=2)), today)",
    ),
    ("account.owner.region = user.region", "Compare(=, account.owner.region, user:region)"),
    ("manager_of(account.owner) = user", "Compare(=, account.owner.manager, user:id)"),
    ("manager_of(user) = owner", "Compare(=, user:manager, owner)"),
    ("owner = user", "Compare(=, owner, user:id)"),
    ("- employees < -5", "Compare(<, Negate(employees), -5)"),
    ("`Last activity at` is empty", "IsEmpty(last_activity_at)"),
    (
        "count(activities where minutes > this.employees) > 0",
        "Compare(>, Aggregate(count, record, activities, activity, lead, "
        "Compare(>, minutes, outer:employees)), 0)",
    ),
    (
        "any(account.opportunities where amount > 5 CNY)",
        "Aggregate(any, record, [Hop(source='lead', field='account', target='account')], "
        "opportunities, opportunity, account, "
        "Compare(>, amount, Money(amount=Decimal('5'), currency='CNY')))",
    ),
    ("max(activities.minutes)", "Aggregate(max, record, activities, activity, lead, minutes)"),
    ("max(employees, 5)", "Call(max, [employees, 5])"),
    (
        'join(activities.subject, ", " by happened_at)',
        "Aggregate(join, record, activities, activity, lead, subject, happened_at, , )",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CORE, ids=[text for text, _ in CORE])
def test_sugar_is_gone(text: str, expected: str) -> None:
    assert say(Expression.parse(text).resolve(SCHEMA, "lead")) == expected


TYPES = [
    ("employees * 2", Kind.NUMBER, True),
    ("chance * 2", Kind.NUMBER, True),
    ("chance + 5%", Kind.PERCENT, True),
    ("amount * chance", Kind.MONEY, True),
    ("amount / 2", Kind.MONEY, True),
    ("amount / annual_revenue", Kind.NUMBER, True),
    ("1 / 3", Kind.NUMBER, False),
    ("due_on - first_seen", Kind.CALENDAR_LENGTH, True),
    ("now - created_at", Kind.CLOCK_LENGTH, False),
    ("due_on + 1 month", Kind.DATE, True),
    ("created_at + 90 minutes", Kind.INSTANT, False),
    ("opens_at + 1 hour", Kind.TIME, True),
    ("2 * 3 days", Kind.CALENDAR_LENGTH, False),
    ("count(activities)", Kind.NUMBER, False),
    ("count(tags)", Kind.NUMBER, False),
    ("sum(activities.minutes)", Kind.NUMBER, False),
    ("avg(activities.minutes)", Kind.NUMBER, True),
    ("latest(activities.kind)", Kind.CHOICE, True),
    ('join(activities.kind, "")', Kind.TEXT, True),
    ("none(activities)", Kind.BOOLEAN, False),
    ("round(amount, 1)", Kind.MONEY, True),
    ("coalesce(employees, 0)", Kind.NUMBER, False),
    ("length(title)", Kind.NUMBER, False),
    ('concat(title, " ", status)', Kind.TEXT, False),
    ('start_of(created_at, "week")', Kind.INSTANT, False),
    ('start_of(due_on, "week")', Kind.DATE, True),
    ("date_of(created_at)", Kind.DATE, False),
    ("if opted_in then status else title", Kind.TEXT, True),
    ("if opted_in then 1 else 2", Kind.NUMBER, False),
    ("user", Kind.REFERENCE, True),
    ('in_role("x")', Kind.BOOLEAN, False),
    ("employees > 5", Kind.BOOLEAN, False),
    ("account.credit", Kind.MONEY, True),
    ("id", Kind.TEXT, False),
]


@pytest.mark.parametrize(("text", "kind", "nullable"), TYPES)
def test_types(text: str, kind: Kind, nullable: bool) -> None:
    node = Expression.parse(text).resolve(SCHEMA, "lead")
    assert (node.type.kind, node.nullable) == (kind, nullable)


def read_cases(name: str) -> list[tuple[str, list[str]]]:
    """Blocks of a text and, indented, what is said about it."""
    content = (Path(__file__).parent / "cases" / name).read_text("utf-8")
    blocks = [block for block in content.strip().split("\n\n") if not block.startswith("#")]
    cases = [block.split("\n    ") for block in blocks]
    return [(text, said) for text, *said in cases]


REFUSED = read_cases("refused_expressions.txt")


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[text for text, _ in REFUSED])
def test_refused_with_a_way_out(text: str, expected: list[str]) -> None:
    found = Expression.parse(text).check(SCHEMA, "lead", expect=Kind.BOOLEAN)
    assert [str(one) for one in found] == expected


def test_option_attributes_are_typed() -> None:
    node = Expression.parse("stage.probability").resolve(SCHEMA, "opportunity")
    assert isinstance(node, core.OptionAttribute)
    assert node.type.kind is Kind.PERCENT
    assert dict(node.values) == {
        "New": Decimal("0.1"),
        "Offer": Decimal("0.5"),
        "Won": Decimal(1),
        "Lost": Decimal(0),
    }
    (found,) = Expression.parse("stage.chance > 5%").check(SCHEMA, "opportunity")
    assert str(found) == '1:7: the options of "stage" have no "chance" (they have: probability)'


def test_this_is_another_record_in_filters() -> None:
    node = Expression.parse("region = this.region").resolve(SCHEMA, "user", this="account")
    assert say(node) == "Compare(=, region, outer:region)"


def test_ids_compare_with_references() -> None:
    text = 'account = "0190a1b2-0000-7000-8000-000000000001"'
    node = Expression.parse(text).resolve(SCHEMA, "lead")
    assert isinstance(node, core.Compare)
    assert node.right.type == node.left.type


def test_old_and_changed_see_the_record_before() -> None:
    text = 'status changed from "New" to "Open" and old.employees < employees'
    node = Expression.parse(text).resolve(SCHEMA, "lead", sees_changes=True)
    assert say(node) == ("AllOf([Changed('New', 'Open'), Compare(<, old:employees, employees)])")


def test_every_arithmetic_result_is_a_kind_that_exists() -> None:
    lengths = {Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH}
    for (op, left, right), result in RESULTS.items():
        assert op in "+-*/"
        assert not (left in lengths and right in lengths and left is not right)
        assert result is not Kind.EMPTY


def test_functions_are_documented_and_named_like_their_module() -> None:
    for name, function in functions().items():
        assert function.name == name
        assert function.doc.endswith(".")
        assert all(p.kinds for p in function.parameters)


def compile_text(*texts: str) -> program.Program:
    rulesets = [parse(text, source=f"text {place}") for place, text in enumerate(texts)]
    return compile_program(rulesets, SCHEMA)


def mistakes(*texts: str) -> list[str]:
    with pytest.raises(RuleCheckError) as caught:
        compile_text(*texts)
    return [str(one) for one in caught.value.diagnostics if one.severity == "error"]


def examples() -> program.Program:
    texts = [parse(path.read_text("utf-8"), source=path.name) for path in EXAMPLES]
    return compile_program(texts, SCHEMA)


def test_examples_compile() -> None:
    assert [f"{one.source}:{one}" for one in examples().warnings] == [
        'automation.rules:34:11: no approval "credit_hold_approval" is among these rules'
    ]


def test_score_becomes_a_definition() -> None:
    score = next(one for one in examples().scores if one.name == "lead_fit")
    assert (score.label, score.object, score.ruleset, score.version) == (
        "Lead fit",
        "lead",
        "lead_scoring",
        "4",
    )
    assert (score.into, score.grade_into) == ("score", "score_grade")
    assert [grade.name for grade in score.grades] == ["A", "B", "C"]
    table = next(
        e for e in score.entries if isinstance(e, program.ScoreItem) and e.text == "industry_points"
    )
    assert isinstance(table.amount, core.Case)
    assert len(table.amount.arms) == 4
    group = next(e for e in score.entries if isinstance(e, program.ScoreGroup))
    assert (group.label, len(group.entries)) == ("Engagement", 3)


def test_approval_becomes_a_definition() -> None:
    (approval,) = examples().approvals
    assert [step.name for step in approval.steps] == ["manager", "director", "committee"]
    manager, director, committee = approval.steps
    assert manager.due == BusinessLength(minutes=480)
    assert manager.remind == (Decimal("0.5"), Decimal("0.8"))
    assert manager.rejection == program.Rejection("submitter")
    assert director.rejection == program.Rejection("step", "manager")
    assert isinstance(manager.approvers[0], program.Relation)
    assert isinstance(director.approvers[0], program.Group)
    assert say(director.approvers[0].scope) == "owner.region"
    assert committee.decide == program.Decide("count", Decimal(2))
    assert committee.overdue == "reject"
    assert approval.self_approval == "skipped"
    assert approval.restart_fields == ("discount", "amount", "currency")
    assert set(approval.phases) == {"submit", "approve", "reject", "recall"}


def test_fetch_plan_names_paths_and_links() -> None:
    reads = examples().reads("quote")
    assert ("account", "country") in reads.paths
    assert ("owner", "region") in reads.paths
    assert reads.links == {("lines",)}
    leads = compile_text(
        "validate v on lead { require count(account.leads where employees > this.score) < 5 "
        'and any(activities where subject = old.title) message "x" }'
    ).reads("lead")
    assert leads.paths == {("account",), ("score",), ("title",)}
    assert leads.links == {("account", "leads"), ("activities",)}


def test_tests_see_the_given_records() -> None:
    _, case, clock = examples().tests
    expectation = case.steps[5]
    assert isinstance(expectation, program.Expect)
    assert say(expectation.condition) == (
        "AllOf([Compare(=, quote.status, 'In approval'), Compare(=, pending_step, 'manager')])"
    )
    last = clock.steps[-1]
    assert isinstance(last, program.Expect)
    assert say(last.condition) == "Compare(=, ticket.response.elapsed, 0:30:00)"


def test_rules_run_in_their_order() -> None:
    made = compile_text(
        "rule c on lead before save { set score to 1 }"
        " rule b on lead before save order 5 { set score to 2 }"
        " rule a on lead before create order 20 { stop }"
    )
    assert [rule.name for rule in made.for_object("lead").before_save] == ["b", "a", "c"]


def test_formulas_are_put_in_place() -> None:
    made = compile_text(
        "define big on lead as employees > 10 "
        "define rich on account as credit > 5 CNY "
        "define busy on lead as count(activities where minutes > this.employees) > 1 "
        "score s on lead into score { add 1 when big and account.rich and busy }"
    )
    item = made.scores[0].entries[0]
    assert isinstance(item, program.ScoreItem)
    assert say(item.guard) == (
        "AllOf([Compare(>, employees, 10), "
        "Compare(>, account.credit, Money(amount=Decimal('5'), currency='CNY')), "
        "Compare(>, Aggregate(count, record, activities, activity, lead, "
        "Compare(>, minutes, outer:employees)), 1)])"
    )


def test_tables_give_several_results_and_sums() -> None:
    made = compile_text(
        "table t on lead collect { | employees => points, share | > 5 => 3, 1% "
        "| between 1 and 9 => 4, 2% | - => 5, 3% } "
        "score s on lead into score { add t add t.share * 100 }"
    )
    first, second = made.scores[0].entries
    assert isinstance(first, program.ScoreItem)
    assert isinstance(second, program.ScoreItem)
    assert first.amount.type.kind is Kind.NUMBER
    assert say(first.amount).count("If(") == 3
    assert "0.03" in say(second.amount)


STATEMENTS = read_cases("refused_statements.txt")


@pytest.mark.parametrize(("text", "expected"), STATEMENTS)
def test_statements_are_refused(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_climbing_until_a_limit_sees_the_candidate() -> None:
    made = compile_text(
        "approval a on quote { step s { "
        "approvers manager of owner until approval_limit >= amount } }"
    )
    assert say(made.approvals[0].steps[0].until) == "Compare(>=, user:approval_limit, amount)"


def test_names_are_shared_between_texts() -> None:
    calendar = 'calendar c { timezone "Europe/Paris" hours monday to friday from 09:00 to 17:00 }'
    approval = "approval a on quote { step s { approvers owner due in 3 business days using c } }"
    made = compile_text(calendar, approval)
    assert made.approvals[0].steps[0].due == BusinessLength(days=3)
    assert list(made.calendars["c"].hours) == [0, 1, 2, 3, 4]
    assert check(parse(approval), SCHEMA, beside=[parse(calendar, source="c")]) == []
    (found,) = check(parse(approval), SCHEMA)
    assert (str(found), found.code) == ('1:77: there is no calendar "c"', "unknown_calendar")


def test_waits_and_lengths() -> None:
    made = compile_text(
        'rule r on lead before save { stop } test "t" of r { wait 2 quarters wait 90 minutes }'
    )
    assert [step.length for step in made.tests[0].steps if isinstance(step, program.Wait)] == [
        CalendarLength(months=6),
        timedelta(minutes=90),
    ]


def test_formulas_cannot_grow_beyond_measure() -> None:
    doubling = "define d0 on lead as employees + employees " + " ".join(
        f"define d{n} on lead as d{n - 1} + d{n - 1}" for n in range(1, 40)
    )
    found = mistakes(doubling)
    assert found[0].endswith(
        "with its formulas this has over 20,000 parts, or over 100 levels "
        "(keep a part of it in a field)"
    )
