"""Test cases, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rule_engine import core
from rule_engine.errors import Span
from rule_engine.program.actions import Principal
from rule_engine.program.definition import Length


@dataclass(frozen=True, slots=True)
class Now:
    """`now is …`; naive when the text has no offset (the organisation's zone)."""

    moment: datetime
    span: Span


@dataclass(frozen=True, slots=True)
class Given:
    """`given object as name { … }`: values are constants, calculations, or other given names.

    A given name is Path(RECORD, (), object="test", field=name) of type REFERENCE. A text for a
    reference (`manager: "bob"`) is the constant "bob": a persona's name or an id.
    """

    object: str
    alias: str
    values: tuple[tuple[str, core.Node], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Do:
    """`do submit by amy`: a command of the tested process and the acting person."""

    command: str
    by: Principal | None
    span: Span


@dataclass(frozen=True, slots=True)
class Change:
    """`change { … }` of the tested record."""

    values: tuple[tuple[str, core.Node], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Wait:
    """`wait 1 day`."""

    length: Length
    span: Span


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect condition`. `text` is what was written.

    The condition is evaluated on a record of the world: its fields are the given names (nested
    mappings), `pending_step` and `reason`; paths start with Hop("test", name, object).
    """

    condition: core.Node
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectError:
    """`expect error "…"`: the last command or change was refused and a message holds the text."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectReason:
    """`expect reason "…"`: the last outcome names this reason."""

    text: str
    span: Span


TestStep = Now | Given | Do | Change | Wait | Expect | ExpectError | ExpectReason


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test of the definition named `of` on `object`."""

    __test__ = False  # for pytest: not a class of tests

    name: str
    of: str
    object: str
    steps: tuple[TestStep, ...]
    span: Span
    ruleset: str
    source: str
