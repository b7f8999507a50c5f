"""Exchange rates by date, as the records of the system object `exchange_rate` tell them.

A rate says how much of the organisation's base currency one unit is worth, from its date on until
the next one of its currency. The base currency is carried by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from metadata.catalog import Catalog

RATES: Final = "exchange_rate"
OPTION: Final = "trellis_base_currency"
"""The engine's execution option that holds the base currency."""
DEFAULT_BASE: Final = "CNY"


@dataclass(frozen=True, slots=True)
class BaseOnly:
    """A rate table without exchange: only amounts in the base currency have a worth in it."""

    base: str = DEFAULT_BASE

    def rate(self, currency: str) -> Decimal | None:
        """Gives 1 for the base currency and nothing for every other."""
        return Decimal(1) if currency == self.base else None


class DatedRates:
    """The rates in force on one day, read by one statement when the first of them is asked for."""

    def __init__(self, connection: sa.Connection, catalog: Catalog, day: date) -> None:
        self.base = base_currency(connection)
        self._connection = connection
        self._catalog = catalog
        self._day = day

    def rate(self, currency: str) -> Decimal | None:
        """Gives what one unit is worth in the base currency; None where nobody said so."""
        return Decimal(1) if currency == self.base else self._rates.get(currency)

    @cached_property
    def _rates(self) -> Mapping[str, Decimal]:
        definition = self._catalog.objects.get(RATES)
        if definition is None:
            return {}
        table = self._catalog.tables[RATES]
        currency, since, rate = (
            table.c[definition.fields[name].column] for name in ("currency", "date", "rate")
        )
        living = sa.and_(table.c.deleted_at.is_(None), since <= self._day)
        newest = sa.select(currency.label("currency"), sa.func.max(since).label("since"))
        newest_of = newest.where(living).group_by(currency).subquery()
        here = sa.and_(currency == newest_of.c.currency, since == newest_of.c.since)
        chosen: sa.Select[Any] = sa.select(currency, rate).join(newest_of, here).where(living)
        return {str(row[0]): Decimal(row[1]) for row in self._connection.execute(chosen)}


def base_currency(connection: sa.Connection) -> str:
    """Gives the organisation's currency."""
    return str(connection.get_execution_options().get(OPTION, DEFAULT_BASE))
