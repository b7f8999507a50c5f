"""Statements that are compiled once and then run on the driver's cursor.

SQLAlchemy makes the text; what it does anew for every call (a cache key of the whole statement,
parameters, a description of the result) costs more than most of our statements take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]
Row = Sequence[Any]
Values = Mapping[str, object]
Executable = sa.Select[Any] | sa.Insert | sa.Update | sa.Delete

CURSOR: Final = "trellis_cursor"
PARAMETER: Final = re.compile(r"%\(([^)]+)\)s")

ALONE: Final = "trellis_alone"
"""The execution option of connections whose statements each stand alone."""


class Ready(str):
    """A value in the form that the driver takes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A statement's text for one database, and what its parameters and columns need.

    `names` are its parameters in their order, `asked` those that need a value, `fixed` the others;
    `takers` give the driver's values of those asked that need it. For PostgreSQL `pieces` are the
    parts of the text between its parameters, and the places of these among `names`.
    """

    text: str
    names: tuple[str, ...]
    asked: tuple[str, ...]
    fixed: Mapping[str, object]
    takers: tuple[tuple[str, Processor], ...]
    pieces: tuple[str | int, ...]
    types: tuple[sa.types.TypeEngine[Any], ...]

    def parameters(self, values: Values) -> tuple[object, ...]:
        """Gives what the driver takes. Raises sa.exc.StatementError for what fits no column."""
        try:
            found = {name: values[name] for name in self.asked}
            for name, taker in self.takers:
                value = found[name]
                if not isinstance(value, Ready):
                    found[name] = taker(value)
            found.update(self.fixed)
            return tuple([found[name] for name in self.names])
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            said = f"({type(error).__name__}) {error}"
            raise sa.exc.StatementError(said, self.text, None, error) from error


Write = tuple["Prepared", Sequence[Values]]
"""A write and the rows of values with which it is run, once for each."""


class Prepared:
    """A statement that is run often. Its text is made at its first run, for the database there.

    PostgreSQL keeps its plan, too, for whatever values come; one that is `planned_anew` is planned
    for its values at each run. That is for reading many rows, where another plan may take ten
    times as long: how many there are of a value, or how long a list of ids is, it cannot know
    before.
    """

    def __init__(
        self,
        statement: Executable,
        columns: Sequence[str] | None = None,
        *,
        planned_anew: bool = False,
    ) -> None:
        self.statement = statement
        self._columns = columns
        self._planned_anew = planned_anew
        self._made: dict[str, Made] = {}
        self._givers: dict[str, tuple[tuple[int, Processor], ...]] = {}

    def rows(self, connection: sa.Connection, values: Values) -> Sequence[Row]:
        """Gives all rows. Raises what SQLAlchemy's `execute` would raise."""
        made = self.made(connection.dialect)
        parameters = made.parameters(values)
        cursor = run(connection, made.text, parameters, planned_anew=self._planned_anew)
        found = cursor.fetchall()
        name = connection.dialect.name
        givers = self._givers.get(name)
        if givers is None:
            givers = self._givers[name] = givers_of(made, connection.dialect, cursor)
        return given(found, givers) if givers and found else found

    def write(self, connection: sa.Connection, values: Values, beside: Sequence[Write] = ()) -> int:
        """Runs a write that gives no rows; says how many it reached.

        Writes `beside` are to other tables. They go along in the same message where the database
        takes that, whatever this one reaches: who wants another number rolls all of it back.
        """
        made = self.made(connection.dialect)
        if beside and connection.dialect.name == "postgresql":
            others = [(one.made(connection.dialect), row) for one, rows in beside for row in rows]
            text = with_beside(made, tuple(other for other, _ in others))
            parameters = made.parameters(values)
            for other, row in others:
                parameters += other.parameters(row)
            return run(connection, text, parameters).rowcount
        reached = run(connection, made.text, made.parameters(values)).rowcount
        write_all(connection, beside)
        return reached

    def write_many(self, connection: sa.Connection, rows: Sequence[Values]) -> int:
        """Runs a write once for each of some rows of values; says how many they reached."""
        if len(rows) < 2:
            return self.write(connection, rows[0]) if rows else 0
        made = self.made(connection.dialect)
        many = [made.parameters(values) for values in rows]
        return run(connection, made.text, many, many=True).rowcount

    def made(self, dialect: sa.Dialect) -> Made:
        """Gives the text and what belongs to it."""
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = make(self.statement, dialect, self._columns)
        return made


def write_all(connection: sa.Connection, writes: Iterable[Write]) -> None:
    """Runs writes one after the other."""
    for statement, rows in writes:
        statement.write_many(connection, rows)


def make(statement: Executable, dialect: sa.Dialect, columns: Sequence[str] | None) -> Made:
    """Compiles a statement. Raises ValueError for one whose text depends on its values."""
    compiled = statement.compile(
        dialect=dialect, column_keys=None if columns is None else [*columns]
    )
    if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params:
        raise ValueError(f"cannot be prepared: {statement}")
    text, pieces = str(compiled), tuple[str | int, ...]()
    names = tuple(compiled.positiontup or ())
    if compiled.positiontup is None:
        names, pieces = numbered(text)
        text = "".join(with_numbers(pieces))
    takers = {}
    fixed: dict[str, object] = {}
    for name in dict.fromkeys(names):
        bound = compiled.binds[name]
        taker = bound.type.dialect_impl(dialect).bind_processor(dialect)
        if taker is not None:
            takers[name] = taker
        if not bound.required:
            value = bound.effective_value
            fixed[name] = value if taker is None else taker(value)
    shown = statement.exported_columns
    types = tuple(column.type for column in shown)
    asked = tuple(name for name in dict.fromkeys(names) if name not in fixed)
    own = tuple((name, takers[name]) for name in asked if name in takers)
    return Made(text, names, asked, fixed, own, pieces, types)


