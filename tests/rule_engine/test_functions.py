"""All functions keep the registry's contract; a new one needs rows in the cases, and no test."""

from __future__ import annotations

import re

import pytest

from rule_engine.backends.python import compile_node
from rule_engine.expression import Expression
from rule_engine.functions import Function, functions
from tests.rule_engine.cases_world import BUSINESS_CASES, CASES
from tests.rule_engine.law_world import SCHEMA, Store, Surroundings

EVERY = tuple(functions().values())
NOBODY = Surroundings(Store({name: [] for name in SCHEMA.objects}), None)
#: A field of each kind that is empty in an empty record.
EMPTY = {
    "number": "quantity",
    "percent": "rate",
    "money": "amount",
    "text": "name",
    "date": "closes",
    "instant": "seen",
    "choices": "tags",
}


@pytest.mark.parametrize("function", EVERY, ids=lambda function: function.name)
def test_is_described_and_has_cases(function: Function) -> None:
    assert function.doc.endswith(".")
    assert function.signature.startswith(f"{function.name}(")
    cases = (*CASES, *BUSINESS_CASES)
    used = [case for case in cases if re.search(rf"\b{function.name}\(", case.expression)]
    assert len(used) >= 2, f"cases/values says too little about {function.signature}"


@pytest.mark.parametrize("function", EVERY, ids=lambda function: function.name)
def test_empty_arguments_give_empty(function: Function) -> None:
    if function.takes_empty:
        return
    for kind, field in EMPTY.items():
        arguments = [
            f'"{parameter.words[0]}"' if parameter.words else field
            for parameter in function.parameters
            if not parameter.optional
        ]
        expression = Expression.parse(f"{function.name}({', '.join(arguments)})")
        if expression.check(SCHEMA, "deal"):
            continue
        node = expression.resolve(SCHEMA, "deal")
        assert node.nullable, kind
        assert compile_node(node)({}, NOBODY) is None
