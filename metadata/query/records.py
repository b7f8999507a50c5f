"""The one door to records: every read goes through here, with somebody's rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from metadata.access import Principal
from metadata.problems import Problem
from metadata.query.answers import Count, Missing, Moment, Page, QueryProblem, Target, UnknownObject
from metadata.query.listing import list_page
from metadata.query.paths import Paths, ResolvedPath, Source
from metadata.query.question import Question, Resolved, resolve_question
from metadata.query.run import Runner
from metadata.query.search import contains
from metadata.query.selection import FOLD, Selection, whole_record
from metadata.query.tables import PermittedTables, alive, one_of
from metadata.query.visible import visible_schema
from rule_engine.text import fold

if TYPE_CHECKING:
    from metadata.catalog import Catalog

MAX_LOOKUP = 50


class Records:
    """Reads records for one principal on one connection.

    Records are dicts of Python values by path (`name`, `account.name`), always with `id` and
    `version`. Deleted rows, rows out of reach and hidden fields do not exist. Every method raises
    UnknownObject for an object that does not exist for the principal.
    """

    def __init__(
        self, catalog: Catalog, connection: sa.Connection, principal: Principal, moment: Moment
    ) -> None:
        self.catalog = catalog
        self.principal = principal
        self.tables = PermittedTables(catalog, connection.dialect.name, principal)
        self.paths = Paths(catalog, principal)
        self.schema = visible_schema(catalog.schema, principal)
        self._run = Runner(catalog, connection, principal, moment)

    def get(
        self, object_name: str, record_id: str, fields: Sequence[str] | None = None
    ) -> dict[str, object] | None:
        """Gives one record, or None. Without `fields`: all that the principal sees."""
        resolved = self._resolve(Question(object_name, fields))
        source = self._source(object_name)
        found = self._select(source, resolved.fields, source.root.c.id == record_id)
        return found[0] if found else None

    def list(
        self,
        object_name: str,
        *,
        fields: Sequence[str] | None = None,
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        sort: Sequence[str] = (),
        after: str | None = None,
        limit: int = 50,
        count: Count = "none",
        search: str | None = None,
        match: Mapping[str, object] | None = None,
    ) -> Page:
        """Gives one page of the records that fulfil filter, search and match.

        `sort` holds paths, with `-` for descending; without any the order is that of creation.
        `match` asks for equality with Python values by field (None: empty), for lists that
        belong to a record. Raises QueryProblem with everything that is wrong.
        """
        question = Question(object_name, fields, filter, tuple(sort), after, limit, count, search)
        return list_page(self._resolve(question, match or {}), self.tables, self._run)

    def lookup(self, object_name: str, text: str, limit: int = 20) -> tuple[tuple[str, str], ...]:
        """Gives id and name of records whose name contains a text, those starting with it first."""
        name = self._name_path(object_name)
        if name is None or FOLD not in name.field.type.parts:
            return ()
        source = self._source(object_name)
        folded, word = source.column(name, FOLD), fold(text).strip()
        starts = sa.case((folded.startswith(word, autoescape=True), 0), else_=1)
        statement = (
            sa.select(source.root.c.id, source.column(name))
            .where(*self.tables.conditions(source.root, object_name), contains(folded, word))
            .order_by(starts, folded, source.root.c.id)
            .limit(max(1, min(limit, MAX_LOOKUP)))
        )
        return tuple((row[0], row[1]) for row in self._run(statement))

    def names(self, object_name: str, ids: Iterable[str]) -> dict[str, str]:
        """Gives the names of records by id; those out of reach are absent."""
        name = self._name_path(object_name)
        if name is None:
            return {}
        found = self._by_ids(object_name, ids, (name,))
        return {str(one["id"]): str(one[name.text] or "") for one in found}

    def by_ids(
        self, object_name: str, ids: Iterable[str], fields: Sequence[str] | None = None
    ) -> dict[str, dict[str, object]]:
        """Gives records by id in one statement; those out of reach are absent."""
        resolved = self._resolve(Question(object_name, fields))
        return {str(one["id"]): one for one in self._by_ids(object_name, ids, resolved.fields)}

    def children(
        self,
        object_name: str,
        field: str,
        ids: Iterable[str],
        fields: Sequence[str] | None = None,
    ) -> dict[str, tuple[dict[str, object], ...]]:
        """Gives by id the records of `object_name` whose reference `field` leads there.

        One statement; each group is in the order of creation.
        """
        chosen = None if fields is None else [*fields, field]
        resolved = self._resolve(Question(object_name, chosen))
        source = self._source(object_name)
        wanted = self._among(source.column(self._known(object_name, field)), ids)
        grouped: dict[str, tuple[dict[str, object], ...]] = {}
        for record in self._select(source, resolved.fields, wanted):
            key = str(record[field])
            grouped[key] = (*grouped.get(key, ()), record)
        return grouped

    def get_for_change(
        self, object_name: str, record_id: str, action: str, *, deleted: bool = False
    ) -> Target:
        """Gives a readable row for a change by `action`, locked on PostgreSQL until the commit.

        The record holds every field, whatever the field rights: it is for saving, not for
        showing. `deleted` looks among deleted rows instead. Raises Missing.
        """
        self._demand(object_name)
        source = self._source(object_name)
        root = source.root
        selection = Selection(source, whole_record(self.catalog.objects[object_name]))
        allowed = self.tables.reach(root, object_name, action)
        readable = self.tables.reach(root, object_name, "read")
        statement = (
            sa.select(*selection.columns, (sa.true() if allowed is None else allowed).label("may"))
            .where(root.c.id == record_id, ~alive(root) if deleted else alive(root))
            .with_for_update(of=root)
        )
        rows = self._run(statement if readable is None else statement.where(readable))
        if not rows:
            raise Missing(object_name, record_id)
        return Target(selection.read(rows[0]), bool(rows[0][-1]))

    def reaches(self, object_name: str, record_id: str, action: str) -> bool:
        """Says whether an action is allowed on a readable record."""
        self._demand(object_name)
        root = self._source(object_name).root
        rules = [
            *self.tables.conditions(root, object_name),
            *self.tables.conditions(root, object_name, action),
        ]
        return bool(self._run(sa.select(root.c.id).where(root.c.id == record_id, *rules)))

    def check(
        self,
        object_name: str,
        *,
        fields: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        sort: Sequence[str] = (),
    ) -> tuple[Problem, ...]:
        """Gives what is wrong with a view's settings; no statement runs."""
        try:
            self._resolve(Question(object_name, fields, filter, tuple(sort)))
        except QueryProblem as problem:
            return problem.problems
        return ()

    def _demand(self, object_name: str) -> None:
        known = [name for name in self.catalog.objects if self.principal.access(name).exists]
        if object_name not in known:
            raise UnknownObject(object_name, known)

    def _source(self, object_name: str) -> Source:
        return Source(self.tables, object_name)

    def _resolve(self, question: Question, match: Mapping[str, object] | None = None) -> Resolved:
        self._demand(question.object)
        return resolve_question(question, self.paths, self.schema, match or {})

    def _select(
        self, source: Source, paths: Sequence[ResolvedPath], wanted: sa.ColumnElement[bool]
    ) -> tuple[dict[str, object], ...]:
        selection = Selection(source, paths)
        rules = self.tables.conditions(source.root, source.object)
        statement = sa.select(*selection.columns).select_from(source.clause).where(wanted, *rules)
        rows = self._run(statement.order_by(source.root.c.id))
        return tuple(selection.read(row) for row in rows)

    def _by_ids(
        self, object_name: str, ids: Iterable[str], paths: Sequence[ResolvedPath]
    ) -> tuple[dict[str, object], ...]:
        source = self._source(object_name)
        return self._select(source, paths, self._among(source.root.c.id, ids))

    def _among(self, column: sa.ColumnElement[Any], ids: Iterable[str]) -> sa.ColumnElement[bool]:
        return one_of(column, frozenset(ids), self.tables.dialect, drives=True)

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
