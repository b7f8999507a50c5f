"""Gives the values of checked nodes on a record, for all services alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rule_engine import core
from rule_engine.backends.python import compile_node
from rule_engine.types import (
    NO_MEMBERSHIPS,
    Calendar,
    Environment,
    Memberships,
    RateTable,
    Related,
)

Record = Mapping[str, object]


def evaluate(
    node: core.Node, record: Record, environment: Environment, old: Record | None = None
) -> object:
    """Gives a node's value; None is empty."""
    return compile_node(node)(record, environment, old, None)


def holds(
    condition: core.Node | None,
    record: Record,
    environment: Environment,
    old: Record | None = None,
) -> bool:
    """Says whether a condition is true; one that was not written is."""
    return condition is None or evaluate(condition, record, environment, old) is True


def number(
    node: core.Node | None, record: Record, environment: Environment, default: Decimal
) -> Decimal:
    """Gives a number; `default` where nothing was written or the value is empty."""
    value = None if node is None else evaluate(node, record, environment)
    return value if isinstance(value, Decimal) else default


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An Environment that differs from the one it was made from."""

    now: datetime
    zone: ZoneInfo
    user: Mapping[str, object] | None
    calendars: Mapping[str, Calendar]
    rates: RateTable
    related: Related
    memberships: Memberships = NO_MEMBERSHIPS


def acting_as(environment: Environment, user: Record, memberships: Memberships) -> Surroundings:
    """Gives the same environment with another acting person."""
    return replace(_copied(environment), user=user, memberships=memberships)


def as_of(environment: Environment, now: datetime) -> Surroundings:
    """Gives the same environment at another moment."""
    return replace(_copied(environment), now=now)


def _copied(environment: Environment) -> Surroundings:
    return Surroundings(
        environment.now,
        environment.zone,
        environment.user,
        environment.calendars,
        environment.rates,
        environment.related,
        environment.memberships,
    )
