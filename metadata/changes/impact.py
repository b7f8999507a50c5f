"""What a plan means before it is published: rows, values lost, and everything that mentions it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.changes.rows import holds, option_problems
from metadata.conversion import Conversion, Tally, find_conversions, preview
from metadata.ddl import index_name
from metadata.diff import Plan
from metadata.fields.base import UTC, FieldDefinition
from metadata.mentions.find import Mention, Mentions, all_mentions
from metadata.objects import ObjectDefinition
from metadata.operations import Operation
from metadata.preflight import TablePair, count, pair_tables, preflight
from metadata.problems import Problem
from metadata.steps import is_built_later
from rule_engine.check.mentions import Thing

MENTIONED: Final = frozenset(
    {"retire_object", "retire_field", "rename_object", "rename_field", "convert_field"}
    | {"change_field", "rename_option", "replace_option", "remove_option"}
)
"""Kinds of operations for which it matters who names their object, field or option."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What one operation means: rows it reaches, values that do not convert, and mentions.

    `tally` says how the values of a conversion fare. `later` is the index that is built only after
    publishing, since the table is big; for one that makes values unique that is worth knowing.
    """

    rows: int = 0
    lost: int = 0
    mentions: tuple[Mention, ...] = ()
    tally: Tally | None = None
    later: Problem | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A plan measured against the database.

    `impacts` are in the order of the operations; `lossy` names the fields that lose values, and
    `problems` are the rows that stand in the way.
    """

    impacts: tuple[Impact, ...]
    lossy: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Measuring:
    """What is known while a plan is measured."""

    connection: sa.Connection
    before: Catalog
    pairs: Mapping[str, TablePair]
    conversions: Mapping[str, Conversion]
    mentions: Mentions
    zone: ZoneInfo
    later: Mapping[str, bool] = field(default_factory=dict)
    lossy: list[str] = field(default_factory=list)


def measure(
    connection: sa.Connection, before: Catalog, plan: Plan, zone: ZoneInfo = UTC
) -> Measured:
    """Gives what a plan means for what is in the database; changes nothing.

    With problems among the objects no rows are counted: the tables cannot be known.
    """
    pairs: list[TablePair] = []
    conversions: list[Conversion] = []
    if not any(problem.path.startswith("/objects/") for problem in plan.problems):
        after = build_catalog(before.version, plan.elements, previous=before)
        pairs = pair_tables(before, after)
        conversions = find_conversions(before, after)
    wanted = any(operation.kind in MENTIONED for operation in plan.operations)
    measuring = Measuring(
        connection,
        before,
        {pair.definition.id: pair for pair in pairs},
        {found.target.id: found for found in conversions},
        all_mentions(before.elements, before.schema) if wanted else {},
        zone,
        later_indexes(connection, pairs),
    )
    impacts = tuple(impact_of(measuring, operation) for operation in plan.operations)
    problems = [
        found
        for pair in pairs
        for found in (*preflight(connection, pair), *option_problems(connection, pair))
    ]
    return Measured(impacts, tuple(dict.fromkeys(measuring.lossy)), tuple(problems))


def impact_of(measuring: Measuring, operation: Operation) -> Impact:
    """Gives what one operation means."""
    mentions = tuple(mentions_of(measuring, operation))
    conversion = measuring.conversions.get(operation.element)
    if operation.kind == "convert_field" and conversion is not None:
        tally = preview(measuring.connection, conversion, measuring.zone)
        if tally.lost:
            measuring.lossy.append(operation.place)
        return Impact(tally.rows, tally.lost, mentions, tally)
    later = later_of(measuring, operation)
    return Impact(rows_of(measuring, operation), 0, mentions, later=later)


def later_indexes(connection: sa.Connection, pairs: Sequence[TablePair]) -> dict[str, bool]:
    """Gives the names of new indexes of big tables, with whether they make values unique."""
    return {
        str(index.name): bool(index.unique)
        for pair in pairs
        if pair.before is not None and pair.added_indexes
        if is_built_later(connection, pair.before)
        for index in pair.added_indexes
    }