def numbered(text: str) -> tuple[tuple[str, ...], tuple[str | int, ...]]:
    """Gives the names of a text's parameters, and the text in pieces with the places of these.

    PostgreSQL knows parameters by number. The driver would look for the names in each text anew
    (psycopg 3.3 keeps what it found for texts of up to 4096 characters and 50 parameters).
    """
    *parts, rest = PARAMETER.split(text)
    places = {name: place for place, name in enumerate(dict.fromkeys(parts[1::2]))}
    pieces: list[str | int] = []
    for piece, name in zip(parts[::2], parts[1::2], strict=True):
        pieces += (piece.replace("%%", "%"), places[name])
    return tuple(places), (*pieces, rest.replace("%%", "%"))


def with_numbers(pieces: Iterable[str | int], before: int = 0) -> Iterator[str]:
    """Gives the parts of a text whose parameters come after `before` others."""
    for piece in pieces:
        yield piece if isinstance(piece, str) else f"${piece + before + 1}"


@lru_cache(1_000)
def with_beside(made: Made, others: tuple[Made, ...]) -> str:
    """Gives PostgreSQL's text that runs a write with others before it. Its own parameters come
    first, then theirs."""
    parts, before = [], len(made.names)
    for number, other in enumerate(others):
        text = "".join(with_numbers(other.pieces, before))
        parts.append(f"beside_{number} AS ({text})")
        before += len(other.names)
    return f"WITH {', '.join(parts)} {made.text}"


def givers_of(
    made: Made, dialect: sa.Dialect, cursor: DBAPICursor
) -> tuple[tuple[int, Processor], ...]:
    """Gives what turns the driver's values of some columns into ours, by their places."""
    found = []
    for place, (kind, told) in enumerate(zip(made.types, cursor.description or (), strict=True)):
        giver = kind.dialect_impl(dialect).result_processor(dialect, told[1])
        if giver is not None:
            found.append((place, giver))
    return tuple(found)


def given(rows: Sequence[Row], givers: Sequence[tuple[int, Processor]]) -> Sequence[Row]:
    """Gives rows with our values, made column by column."""
    columns: list[Sequence[Any]] = [*zip(*rows, strict=True)]
    for place, giver in givers:
        columns[place] = [*map(giver, columns[place])]
    return [*zip(*columns, strict=True)]


def run(
    connection: sa.Connection,
    text: str,
    parameters: Any,
    *,
    many: bool = False,
    planned_anew: bool = False,
) -> DBAPICursor:
    """Runs a text on the connection's cursor, in its transaction.

    What it gives is to be taken before the next statement runs. Who listens to the connection's
    statements hears of it, and errors are those of SQLAlchemy.
    """
    begin_unless_begun(connection)
    cursor = cursor_of(connection)
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, text, parameters, None, many)
    try:
        if many:
            cursor.executemany(text, parameters)
        elif planned_anew and isinstance(cursor, psycopg.Cursor):
            cursor.execute(text, parameters, prepare=False)
        else:
            cursor.execute(text, parameters)
    except BaseException as error:
        connection.connection.info.pop(CURSOR, None)
        if isinstance(error, connection.dialect.loaded_dbapi.Error):
            raise wrapped(connection, cursor, text, parameters, error) from error
        cursor.close()
        raise
    return cursor


def begin_unless_begun(connection: sa.Connection) -> None:
    """Begins a transaction, as SQLAlchemy does before the first statement."""
    if not connection.in_transaction() and ALONE not in connection.get_execution_options():
        connection.begin()


def ask(connection: sa.Connection, text: str) -> Row | None:
    """Runs a text that has no parameters; gives the first row of its last statement.

    On PostgreSQL it may hold several statements and begin a transaction. It is for what every
    request asks: there it takes half the time that a cursor does.
    """
    if connection.dialect.name != "postgresql":
        row: Row | None = run(connection, text, ()).fetchone()
        return row
    begin_unless_begun(connection)
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, None, text, (), None, False)
    driver: Any = connection.connection.dbapi_connection
    try:
        result = driver.pgconn.exec_(text.encode())
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result)
    except psycopg.Error as error:
        raise wrapped(connection, None, text, (), error) from error
    reader = Transformer(driver)
    reader.set_pgresult(result)
    return reader.load_rows(0, 1, tuple)[0] if result.ntuples else None


def cursor_of(connection: sa.Connection) -> DBAPICursor:
    """Gives the cursor on which the statements of one connection to the database take turns.

    To make one for each costs as much as a small statement. PostgreSQL's takes texts as they are.
    """
    pooled = connection.connection
    found: DBAPICursor | None = pooled.info.get(CURSOR)
    if found is None:
        raw = getattr(connection.dialect.loaded_dbapi, "RawCursor", None)
        found = raw(pooled.dbapi_connection) if raw else pooled.cursor()
        pooled.info[CURSOR] = found
    return found


def wrapped(
    connection: sa.Connection,
    cursor: DBAPICursor | None,
    text: str,
    parameters: Any,
    error: Exception,
) -> BaseException:
    """Gives the driver's error as SQLAlchemy's; a connection that is lost is given up."""
    dialect = connection.dialect
    pooled: Any = connection.connection
    is_lost = dialect.is_disconnect(error, pooled, cursor)  # type: ignore[arg-type]  # any error
    if is_lost:
        connection.invalidate(error)
    elif cursor is not None:
        cursor.close()
    return sa.exc.DBAPIError.instance(
        text,
        parameters,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
