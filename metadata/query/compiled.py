"""What all reads of records share: a principal's paths, and what was compiled for such rights."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import sqlalchemy as sa

from metadata.access import Principal
from metadata.encryption import find_cipher
from metadata.problems import Problem
from metadata.query.answers import Moment, QueryProblem, UnknownObject
from metadata.query.filter import resolve_filter
from metadata.query.lifted import NO_CONDITION, Lifted, lift
from metadata.query.paths import Paths, ResolvedPath
from metadata.query.question import Question, Resolved, resolve_question
from metadata.query.rows import RowQuery
from metadata.query.run import Runner
from metadata.query.tables import PermittedTables
from metadata.query.visible import visible_schema
from rule_engine.types import Schema

if TYPE_CHECKING:
    from metadata.catalog import Catalog

Made = TypeVar("Made")
Record = dict[str, object]


class Watch(Protocol):
    """Hears what is given out of the records of an object."""

    def records(self, object_name: str, records: Sequence[Record]) -> None:
        """Hears of records, by the paths that were asked for."""

    def groups(self, object_name: str, paths: Sequence[str]) -> None:
        """Hears that groups of records are told of, by the paths to what they show."""


class CompiledReads:
    """Compiles and runs queries for one principal on one connection."""

    def __init__(
        self,
        catalog: Catalog,
        connection: sa.Connection,
        principal: Principal,
        moment: Moment,
        watch: Watch | None = None,
    ) -> None:
        self.catalog = catalog
        self.principal = principal
        self.paths = Paths(catalog, principal)
        self._dialect = connection.dialect.name
        self._run = Runner(catalog, connection, principal, moment)
        self._watch = watch

    @cached_property
    def schema(self) -> Schema:
        """The schema as the principal sees it."""
        return visible_schema(self.catalog.schema, self.principal)

    def _demand(self, object_name: str) -> None:
        access = self.principal.access
        if object_name not in self.catalog.objects or not access(object_name).exists:
            known = [name for name in self.catalog.objects if access(name).exists]
            raise UnknownObject(object_name, known)

    def _shown(self, object_name: str, records: Sequence[Record]) -> None:
        if self._watch is not None and records:
            self._watch.records(object_name, records)

    def _question(self, object_name: str, fields: Sequence[str] | None) -> Question:
        self._demand(object_name)
        return Question(object_name, None if fields is None else tuple(fields))

    def _resolve(self, question: Question, others: Sequence[Problem] = ()) -> Resolved:
        return resolve_question(question, self.paths, self.schema, others)

    def _lifted(self, question: Question) -> Lifted:
        """Gives a question's filter with its values apart; raises all that is wrong with both."""
        text = question.filter
        if not text or not text.strip():
            return NO_CONDITION

        def lift_now(_: PermittedTables) -> Lifted:
            try:
                node = resolve_filter(text, self.schema, question.object, question.this)
            except QueryProblem:
                self._resolve(question)
                raise
            return lift(node, self.catalog.schema, self._dialect)

        return self._made(("filter", question.object, text, question.this), Lifted, lift_now)

    def _made(
        self, key: Hashable, kind: type[Made], make: Callable[[PermittedTables], Made]
    ) -> Made:
        """Gives what was compiled for everybody with rights of the same shape."""

        def compile_now() -> Made:
            cipher = find_cipher(self._run.connection)
            return make(PermittedTables(self.catalog, self._dialect, self.principal, cipher))

        return self.catalog.queries.get(
            (self._dialect, self.principal.profile, key), kind, compile_now
        )

    def _read(self, query: RowQuery, values: Mapping[str, object]) -> tuple[Record, ...]:
        rows = self._run(query.statement, query.bound, values)
        return tuple(query.selection.read(row, self._run.connection) for row in rows)

    def _known(self, object_name: str, field: str) -> ResolvedPath:
        path = self.paths.resolve(object_name, field, "field", whole=True)
        if isinstance(path, Problem):
            raise QueryProblem([path])
        return path

    def _name_path(self, object_name: str) -> ResolvedPath | None:
        self._demand(object_name)
        name = self.catalog.objects[object_name].name_field
        path = self.paths.resolve(object_name, name, "search", whole=True)
        return None if isinstance(path, Problem) else path
