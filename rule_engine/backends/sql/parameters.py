"""The values of the bind parameters that compiled expressions use."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from rule_engine.arithmetic import ONE
from rule_engine.currencies import CURRENCIES
from rule_engine.dates import date_in
from rule_engine.types import Environment, RateTable
from rule_engine.values import Money

RATES = frozenset({"rates", "base_currency"})


def parameters(
    element: sa.ClauseElement, environment: Environment, this: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Gives a value for every named parameter of an expression or a whole statement.

    `this` is the record that `this.` means outside of aggregates.
    """
    return named_parameters(parameter_names(element), environment, this)


def parameter_names(element: sa.ClauseElement) -> frozenset[str]:
    """Gives the names of the parameters of an expression or a whole statement.

    Looking for them takes longer than a small statement does: keep them with a statement that is
    kept.
    """
    return frozenset(str(bind.key) for bind in _binds(element) if not bind.unique)


def named_parameters(
    names: Collection[str], environment: Environment, this: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Gives a value for every one of the names that there are values for."""
    found: dict[str, object] = {}
    if not RATES.isdisjoint(names):
        rates = rate_parameters(environment.rates)
        found = {name: value for name, value in rates.items() if name in names}
    for name in names:
        if name == "now":
            found[name] = environment.now
        elif name == "today":
            found[name] = date_in(environment.now, environment.zone)
        elif name == "zone":
            found[name] = environment.zone.key
        elif name == "acting_roles":
            found[name] = environment.memberships.roles
        elif name == "acting_teams":
            found[name] = environment.memberships.teams
        elif name.startswith("user_"):
            found[name] = _field(environment.user, name.removeprefix("user_"))
        elif name.startswith("this_"):
            found[name] = _field(this, name.removeprefix("this_"))
    return found


def count_parameters(statement: sa.ClauseElement) -> int:
    """Gives how many values a statement takes, each as often as it is written."""
    return sum(len(bind.value or ()) if bind.expanding else 1 for bind in _binds(statement))


def rate_parameters(rates: RateTable | None) -> dict[str, object]:
    """Gives the values of the parameters that conversion of currencies takes.

    The table is not asked before a statement takes its rates.
    """
    if rates is None:
        return {"rates": "{}", "base_currency": ""}
    return {"rates": cache(partial(_rates_text, rates)), "base_currency": rates.base}


def _rates_text(rates: RateTable) -> str:
    known = {currency: rates.rate(currency) for currency in CURRENCIES}
    known[rates.base] = ONE
    texts = {name: format(rate, "f") for name, rate in known.items() if rate is not None}
    return json.dumps(texts, sort_keys=True)


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