def later_of(measuring: Measuring, operation: Operation) -> Problem | None:
    """Gives what is to be said of an operation whose index is built after publishing."""
    names = [str(operation.detail.get("index"))]
    if operation.kind in {"add_field", "convert_field"}:
        names += [index_name(prefix, operation.element) for prefix in ("ux", "ix")]
    found = [measuring.later[name] for name in names if name in measuring.later]
    return Problem("", "unique_later" if any(found) else "index_later") if found else None


def rows_of(measuring: Measuring, operation: Operation) -> int:
    """Gives how many living rows an operation reaches."""
    pair = pair_of(measuring, operation)
    if pair is None or pair.before is None:
        return 0
    table, living = pair.before, pair.before.c.deleted_at.is_(None)
    known = pair.fields_before.get(operation.element)
    match operation.kind:
        case "retire_object" | "restore_object" | "rename_object":
            return count(measuring.connection, table, living)
        case "add_field" if any(one.id == operation.element for one in pair.new_fields):
            filled = [one for one in pair.new_fields if one.id == operation.element]
            demanded = filled[0].required and filled[0].default is not None
            return count(measuring.connection, table, living) if demanded else 0
        case "retire_field" | "restore_field" | "rename_field" if is_stored(known, table):
            column = table.c[known.column]  # type: ignore[union-attr]  # is_stored has looked
            return count(measuring.connection, table, living & column.is_not(None))
        case "rename_option" | "replace_option" | "remove_option" if is_stored(known, table):
            value = str(operation.detail.get("was") or operation.detail.get("option"))
            chosen = holds(measuring.connection, table.c[known.column], value)  # type: ignore[union-attr]  # as above
            return count(measuring.connection, table, living & chosen)
    return 0


def is_stored(known: FieldDefinition | None, table: sa.Table) -> bool:
    """Says whether a field has a column in a table."""
    return known is not None and known.column in table.c


def pair_of(measuring: Measuring, operation: Operation) -> TablePair | None:
    """Gives the tables that an operation is about."""
    for pair in measuring.pairs.values():
        if pair.definition.name == operation.object:
            return pair
    return None


def mentions_of(measuring: Measuring, operation: Operation) -> Iterator[Mention]:
    """Gives the places that name what an operation changes, by its name until now."""
    if operation.kind not in MENTIONED:
        return
    places = [
        mention
        for thing in things_of(measuring, operation)
        for mention in measuring.mentions.get(thing, ())
    ]
    yield from dict.fromkeys(places)


def things_of(measuring: Measuring, operation: Operation) -> Sequence[Thing]:
    """Gives what an operation changes, by the names until now."""
    element = str(operation.detail.get("source") or operation.element)
    for definition in (*measuring.before.objects.values(), *measuring.before.retired.values()):
        if definition.id == operation.element and not operation.field:
            return things_of_object(measuring, definition)
        known = next((one for one in definition.own_fields if one.id == element), None)
        if known is None:
            continue
        if operation.kind.endswith("_option"):
            value = str(operation.detail.get("was") or operation.detail.get("option"))
            return [Thing("option", f"{definition.name}.{known.name}", value)]
        if operation.kind == "change_field" and not changes_meaning(operation):
            return []
        return [Thing("field", definition.name, known.name)]
    return []


def changes_meaning(operation: Operation) -> bool:
    """Says whether other keywords than titles and looks are changed."""
    plain = {"title", "description", "help", "placeholder", "renamed_from", "index", "track"}
    keys = operation.detail.get("keys")
    return isinstance(keys, (list, tuple)) and not plain.issuperset(map(str, keys))


def things_of_object(measuring: Measuring, definition: ObjectDefinition) -> list[Thing]:
    """Gives an object, and the ways over which other objects reach it."""
    found = [Thing("object", "", definition.name)]
    for owner, links in measuring.before.links.items():
        found += [
            Thing("link", owner, link.name)
            for link in links.values()
            if link.target == definition.name
        ]
    return found
