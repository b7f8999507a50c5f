"""The values of the bind parameters that compiled expressions use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from rule_engine.arithmetic import ONE
from rule_engine.currencies import CURRENCIES
from rule_engine.dates import date_in
from rule_engine.types import Environment, RateTable
from rule_engine.values import Money


def parameters(
    element: sa.ClauseElement, environment: Environment, this: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Gives a value for every named parameter of an expression or a whole statement.

    `this` is the record that `this.` means outside of aggregates.
    """
    names = {str(bind.key) for bind in _binds(element) if not bind.unique}
    found = {
        name: value for name, value in rate_parameters(environment.rates).items() if name in names
    }
    for name in names:
        if name == "now":
            found[name] = environment.now
        elif name == "today":
            found[name] = date_in(environment.now, environment.zone)
        elif name == "zone":
            found[name] = environment.zone.key
        elif name.startswith("user_"):
            found[name] = _field(environment.user, name.removeprefix("user_"))
        elif name.startswith("this_"):
            found[name] = _field(this, name.removeprefix("this_"))
    return found


def count_parameters(statement: sa.ClauseElement) -> int:
    """Gives how many values a statement takes, each as often as it is written."""
    return sum(len(bind.value or ()) if bind.expanding else 1 for bind in _binds(statement))


def rate_parameters(rates: RateTable | None) -> dict[str, object]:
    """Gives the values of the parameters that conversion of currencies takes."""
    if rates is None:
        return {"rates": "{}", "base_currency": ""}
    known = {currency: rates.rate(currency) for currency in CURRENCIES}
    known[rates.base] = ONE
    texts = {name: format(rate, "f") for name, rate in known.items() if rate is not None}
    return {"rates": json.dumps(texts, sort_keys=True), "base_currency": rates.base}


def _binds(element: sa.ClauseElement) -> list[sa.BindParameter[Any]]:
    """Gives the parameters of a statement, also of subqueries that an UPDATE takes values from."""
    found: list[sa.BindParameter[Any]] = []
    pending, seen = [element], set[int]()

    def visit_column(column: sa.ColumnClause[Any]) -> None:
        if isinstance(column.table, sa.Subquery):
            pending.append(column.table)

    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            visitors.traverse(current, {}, {"bindparam": found.append, "column": visit_column})
    return found


def _field(record: Mapping[str, object] | None, name: str) -> object:
    """Gives a field as a parameter: a nested record by its id, money by its parts."""
    if record is None:
        return None
    if name not in record and name.endswith("_currency"):
        money = record.get(name.removesuffix("_currency"))
        return money.currency if isinstance(money, Money) else None
    value = record.get(name)
    if isinstance(value, Mapping):
        return value.get("id")
    return value.amount if isinstance(value, Money) else value
