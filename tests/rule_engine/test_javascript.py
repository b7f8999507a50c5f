"""The JavaScript back end: its cases in Node, letters and clocks there, what it refuses."""

from __future__ import annotations

import random
import sys
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rule_engine import core, text
from rule_engine.backends.javascript.code import Literal, Name, show
from rule_engine.backends.javascript.compiler import compile_javascript, compile_node_javascript
from rule_engine.backends.python import compile_node
from rule_engine.dates import to_instant
from rule_engine.errors import NotTranslatableError, Span
from rule_engine.expression import Expression
from rule_engine.types import Kind, Type
from rule_engine.values import BusinessLength, CalendarLength
from tests.rule_engine.cases_world import AMY, CASES, Case, read_record
from tests.rule_engine.law_world import SCHEMA, Store, Surroundings
from tests.rule_engine.schemas import make_object, make_schema
from tests.rule_engine.test_python import OLD, shown
from trellis.evaluation.javascript import Answers, environment_of, from_wire, wire_record
from trellis.evaluation.wire import to_wire

NOBODY = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)
NUMBER, HERE = Type(Kind.NUMBER), Span(1, 1)
Record = Mapping[str, object]


def node_of(expression: str, *, sees_changes: bool = False) -> core.Node:
    return Expression.parse(expression).resolve(SCHEMA, "deal", sees_changes=sees_changes)


def answer(
    node: Answers,
    asked: core.Node,
    record: Record,
    environment: Surroundings = NOBODY,
    rows: Mapping[str, list[Record]] | None = None,
    old: Record | None = None,
) -> object:
    known = environment_of(environment, {}, rows or {})
    known["old"] = None if old is None else wire_record(old)
    ((found,),) = node.ask([compile_node_javascript(asked)], [wire_record(record)], known)
    return from_wire(asked.type.kind, found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.expression} | {case.record}")
def test_cases(case: Case, node: Answers) -> None:
    record, store, environment = read_record(case, "deal")
    rows = {name: list[Record](some) for name, some in store.rows.items()}
    value = answer(node, node_of(case.expression), record, environment, rows)
    assert shown(value) == case.expected


@pytest.mark.parametrize(
    ("expression", "record", "old"),
    [
        (expression, record, old)
        for expression in (
            "stage changed",
            'stage changed to "won"',
            'stage changed from "new" to "won"',
            "quantity changed",
            "tags changed",
            "amount changed",
            "closes changed",
            "account changed",
            "quantity > old.quantity",
        )
        for record, old in (
            ({"stage": "won", "quantity": Decimal(2), "account": "a"}, OLD),
            ({"stage": "new", "quantity": Decimal("1.00"), "account": "b"}, OLD),
            ({"tags": frozenset({"vip"}), "closes": date(2026, 1, 1)}, OLD),
            ({"tags": frozenset({"vip"})}, {"tags": frozenset({"vip"})}),
            ({"stage": "new"}, None),
            ({}, None),
        )
    ],
)
def test_changes(expression: str, record: Record, old: Record | None, node: Answers) -> None:
    asked = node_of(expression, sees_changes=True)
    expected = compile_node(asked)(record, NOBODY, old)
    assert answer(node, asked, record, old=old) == expected


def test_nested_records_stand_for_references(node: Answers) -> None:
    asked = node_of(
        'count(lines where quantity > 1) = 1 and account.parent.name = "Group" and owner = user'
    )
    record = {
        "account": {"parent": {"name": "Group"}},
        "lines": [{"quantity": Decimal(2)}, {"quantity": Decimal(1)}, {}],
        "owner": {"id": "user-1"},
    }
    assert answer(node, asked, record, Surroundings(NOBODY.related, AMY)) is True


def test_forms_may_give_what_people_type(node: Answers) -> None:
    sources = [
        compile_javascript(Expression.parse(expression), SCHEMA, "deal")
        for expression in (
            "quantity * 3 = 0.3",
            "name is empty and tags is empty and closes is empty",
            "starts_on = today",
            "seen = 2026-03-01T08:00:00Z",
            "talked = 36 hours",
        )
    ]
    record = {"quantity": 0.1, "name": "", "tags": [], "closes": "", "starts_on": "2020-01-02"}
    offset = {"seen": "2026-03-01T16:00+08:00", "talked": "P1DT12H"}
    local = {"seen": "2026-03-01T03:00:00", "talked": "PT129600.000S"}
    known = {"zone": "America/New_York", "today": "2020-01-02"}
    assert node.ask(sources, [record | offset, record | local], known) == [[True, True]] * 5


def test_fields_are_those_of_the_record(node: Answers) -> None:
    schema = make_schema([make_object("deal", {"constructor": "text", "to_string": "text"})])
    source = compile_javascript(Expression.parse("constructor is empty"), schema, "deal")
    assert node.ask([source], [{}, {"constructor": "x"}], {}) == [[True, False]]


NASTY = ("</script><!--", "\u2028\u2029", '"); process.exit(1); ("', "${1}`", "\\", "\x00\n\r")


@pytest.mark.parametrize("nasty", NASTY)
def test_texts_stay_texts(nasty: str, node: Answers) -> None:
    asked = core.Constant(Type(Kind.TEXT), False, HERE, nasty)
    source = compile_node_javascript(asked)
    assert source.isascii()
    assert not set("<>&\n\r") & set(source.replace("=>", ""))
    assert answer(node, asked, {}) == nasty


