"""The checked expression: names resolved, sugar removed, every node typed.

`check` turns the parsed tree (`tree`) into these nodes; back ends and services know only these.
What the surface has and this does not: defines and tables are put in place, `between` is two
comparisons, `not in` and the like are `Not` of the positive form, windows and `older than` are
comparisons with `Parameter("now")` or `Parameter("today")` shifted by a constant length, a date
beside an instant is wrapped in `LocalInstant`, choices in order compare their places in the list
of options (an `OptionAttribute` named "position" against a number).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

from rule_engine.errors import Span
from rule_engine.types import Type


class Scope(StrEnum):
    """Whose fields a path starts from."""

    RECORD = "record"  # the record at hand; inside an aggregate, the related record
    OUTER = "outer"  # inside an aggregate: the record the aggregate belongs to (`this.`)
    OLD = "old"  # the record before the change
    USER = "user"  # the acting person


@dataclass(frozen=True, slots=True)
class Node:
    """Any checked expression. `nullable` says whether it can come out empty."""

    type: Type
    nullable: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal in its Python form (see types.Kind). None is empty; lists are tuples."""

    value: object


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """A value fixed once per run: `now` or `today`."""

    name: str


@dataclass(frozen=True, slots=True)
class Given(Node):
    """A value that comes with each run of a statement, as its parameter `name`; never empty.

    Made of a Constant for SQL alone: clean text beside a comparison, folded text beside a test.
    """

    name: str


@dataclass(frozen=True, slots=True)
class LocalInstant(Node):
    """The instant at which `date` (type DATE) has the clock time `at` in the organisation's zone.

    Made for a date beside an instant (midnight) and for date-times written without an offset.
    """

    date: Node
    at: time


@dataclass(frozen=True, slots=True)
class Hop:
    """One step over a reference: `field` of `source` refers to a record of `target`."""

    source: str
    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A field of `object`, reached over `hops`. `object` is the object that has `field`.

    The acting person itself (`user`) is Path(USER, hops=(), object="user", field="id") of type
    REFERENCE to "user".
    """

    scope: Scope
    hops: tuple[Hop, ...]
    object: str
    field: str


@dataclass(frozen=True, slots=True)
class OptionAttribute(Node):
    """An attribute of the chosen option (`stage.probability`): option value → constant."""

    path: Path
    attribute: str
    values: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`left op right`; op is one of = != < <= > >=. Both sides have comparable types."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class IsEmpty(Node):
    """True when the operand has no value."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`item in items`; items is a list's nodes. Empty items never match."""

    item: Node
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Contains(Node):
    """A multi-choice value holds an option (`tags contains "x"`, `"x" in tags`)."""

    collection: Node
    item: Node


@dataclass(frozen=True, slots=True)
class TextTest(Node):
    """`kind` is contains, starts or ends; literal, by full case folding; false for empty sides."""

    kind: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Matches(Node):
    """An unanchored RE2 search. Not translatable to SQL."""

    operand: Node
    pattern: str


@dataclass(frozen=True, slots=True)
class Changed(Node):
    """The path's value differs between OLD and RECORD; `before`/`after` narrow it when given."""

    path: Path
    before: Node | None
    after: Node | None


@dataclass(frozen=True, slots=True)
class AllOf(Node):
    """`and` of two or more conditions, in order."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(Node):
    """`or` of two or more conditions, in order."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The exact negation; an empty operand counts as false."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`left op right` with op one of + - * /. Empty when a side is empty or the divisor is 0."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate(Node):
    """Unary minus."""

    operand: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if condition then … else …`; both branches have this node's type."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Case(Node):
    """The value of the first arm (condition, value) whose condition holds; else `otherwise`.

    Made from decision tables; may have a thousand arms. All values have this node's type. `name` is
    what the table's result is called.
    """

    arms: tuple[tuple[Node, Node], ...]
    otherwise: Node
    name: str = ""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of the registry (`functions/<name>.py`), arguments already checked."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """`function` over the records of `target` whose `field` refers to the record at hand.

    function: count sum min max avg any all none latest join. `hops` lead from the record of `scope`
    to the record of `owner` that the link starts at. Inside `argument`, `where` and `order`, RECORD
    is the related record and OUTER what RECORD was outside. `argument` is None for count of
    records; any, all and none keep their condition in `where` (None: every record); `order` is what
    `by` named (latest: the greatest wins; join: ascending; None: by creation); `separator` belongs
    to join.
    """

    function: str
    scope: Scope
    hops: tuple[Hop, ...]
    owner: str
    link: str
    target: str
    field: str
    argument: Node | None
    where: Node | None
    order: Node | None
    separator: str = ""


def children(node: Node) -> Sequence[Node]:
    """Gives the nodes directly inside a node, in written order."""
    found: list[Node] = []
    kind: Any = type(node)
    for name in _member_names(kind):
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif value is not None:
            found += _nodes(value)
    return found


@cache
def _member_names(kind: type[Any]) -> tuple[str, ...]:
    """Gives the members that can hold nodes, by their types."""
    return tuple(name for name, hint in get_type_hints(kind).items() if _can_hold_nodes(hint))


def _can_hold_nodes(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, Node):
        return True
    return any(map(_can_hold_nodes, get_args(hint)))


def walk(node: Node) -> Iterator[Node]:
    """Gives a node and everything inside it, outermost first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def size(node: Node) -> tuple[int, int]:
    """Gives how many nodes there are, this one too, and how many lie inside each other at most.

    One that stands in several places counts in each, but is looked at once.
    """
    known: dict[int, tuple[int, int]] = {}
    pending = [node]
    while pending:
        current = pending[-1]
        inner = children(current)
        unknown = [child for child in inner if id(child) not in known]
        if unknown:
            pending += unknown
            continue
        sizes = [known[id(child)] for child in inner]
        levels = max((level for _, level in sizes), default=0)
        known[id(current)] = 1 + sum(count for count, _ in sizes), 1 + levels
        pending.pop()
    return known[id(node)]


def _nodes(items: tuple[object, ...]) -> Iterator[Node]:
    for item in items:
        if isinstance(item, Node):
            yield item
        elif isinstance(item, tuple):
            yield from _nodes(item)
