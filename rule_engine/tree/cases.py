"""Test blocks as written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rule_engine.errors import Span
from rule_engine.tree.actions import FieldValue, Principal
from rule_engine.tree.expressions import Duration, Expression, Name, Text


@dataclass(frozen=True, slots=True)
class NowIs:
    """`now is 2026-03-02T10:00+08:00`."""

    moment: datetime
    span: Span


@dataclass(frozen=True, slots=True)
class Given:
    """`given lead as lead { … }`; the alias is the object's name when not written."""

    object: Name
    alias: Name
    values: tuple[FieldValue, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Do:
    """`do submit by amy`."""

    command: Name
    by: Principal | None
    span: Span


@dataclass(frozen=True, slots=True)
class Change:
    """`change { … }`."""

    values: tuple[FieldValue, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Wait:
    """`wait 1 day`."""

    length: Duration
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect condition`; `text` is what was written."""

    condition: Expression
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectText:
    """`expect error "…"` or `expect reason "…"`."""

    kind: str
    text: Text
    span: Span


TestStatement = NowIs | Given | Do | Change | Wait | Expect | ExpectText


@dataclass(frozen=True, slots=True)
class Test:
    """A `test` statement."""

    __test__ = False  # for pytest: not a class of tests

    name: Text
    of: Name
    statements: tuple[TestStatement, ...]
    span: Span
