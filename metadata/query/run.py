"""Running statements: with the parameters that compiled expressions count on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import Principal
from metadata.exchange import DatedRates
from metadata.prepared import Prepared, Ready
from metadata.problems import Problem
from metadata.query.answers import Moment, QueryProblem, This
from metadata.query.nesting import is_too_much
from metadata.query.tables import Bound
from rule_engine.backends.sql import rate_parameters
from rule_engine.types import RateTable
from rule_engine.values import Money

if TYPE_CHECKING:
    from metadata.catalog import Catalog

USER = "user"

Statement = sa.Select[*tuple[Any, ...]]
Row = Sequence[Any]


class Runner:
    """Runs statements on one connection for one principal at one moment."""

    def __init__(
        self, catalog: Catalog, connection: sa.Connection, principal: Principal, moment: Moment
    ) -> None:
        self.catalog = catalog
        self.connection = connection
        self.principal = principal
        self.moment = moment

    @cached_property
    def outside(self) -> Mapping[str, object]:
        """What expressions take from outside; the same for every statement."""
        rates = DatedRates(self.connection, self.catalog, self.moment.today)
        return parameters_of(self.catalog, self.principal, self.moment, rates)

    def __call__(
        self,
        statement: Statement | Prepared,
        bound: Mapping[str, Bound],
        values: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """Gives all rows. `bound` are the statement's owners and teams, `values` its own values.

        Raises QueryProblem for values that fit no column: more digits than numbers have, letters
        that the database has not; and for a statement that is too long, deep or large for it. A
        value that nobody gave is no such value but a fault of ours, and raised as it comes.
        """
        try:
            if isinstance(statement, Prepared):
                return statement.rows(self.connection, self._given(statement, bound, values or {}))
            held = {name: parameter.values(self.principal) for name, parameter in bound.items()}
            parameters = {**self.outside, **held, **(values or {})}
            return self.connection.execute(statement, parameters).all()
        except (sa.exc.DataError, OverflowError, UnicodeEncodeError) as error:
            raise out_of_range() from error
        except sa.exc.StatementError as error:
            if isinstance(error.orig, (ValueError, ArithmeticError)):
                raise out_of_range() from error
            if isinstance(error, sa.exc.DBAPIError) and is_too_much(error):
                raise QueryProblem([Problem("filter", "too_nested")]) from error
            raise

    def _given(
        self, statement: Prepared, bound: Mapping[str, Bound], values: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Gives the values that a statement asks for; what comes from outside only if it does."""
        dialect = self.connection.dialect
        found = dict(values)
        for name, parameter in bound.items():
            found[name] = listed(parameter.ids(self.principal), dialect.name)
        if not found.keys() >= set(statement.made(dialect).asked):
            found = {**self.outside, **found}
        return found


@lru_cache(maxsize=2_000)
def listed(ids: frozenset[str], dialect: str) -> Ready:
    """Gives ids as the text of a list that the database reads: for somebody the same for long."""
    texts = json.dumps(sorted(ids), ensure_ascii=False)
    return Ready(f"{{{texts[1:-1]}}}" if dialect == "postgresql" else texts)


def out_of_range() -> QueryProblem:
    """Gives the problem of a value that no row can have."""
    return QueryProblem([Problem("filter", "value_out_of_range")])


def this_values(catalog: Catalog, this: This | None) -> dict[str, object]:
    """Gives the parameters that stand for the fields of the record that `this.` means."""
    if this is None:
        return {}
    found: dict[str, object] = {}
    for name in catalog.objects[this.object_name].fields:
        value = this.record.get(name)
        if isinstance(value, Money):
            found[f"this_{name}_currency"] = value.currency
            value = value.amount
        found.setdefault(f"this_{name}_currency", None)
        found[f"this_{name}"] = value
    return found


def parameters_of(
    catalog: Catalog, principal: Principal, moment: Moment, rates: RateTable
) -> Mapping[str, object]:
    """Gives what expressions in SQL take from outside: the moment, the acting person, rates."""
    known = catalog.objects.get(USER)
    nobody = dict.fromkeys(known.fields if known else (), None)
    person = {**nobody, **(principal.user or {})}
    return {
        "now": moment.now,
        "today": moment.today,
        "zone": moment.zone.key,
        **rate_parameters(rates),
        **{f"user_{name}": value for name, value in person.items()},
        "acting_roles": principal.memberships.roles,
        "acting_teams": principal.memberships.teams,
    }
