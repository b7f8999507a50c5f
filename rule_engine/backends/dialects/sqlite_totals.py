"""Aggregate functions over decimal texts, for SQLite."""

from __future__ import annotations

from decimal import Decimal

from rule_engine.arithmetic import ZERO, add


class Sum:
    """The exact sum of decimal texts; 0 for none."""

    def __init__(self) -> None:
        self.total = ZERO

    def step(self, value: str | None) -> None:
        """Takes one row."""
        if value is not None:
            self.total = add(self.total, Decimal(value))

    def finalize(self) -> str:
        """Gives the sum."""
        return format(self.total, "f")


class Lowest:
    """The lowest of decimal texts; NULL for none."""

    def __init__(self) -> None:
        self.found: Decimal | None = None

    def step(self, value: str | None) -> None:
        """Takes one row."""
        if value is not None:
            number = Decimal(value)
            self.found = number if self.found is None else self.pick(self.found, number)

    def pick(self, first: Decimal, second: Decimal) -> Decimal:
        """Gives the one to keep."""
        return min(first, second)

    def finalize(self) -> str | None:
        """Gives the lowest."""
        return None if self.found is None else format(self.found, "f")


class Highest(Lowest):
    """The highest of decimal texts; NULL for none."""

    def pick(self, first: Decimal, second: Decimal) -> Decimal:
        """Gives the one to keep."""
        return max(first, second)
