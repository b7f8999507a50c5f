"""Column types whose Python values are those of the language, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

from rule_engine.arithmetic import EXACT

#: How many digits a stored number has at most: what fits a BIGINT with room for sums.
MAX_DIGITS = 18

#: PostgreSQL's number of the type NUMERIC, whose values the driver gives as decimals.
PG_NUMERIC = 1700

Processor = Callable[[Any], Any]


class Scaled(TypeDecorator[Decimal]):
    """A decimal with `scale` places: a BIGINT of 10^-scale on SQLite, NUMERIC on PostgreSQL.

    Values are rounded half up to the scale. One of more than 18 digits raises ValueError, on both
    databases: arithmetic on SQLite counts on it.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Gives the database's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.BigInteger())
        return dialect.type_descriptor(sa.Numeric(38, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> object:
        """Gives the scaled integer on SQLite, else the rounded decimal."""
        if value is None:
            return None
        whole = int(Decimal(value).scaleb(self.scale, EXACT).to_integral_value(ROUND_HALF_UP))
        if abs(whole) >= 10**MAX_DIGITS:
            raise ValueError(f"a number with more than {MAX_DIGITS} digits: {value}")
        return whole if dialect.name == "sqlite" else Decimal(whole).scaleb(-self.scale, EXACT)

    def process_result_value(self, value: object, dialect: sa.Dialect) -> Decimal | None:
        """Gives the decimal with its places."""
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(int(str(value))).scaleb(-self.scale, EXACT)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor | None:
        """Gives nothing to do where the driver gives decimals."""
        return None if coltype == PG_NUMERIC else super().result_processor(dialect, coltype)


class DecimalText(TypeDecorator[Decimal]):
    """A decimal of any length, for results: text on SQLite, NUMERIC on PostgreSQL."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Gives the database's own type."""
        kind: TypeEngine[Any] = sa.Text() if dialect.name == "sqlite" else sa.Numeric()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> object:
        """Gives the digits on SQLite."""
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: object, dialect: sa.Dialect) -> Decimal | None:
        """Gives the decimal."""
        return None if value is None else Decimal(str(value))

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor | None:
        """Gives nothing to do where the driver gives decimals."""
        return None if coltype == PG_NUMERIC else super().result_processor(dialect, coltype)


class DeferredText(TypeDecorator[str]):
    """A text parameter whose value may be a function, called where a statement takes the value."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: sa.Dialect) -> str | None:
        """Gives the text."""
        found = value() if callable(value) else value
        return None if found is None else str(found)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime in milliseconds: `2026-03-01T08:00:00.000Z` as text on SQLite.

    Parts of a millisecond are cut off.
    """

    impl = sa.TIMESTAMP
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Gives the database's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Text())
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> object:
        """Gives the text on SQLite, else UTC cut to milliseconds. Raises for a naive datetime."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return write_instant(value)
        return cut_instant(value)

    def process_result_value(self, value: object, dialect: sa.Dialect) -> datetime | None:
        """Gives the aware datetime in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return read_instant(str(value))

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Processor:
        """Gives the reading of one value, without asking for the database each time."""
        if dialect.name == "sqlite":
            return lambda text: None if text is None else read_instant(text)
        return lambda value: None if value is None else value.astimezone(UTC)


class Choices(TypeDecorator[frozenset[str]]):
    """A set of option values: a sorted JSON list, JSONB on PostgreSQL. The empty set is NULL."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Gives the database's own type."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.JSON(none_as_null=True))

    def process_bind_param(self, value: Collection[str] | None, dialect: sa.Dialect) -> object:
        """Gives the sorted list, or None for nothing."""
        return sorted(value) if value else None

    def process_result_value(self, value: object, dialect: sa.Dialect) -> frozenset[str] | None:
        """Gives the set, or None for nothing."""
        return frozenset(map(str, value)) if isinstance(value, list) and value else None


@dataclass(frozen=True, slots=True)
class Places:
    """How many places amounts have: `usual` ones, and others by the currencies that have them."""

    usual: int
    others: Mapping[int, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """How a field keeps its values.

    `column` is the main column's type; `currency` that of an amount without one, `places` its
    digits. With `folds` there is a companion `fold`, with `converts` a companion `base`: the amount
    in the base currency, empty without a rate.
    """

    column: TypeEngine[Any]
    currency: str = ""
    places: Places | None = None
    folds: bool = False
    converts: bool = False


def cut_instant(value: datetime) -> datetime:
    """Gives an aware datetime in UTC without parts of a millisecond."""
    if value.tzinfo is None:
        raise ValueError(f"an instant without a zone: {value}")
    utc = value.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def write_instant(value: datetime) -> str:
    """Gives `2026-03-01T08:00:00.000Z`."""
    if value.tzinfo is None:
        raise ValueError(f"an instant without a zone: {value}")
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    # msgspec writes RFC 3339, with microseconds unless there are none, ten times as fast as
    # `isoformat` with milliseconds.
    text: str = msgspec.to_builtins(utc)
    return f"{text[:-4]}Z" if utc.microsecond else f"{text[:-1]}.000Z"


def read_instant(text: str) -> datetime:
    """Reads `2026-03-01T08:00:00.000Z`."""
    return datetime.fromisoformat(text)
