"""What is asked: an expression about a record, and the world it is asked in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from metadata.catalog import Catalog


class EvaluationError(Exception):
    """An expression or record that cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class FixedRates:
    """Exchange rates as given; the base currency is worth 1 of itself."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        """Gives what one unit is worth in the base currency; None when nobody said."""
        return Decimal(1) if currency == self.base else self.rates.get(currency)


@dataclass(frozen=True, slots=True)
class Setting:
    """The world: definitions, clock, zone, rates, and who acts (in wire form, or nobody)."""

    catalog: Catalog
    now: datetime
    zone: ZoneInfo
    rates: FixedRates = field(default_factory=FixedRates)
    user: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`expression` about a record, which is given in wire form.

    A mapping in place of a reference is the related record; a list of mappings under the name of a
    way back are the records that refer to this one.
    """

    object_name: str
    expression: str
    record: Mapping[str, object]
