"""Computed fields that cannot be: each mistake told where it stands, with the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from metadata.catalog import build_catalog
from metadata.checks import check_elements
from metadata.checks.computed import virtual_warnings
from metadata.elements import Element
from metadata.problems import sentence
from tests.metadata.databases import JsonObject, element, object_body
from tests.metadata.worlds import TEXT, reference

NUMBER: JsonObject = {"type": "number"}
MONEY: JsonObject = {"type": "number", "crm": {"field": "money"}}
Told = tuple[str, int | None, int | None, str]


def world(**fields: JsonObject) -> list[Element]:
    """Gives lines of orders of people; `fields` are further ones of the order."""
    return [
        element("team", object_body({"name": TEXT}, owner=False), package="system"),
        element("user", object_body({"name": TEXT}, owner=False), package="system"),
        element("order", object_body({"name": TEXT, "amount": MONEY, **fields})),
        element(
            "line",
            object_body(
                {
                    "order": reference("order"),
                    "price": MONEY,
                    "code": {"type": "string", "crm": {"encrypted": True}},
                    "site": {"type": "string", "format": "uri"},
                    "number": {"type": "number", "crm": {"formula": "count(order.lines)"}},
                }
            ),
        ),
    ]


def made(kind: JsonObject = NUMBER, /, **crm: Any) -> JsonObject:
    return {**kind, "crm": {**kind.get("crm", {}), **crm}}


def problems(fields: Mapping[str, JsonObject]) -> list[Told]:
    found = check_elements(world(**fields))
    return [
        (one.path.removeprefix("/properties/"), one.line, one.column, sentence(one))
        for one in found.get(("object", "order"), [])
    ]


URL: JsonObject = {"type": "string", "format": "uri"}
FLAG: JsonObject = {"type": "boolean"}
MINE: JsonObject = {"as": "user"}
CHAIN = "take one of these out of the circle"
DEEP = 'virtual fields look at each other more than 3 deep; store one of them with `"stored": true`'

# Fields of the order → where, line and column, and what is said.
ROWS: list[tuple[Mapping[str, JsonObject], list[Told]]] = [
    (
        {"x": made(formula="amount *")},
        [("x/crm/formula", 1, 9, "the text ends too early; expected a value")],
    ),
    (
        {"x": made(formula="1 +\n amout * 2")},
        [("x/crm/formula", 2, 2, 'Order has no field "amout" (did you mean "amount"?)')],
    ),
    (
        {"x": made(rollup="sum(lines.prize)")},
        [("x/crm/rollup", 1, 11, 'Line has no field "prize" (did you mean "price"?)')],
    ),
    (
        {"x": made(formula="amount * 2")},
        [("x/crm/formula", 1, 1, '"x" takes a bare number, not an amount of money')],
    ),
    (
        {"x": made(TEXT, formula="amount")},
        [
            (
                *("x/crm/formula", 1, 1),
                '"x" takes text, not an amount of money (write  text_of(…))',
            )
        ],
    ),
    (
        {"x": made(MONEY, rollup="amount")},
        [
            (
                *("x/crm/rollup", 1, 1),
                "a roll-up is one aggregate over a way back, as in "
                "sum(lines.total where not cancelled); for anything else write `formula`",
            )
        ],
    ),
    (
        {"x": made(MONEY, through="amount")},
        [
            (
                *("x/crm/through", 1, 1),
                "`through` names a field of another record, as in account.region; "
                "for anything else write `formula`",
            )
        ],
    ),
    (
        {"x": made(FLAG, formula='name matches "x"')},
        [("x/crm/formula", 1, 1, "databases have other regular expressions than matches")],
    ),
    (
        {"x": made(rollup="count(lines)", formula="1")},
        [
            (
                *("x/crm/rollup", None, None),
                "a field is computed in one way: keep one of formula, rollup",
            )
        ],
    ),
    (
        {"x": made(formula="1", **MINE)},
        [("x/crm/as", None, None, "`as` belongs to a `rollup`; remove it")],
    ),
    (
        {"x": made(rollup="count(lines)", stored=True, **MINE)},
        [
            (
                *("x/crm/stored", None, None),
                "a roll-up `as: user` differs from reader to reader and cannot be stored; "
                "remove `stored` or `as`",
            )
        ],
    ),
    (
        {"x": made(formula="1", unique=True)},
        [
            (
                *("x/crm/unique", None, None),
                'the computed field "x" cannot be unique: nobody could correct a value that is '
                "taken; make a field unique that people write",
            )
        ],
    ),
    (
        {"x": made(formula="1", stored=False, index=True)},
        [
            (
                *("x/crm/index", None, None),
                'the field "x" has no column to be indexed; remove `index`, or store it with '
                '`"stored": true`',
            )
        ],
    ),
    (
        {"x": {**made(formula="1"), "default": 3}},
        [
            (
                *("x/default", None, None),
                'the computed field "x" has no default: it always has its computed value; '
                "remove `default`",
            )
        ],
    ),
    (
        {"x": made(TEXT, rollup="latest(lines.code)")},
        [
            (
                *("x/crm/rollup", None, None),
                '"line.code" is encrypted: nothing can be computed from it; name another field',
            )
        ],
    ),
    (
        {"x": made(URL, formula="name")},
        [
            (
                *("x/crm/formula", None, None),
                "values of the type url cannot be computed, only taken over from a field of that "
                "type; choose the plain type",
            )
        ],
    ),
    ({"x": made(URL, rollup="latest(lines.site)")}, []),
    (
        {"x": made(rollup="count(lines)", **MINE), "y": made(formula="x + 1")},
        [
            (
                *("y/crm/formula", None, None),
                '"order.x" differs from reader to reader: nothing can be computed from it; '
                "name its inputs, or make it `as: system`",
            )
        ],
    ),
    (
        {"x": made(formula="x + 1")},
        [("x/crm/formula", None, None, f"computed from itself: order.x → order.x; {CHAIN}")],
    ),
    (
        {"x": made(formula="y"), "y": made(formula="z"), "z": made(formula="x")},
        [
            (
                *("x/crm/formula", None, None),
                f"computed from itself: order.x → order.y → order.z → order.x; {CHAIN}",
            )
        ],
    ),
    (
        {
            "x": made(formula="1", stored=False),
            "y": made(formula="x", stored=False),
            "z": made(formula="y", stored=False),
            "v": made(formula="z", stored=False),
        },
        [("v/crm/formula", None, None, DEEP)],
    ),
    (
        {"x": made(stored=True)},
        [
            (
                *("x/crm/stored", None, None),
                "only a computed field has this keyword; add `formula`, `rollup` or `through`, "
                "or remove it",
            )
        ],
    ),
    ({"x": made(rollup="sum(lines.price)", field="money")}, []),
]


@pytest.mark.parametrize(("fields", "told"), ROWS)
def test_each_mistake_is_told_where_it_stands(
    fields: Mapping[str, JsonObject], told: list[Told]
) -> None:
    assert problems(fields) == told


def nested(step: str, times: int) -> JsonObject:
    text = "amount"
    for _ in range(times):
        text = step.replace("{}", text)
    return made(MONEY, formula=text)


ABS, MOST = "abs({})", "max({}, amount)"
UNREADABLE = (
    "with the virtual fields it looks at it is nested so deeply that SQLite cannot read it; store "
    'one of them with `"stored": true`, or write it in several fields'
)
LONG = "this is too long for SQL; give parts of it fields of their own"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (nested(ABS, 10), []),
        (nested(ABS, 60), [UNREADABLE]),
        (nested(MOST, 1), []),
        (nested(MOST, 40), [LONG]),
    ],
)
def test_what_no_database_could_read_is_refused(field: JsonObject, told: list[str]) -> None:
    assert [text for *_, text in problems({"x": field})] == told


def test_a_circle_over_objects_is_told_as_a_chain() -> None:
    elements = world(x=made(rollup="sum(lines.number)"), y=made(formula="x + 1"))
    line = elements[-1].body["properties"]
    assert isinstance(line, dict)
    line["number"] = made(formula="order.y")
    found = check_elements(elements)
    assert {key: [sentence(one) for one in told] for key, told in found.items()} == {
        ("object", "line"): [
            f"computed from itself: line.number → order.y → order.x → line.number; {CHAIN}"
        ]
    }


# What the order's x says → whether it is virtual.
STORAGE: list[tuple[JsonObject, bool]] = [
    (made(formula="1"), False),
    (made(formula="1", stored=False), True),
    (made(rollup="count(lines)"), False),
    (made(rollup="count(lines)", **MINE), True),
    (made(TEXT, through="owner.name"), True),
    (made(TEXT, through="owner.name", stored=True), False),
    (made(FLAG, formula="created_at in last 7 days"), True),
    (made(FLAG, formula="created_at in last 7 days", stored=True), True),
    (made(FLAG, formula="owner = user"), True),
    (made(FLAG, formula='in_role("sales")'), True),
    (made(formula="hidden_from_tables + 1"), True),
    (made(formula="hidden_from_tables + 1", stored=True), False),
    (made(formula="nothing"), True),
]


@pytest.mark.parametrize(("property_", "virtual"), STORAGE)
def test_what_asks_the_clock_or_people_has_no_column(property_: JsonObject, virtual: bool) -> None:
    hidden = made(formula="2", stored=False)
    catalog = build_catalog(1, world(x=property_, hidden_from_tables=hidden))
    assert catalog.objects["order"].fields["x"].virtual is virtual
    assert ("x" in catalog.tables["order"].c) is not virtual


def test_a_field_that_cannot_be_stored_is_a_warning() -> None:
    asked = made(FLAG, formula="created_at in last 7 days", stored=True)
    found = list(virtual_warnings(build_catalog(1, world(x=asked, y=made(formula="1")))))
    assert [(name, one.path, sentence(one)) for name, one in found] == [
        (
            "order",
            "/properties/x/crm/stored",
            '"x" depends on the time or on who looks at it and is worked out when asked for; '
            "remove `stored`",
        )
    ]
