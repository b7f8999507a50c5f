"""Formulas in an open form: conditions on them follow what is typed, in Python and JavaScript."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metadata.catalog import build_catalog
from metadata.computed.inline import written_out
from metadata.computed.outside import outside
from metadata.conditions import test_of as made_test
from rule_engine import core
from rule_engine.backends.javascript.compiler import compile_node_javascript
from rule_engine.expression import Expression
from tests.metadata.databases import JsonObject, element, object_body
from tests.metadata.worlds import MOMENT, TEXT, reference

NUMBER: JsonObject = {"type": "number", "crm": {"scale": 2}}


def formula(text: str) -> JsonObject:
    return {"type": "number", "crm": {"scale": 2, "formula": text}}


CATALOG = build_catalog(
    1,
    [
        element("team", object_body({"name": TEXT}, owner=False), package="system"),
        element("user", object_body({"name": TEXT}, owner=False), package="system"),
        element(
            "order",
            object_body(
                {
                    "n": NUMBER,
                    "parent": reference("order"),
                    "third": formula("n / 3"),
                    "double": formula("third * 2"),
                    "above": formula("parent.n + n"),
                }
            ),
        ),
    ],
)
# A condition, what is typed for n → whether it holds; what it looks at in the end.
ROWS = [
    ("third = 0.33", "1", True, {"n"}),
    ("double = 0.66", "1", True, {"n"}),
    ("double > 1 or third > 5", "1", False, {"n"}),
    ("above > 1", "1", False, {"above"}),
]


@pytest.mark.parametrize(("text", "typed", "holds", "looks_at"), ROWS)
def test_conditions_on_formulas_follow_what_is_typed(
    text: str, typed: str, holds: bool, looks_at: set[str]
) -> None:
    node = Expression.parse(text).resolve(CATALOG.schema, "order")
    made = written_out(node, CATALOG.computed, "order")
    assert {one.field for one in core.walk(made) if isinstance(one, core.Path)} == looks_at
    record = {"n": Decimal(typed), "third": Decimal(9), "double": Decimal(9)}
    assert made_test(made).holds(record, outside(MOMENT.zone)) is holds
    assert compile_node_javascript(made)
