"""What a database lacks, or has otherwise than the definitions say, and adding what is missing.

Alembic compares. On SQLite only what it can tell there: tables and columns, types by their
affinity (`VARCHAR(40)` and `TEXT` are one). Indexes are compared by name. Tables that nobody asks
about (those of Flask-AppBuilder, of other programs) are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.schema import CreateIndex

from metadata.alter import AddColumn
from metadata.catalog import Catalog
from metadata.fields.base import BASE
from metadata.problems import Problem, sentence
from metadata.steps import open_steps
from metadata.store import META_STEP
from metadata.stored_tables import STORE
from metadata.system_fields import SYSTEM_FIELDS

COMPARISONS: Final = [f"alembic.autogenerate.{name}" for name in ("schemas", "tables", "types")]
"""Not constraints, which it compares by what SQLite cannot tell, nor comments and defaults."""

Kind = Literal["table", "column", "index", "type", "extra"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `name` is the column or index, "" for a whole table.

    `repair` makes what is missing; None for what takes more than adding.
    """

    kind: Kind
    table: str
    name: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    repair: sa.schema.ExecutableDDLElement | sa.Table | None = None

    @property
    def is_harmless(self) -> bool:
        """Says whether everything works all the same."""
        return self.kind == "extra"

    def sentence(self, language: str = "en") -> str:
        """Gives what is wrong and what to do about it."""
        values = {"table": self.table, "name": self.name, **self.values}
        is_stuck = self.kind == "column" and self.repair is None
        code = "drift_not_null" if is_stuck else f"drift_{self.kind}"
        return sentence(Problem("", code, values), language)


def wanted_tables(catalog: Catalog, *more: sa.MetaData) -> list[sa.Table]:
    """Gives the tables of definitions, of all objects, and of further collections."""
    return [
        *(table for metadata in (STORE, *more) for table in metadata.sorted_tables),
        *catalog.tables.values(),
    ]


def find_drift(connection: sa.Connection, tables: Iterable[sa.Table]) -> list[Drift]:
    """Gives where a database differs from the tables it should have, by table and name.

    Indexes that are still to be built are no difference.
    """
    wanted = {table.name: table for table in tables}
    found = [*compare_columns(connection, wanted), *compare_indexes(connection, wanted)]
    return sorted(found, key=lambda drift: (drift.table, drift.name))


def compare_columns(connection: sa.Connection, wanted: Mapping[str, sa.Table]) -> Iterator[Drift]:
    """Gives the tables and columns that are missing, too many, or of another type."""

    def is_ours(thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        if kind == "table":
            return name in wanted
        return kind == "column" and thing.table.name in wanted

    options = {
        "include_object": is_ours,
        "compare_type": differs,
        "autogenerate_plugins": COMPARISONS,
    }
    context = MigrationContext.configure(connection, opts=options)
    collections = list({id(table.metadata): table.metadata for table in wanted.values()}.values())
    # One metadata is what its type says; it takes several.
    for found in compare_metadata(context, cast("sa.MetaData", collections)):
        for difference in found if isinstance(found, list) else [found]:
            yield from as_drift(difference, wanted)


def as_drift(difference: Sequence[Any], wanted: Mapping[str, sa.Table]) -> Iterator[Drift]:
    """Gives one of Alembic's differences in our words; nothing for those that do not matter."""
    match difference:
        case ("add_table", table):
            yield Drift("table", table.name, repair=wanted[table.name])
        case ("add_column", _, table, column):
            fits = column.nullable or column.server_default is not None
            ours = wanted[table].columns[column.name]
            yield Drift("column", table, column.name, repair=AddColumn(ours) if fits else None)
        case ("remove_column", _, table, column):
            yield Drift("extra", table, column.name)
        case ("modify_type", _, table, name, _, there, asked):
            yield Drift("type", table, name, {"there": str(there), "wanted": str(asked)})


def differs(
    context: MigrationContext,
    _found: sa.Column[Any],
    _wanted: sa.Column[Any],
    there: sa.types.TypeEngine[Any],
    asked: sa.types.TypeEngine[Any],
) -> bool | None:
    """Says whether two types keep values differently on SQLite; leaves it to Alembic elsewhere."""
    if context.dialect.name != "sqlite":
        return None
    return affinity(there.compile(context.dialect)) != affinity(asked.compile(context.dialect))


def affinity(name: str) -> str:
    """Gives what SQLite makes of a declared type: https://sqlite.org/datatype3.html 3.1."""
    upper = name.upper()
    rules = (("INTEGER", ("INT",)), ("TEXT", ("CHAR", "CLOB", "TEXT")), ("BLOB", ("BLOB",)))
    reals = ("REAL", ("REAL", "FLOA", "DOUB"))
    found = (kind for kind, parts in (*rules, reals) if any(part in upper for part in parts))
    return next(found, "NUMERIC")


def compare_indexes(connection: sa.Connection, wanted: Mapping[str, sa.Table]) -> Iterator[Drift]:
    """Gives the indexes that are missing on tables that are there."""
    inspector = sa.inspect(connection)
    known = set(inspector.get_table_names())
    later = {step.name for step in open_steps(connection)} if META_STEP.name in known else set()
    for table in wanted.values():
        if table.name not in known:
            continue
        there = {index["name"] for index in inspector.get_indexes(table.name)}
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        for index in table.indexes:
            if index.name not in there and index.name not in later:
                name = str(index.name)
                buildable = {column.name for column in index.columns} <= columns
                yield Drift(
                    "index", table.name, name, repair=CreateIndex(index) if buildable else None
                )


def repair(
    connection: sa.Connection,
    tables: Iterable[sa.Table],
    only: Callable[[Drift], bool] = lambda _drift: True,
) -> tuple[list[Drift], list[Drift]]:
    """Adds what is missing, as far as `only` says so; gives what was added and what is left.

    A unique index that the rows break is left too.
    """
    wanted = list(tables)
    added: list[Drift] = []
    while True:  # an index may need a column first
        left = find_drift(connection, wanted)
        made = [
            drift
            for drift in left
            if drift.repair is not None and only(drift) and add(connection, drift.repair)
        ]
        if not made:
            return added, left
        added.extend(made)


def is_systems(drift: Drift) -> bool:
    """Says whether what is missing came with a newer version of the product, for all objects."""
    match drift.repair:
        case AddColumn(column=column):
            return column.name in SYSTEM_FIELDS or is_worth(column.name)
        case CreateIndex(element=index):
            names = [column.name for column in index.columns]
            return all(name in SYSTEM_FIELDS or is_worth(name) for name in names)
    return False


def is_worth(column: str) -> bool:
    """Says whether a column keeps what amounts are worth in the base currency."""
    return column.endswith(f"${BASE}")


def add(connection: sa.Connection, what: sa.schema.ExecutableDDLElement | sa.Table) -> bool:
    """Makes one thing; gives False when the rows that are there do not allow it."""
    try:
        with connection.begin_nested():
            if isinstance(what, sa.Table):
                what.create(connection)
            else:
                connection.execute(what)
    except sa.exc.IntegrityError:
        return False
    return True