def test_names_are_names() -> None:
    with pytest.raises(ValueError, match=r"process\.exit"):
        show(Name("process.exit()"))
    with pytest.raises(ValueError, match="9007199254740992"):
        show(Literal(2**53))


def test_long_sums_and_tables(node: Answers) -> None:
    one = core.Constant(NUMBER, False, HERE, Decimal(1))
    quantity = node_of("quantity")
    total = quantity
    for number in range(6000):
        op, right = ("+", quantity) if number % 2 else ("-", one)
        total = core.Arithmetic(NUMBER, True, HERE, op, total, right)
    assert answer(node, total, {"quantity": Decimal(3)}) == 3 + 3000 * 3 - 3000
    arms = tuple(
        (node_of(f"quantity = {number}"), core.Constant(NUMBER, False, HERE, Decimal(number * 2)))
        for number in range(1000)
    )
    table = core.Case(NUMBER, True, HERE, arms, quantity)
    assert answer(node, table, {"quantity": Decimal(999)}) == 1998
    assert answer(node, table, {"quantity": Decimal(-1)}) == -1


def test_all_letters_are_changed_as_in_python(node: Answers) -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    # What only one of both knows is no letter to the other: NFC leaves it alone.
    known = [letter for letter in letters if unicodedata.category(letter) != "Cn"]
    names = ("fold", "lower", "upper", "clean")
    sources = [f"(record) => record.letters.map(rules.{name})" for name in names]
    found = node.ask(sources, [{"letters": known}], {})
    functions = (text.fold, text.lower, text.upper, text.clean)
    for (there,), here in zip(found, functions, strict=True):
        differing = [
            letter
            for letter, changed in zip(known, there, strict=True)  # type: ignore[call-overload]  # JSON
            if changed != here(letter)
        ]
        assert differing == []


#: Half hours, a day left out (Apia), winter time that is the exception (Dublin), no changes.
ZONES = (
    *("UTC", "Etc/GMT+12", "America/New_York", "America/St_Johns", "America/Sao_Paulo"),
    *("America/Caracas", "Europe/Berlin", "Europe/Dublin", "Africa/Casablanca", "Asia/Tehran"),
    *("Asia/Kathmandu", "Asia/Shanghai", "Asia/Pyongyang", "Australia/Lord_Howe", "Pacific/Apia"),
    *("Pacific/Kiritimati", "Antarctica/Troll"),
)


def test_clocks_show_the_same_in_all_zones(node: Answers) -> None:
    """Instants and local times around every change of clocks from 1970 to 2039.

    What clocks showed before differs between the sources of the tz database.
    """
    draw = random.Random(1)
    for name in ZONES:
        zone = ZoneInfo(name)
        around = [moment + timedelta(minutes=draw.randint(-200, 200)) for moment in changes(zone)]
        locals_ = [moment.replace(tzinfo=None) for moment in around]
        sources = [
            "(record, env) => record.around.map(one => "
            "rules.wireLength(rules.offsetAt(env.zone, rules.instant(env, one))))",
            "(record, env) => record.locals.map(one => "
            "rules.textOfInstant(rules.instant(env, one)))",
        ]
        record = {
            "around": [to_wire(moment) for moment in around],
            "locals": [moment.isoformat() for moment in locals_],
        }
        ((offsets,), (instants,)) = node.ask(sources, [record], {"zone": name})
        assert offsets == [to_wire(moment.astimezone(zone).utcoffset()) for moment in around], name
        expected = [to_instant(local.date(), local.time(), zone) for local in locals_]
        assert instants == [to_wire(moment) for moment in expected], name


def changes(zone: ZoneInfo) -> list[datetime]:
    """Gives the days in whose neighbourhood a zone's clocks change, of 70 years."""
    days = [datetime(1970, 1, 2, tzinfo=UTC) + timedelta(days=number) for number in range(25_000)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [
        day
        for day, before, after in zip(days, offsets, offsets[1:], strict=False)
        if before != after
    ] + days[::5000]


REFUSED = [
    ('name matches "^a"', "1:1: browsers have other regular expressions than matches"),
]


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_what_it_refuses(expression: str, message: str) -> None:
    with pytest.raises(NotTranslatableError) as caught:
        compile_javascript(Expression.parse(expression), SCHEMA, "deal")
    assert str(caught.value) == message


def test_business_time_is_refused() -> None:
    length = core.Constant(Type(Kind.BUSINESS_LENGTH), False, HERE, BusinessLength(minutes=60))
    with pytest.raises(NotTranslatableError) as caught:
        compile_node_javascript(length)
    assert str(caught.value) == "1:1: JavaScript has no literal of this kind"


@pytest.mark.parametrize(
    "value",
    [
        *(timedelta(0), timedelta(hours=-36, milliseconds=5), timedelta(days=1_461_000)),
        *(CalendarLength(), CalendarLength(-3, 10), time(9, 30), time(23, 59, 1)),
    ],
)
def test_lengths_and_times_come_back(value: object, node: Answers) -> None:
    kinds = {
        timedelta: Kind.CLOCK_LENGTH,
        CalendarLength: Kind.CALENDAR_LENGTH,
        time: Kind.TIME,
    }
    asked = core.Constant(Type(kinds[type(value)]), False, HERE, value)
    assert answer(node, asked, {}) == value
