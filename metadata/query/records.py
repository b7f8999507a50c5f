"""The one door to records: every read goes through here, with somebody's rights."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from metadata.access import Principal
from metadata.columns import place_of
from metadata.encryption import cipher_of, find_cipher
from metadata.fields.nested import MAX_NESTED
from metadata.problems import Problem
from metadata.query.answers import (
    Count,
    Missing,
    Moment,
    Page,
    QueryProblem,
    Target,
    This,
    UnknownObject,
)
from metadata.query.filter import resolve_filter
from metadata.query.listing import Listing, read_page
from metadata.query.nested import as_row, fill, shown_paths, split_fields
from metadata.query.paths import Paths, ResolvedPath
from metadata.query.profile import profile_digest
from metadata.query.question import Question, Resolved, resolve_question
from metadata.query.rows import (
    IDS,
    RECORD_ID,
    RowQuery,
    one_row,
    row_for_change,
    row_in_reach,
    rows_among,
    rows_ever,
    rows_named,
    rows_of_each,
)
from metadata.query.run import Runner, this_values
from metadata.query.search import beginning, contained, read_words
from metadata.query.selection import FOLD
from metadata.query.tables import PermittedTables, alive
from metadata.query.visible import visible_schema
from rule_engine.text import fold

if TYPE_CHECKING:
    from metadata.catalog import Catalog

MAX_LOOKUP = 50

Made = TypeVar("Made")
Record = dict[str, object]


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
        self.paths = Paths(catalog, principal)
        self.schema = visible_schema(catalog.schema, principal)
        self._dialect = connection.dialect.name
        self._profile = profile_digest(catalog.queries, principal)
        self._run = Runner(catalog, connection, principal, moment)

    def get(
        self,
        object_name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        nested: bool = False,
    ) -> Record | None:
        """Gives one record, or None. Without `fields`: all that the principal sees.

        Rows and links are among these only with `nested`.
        """
        fields, inner = split_fields(self, object_name, fields, everything=nested)
        question = self._question(object_name, fields)
        query = self._made(
            ("one", question),
            RowQuery,
            lambda tables: one_row(tables, object_name, self._resolve(question).fields),
        )
        found = fill(self, object_name, self._read(query, {RECORD_ID: record_id}), inner)
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
        this: This | None = None,
    ) -> Page:
        """Gives one page of the records that fulfil filter, search and match.

        `sort` holds paths, with `-` for descending; without any the order is that of creation.
        `match` asks for equality with Python values by field (None: empty), for lists that
        belong to a record; `this` is the record that `this.` means in the filter. Raises
        QueryProblem with everything that is wrong.
        """
        self._demand(object_name)
        fields, inner = split_fields(self, object_name, fields, everything=False)
        words, values = read_words(search), match or {}
        too_long = [words] if isinstance(words, Problem) else []
        asked = () if words is None or isinstance(words, Problem) else words
        question = Question(
            object=object_name,
            fields=None if fields is None else tuple(fields),
            filter=filter,
            sort=tuple(sort),
            limit=limit,
            count=count,
            words=None if words is None else len(asked),
            match=tuple((name, value is None) for name, value in values.items()),
            this=None if this is None else this.object_name,
        )
        if too_long:
            self._resolve(question, too_long)
        listing = self._made(
            ("list", question),
            Listing,
            lambda tables: Listing(self._resolve(question), tables),
        )
        around = this_values(self.catalog, this)
        page = read_page(listing, self._run, after, asked, values, around)
        return replace(page, items=fill(self, object_name, page.items, inner))

    def lookup(
        self,
        object_name: str,
        text: str,
        limit: int = 20,
        *,
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        this: This | None = None,
    ) -> tuple[tuple[str, str], ...]:
        """Gives id and name of records whose name contains a text, those starting with it first.

        `filter` and `this` are those of `list`; raises QueryProblem for what is wrong with them.
        """
        name, most = self._name_path(object_name), max(1, min(limit, MAX_LOOKUP))
        if name is None or FOLD not in name.field.type.parts:
            return ()
        other = None if this is None else this.object_name
        node = None if filter is None else resolve_filter(filter, self.schema, object_name, other)
        query = self._made(
            ("lookup", object_name, most, filter, other),
            RowQuery,
            lambda tables: rows_named(tables, object_name, name, most, node),
        )
        word = fold(text).strip()
        values = {"inside": contained(word), "start": beginning(word)}
        found = self._read(query, {**this_values(self.catalog, this), **values})
        return tuple((str(one["id"]), str(one[name.text])) for one in found)

    def names(self, object_name: str, ids: Iterable[str]) -> dict[str, str]:
        """Gives the names of records by id; those out of reach are absent."""
        name = self._name_path(object_name)
        if name is None:
            return {}
        found = self.by_ids(object_name, ids, (name.text,))
        return {record_id: str(one[name.text] or "") for record_id, one in found.items()}

    def by_ids(
        self, object_name: str, ids: Iterable[str], fields: Sequence[str] | None = None
    ) -> dict[str, Record]:
        """Gives records by id in one statement; those out of reach are absent."""
        question = self._question(object_name, fields)
        query = self._made(
            ("many", question),
            RowQuery,
            lambda tables: rows_among(tables, object_name, self._resolve(question).fields),
        )
        return {str(one["id"]): one for one in self._read(query, {IDS: sorted(set(ids))})}

    def children(
        self,
        object_name: str,
        field: str,
        ids: Iterable[str],
        fields: Sequence[str] | None = None,
    ) -> dict[str, tuple[Record, ...]]:
        """Gives by id the records of `object_name` whose reference `field` leads there.

        One statement; each group is in the order of creation.
        """
        question = self._question(object_name, None if fields is None else [*fields, field])

        def make(tables: PermittedTables) -> RowQuery:
            reference = self._known(object_name, field)
            return rows_among(tables, object_name, self._resolve(question).fields, reference)

        query = self._made(("children", field, question), RowQuery, make)
        grouped: dict[str, tuple[Record, ...]] = {}
        for record in self._read(query, {IDS: sorted(set(ids))}):
            key = str(record[field])
            grouped[key] = (*grouped.get(key, ()), record)
        return grouped

    def nested(
        self, object_name: str, name: str, ids: Iterable[str]
    ) -> dict[str, tuple[Record, ...]]:
        """Gives by record id the rows or links that are the value of the field `name`.

        One statement; each value is in its order and holds at most MAX_NESTED members. A link
        is shown as `id` and `name` of the linked record with the link's own fields.
        """
        link = self.catalog.children(object_name)[name]
        paths = shown_paths(self, self.catalog.objects[link.target], link)
        question = self._question(link.target, paths)

        def make(tables: PermittedTables) -> RowQuery:
            reference = self._known(link.target, link.field)
            fields = self._resolve(question).fields
            return rows_of_each(tables, link.target, fields, reference, MAX_NESTED)

        query = self._made(("nested", link.field, question), RowQuery, make)
        grouped: dict[str, list[Record]] = {}
        for record in self._read(query, {IDS: sorted(set(ids))}):
            grouped.setdefault(str(record[link.field]), []).append(as_row(self, link, record))
        return {key: tuple(rows) for key, rows in grouped.items()}

    def get_for_change(
        self, object_name: str, record_id: str, action: str, *, deleted: bool = False
    ) -> Target:
        """Gives a readable row for a change by `action`, locked on PostgreSQL until the commit.

        The record holds every field, whatever the field rights: it is for saving, not for
        showing. `deleted` looks among deleted rows instead. Raises Missing.
        """
        self._demand(object_name)
        query = self._made(
            ("change", object_name, action, deleted),
            RowQuery,
            lambda tables: row_for_change(tables, object_name, action, deleted=deleted),
        )
        rows = self._run(query.statement, query.bound, {RECORD_ID: record_id})
        if not rows:
            raise Missing(object_name, record_id)
        return Target(query.selection.read(rows[0], self._run.connection), bool(rows[0][-1]))

    def readable(self, object_name: str, ids: Iterable[str]) -> frozenset[str]:
        """Gives which of some records the principal may read, deleted ones included."""
        self._demand(object_name)
        query = self._made(
            ("readable", object_name),
            RowQuery,
            lambda tables: rows_ever(tables, object_name),
        )
        return frozenset(str(one["id"]) for one in self._read(query, {IDS: sorted(set(ids))}))

    def reveal(self, object_name: str, record_id: str, field: str) -> str | None:
        """Gives the text of a secret, for a program that needs it; None when there is none.

        The only way to one. Raises PermissionError for everybody but the system itself.
        """
        if not self.principal.unrestricted:
            raise PermissionError(f"{object_name}.{field} is revealed to the system only")
        definition = self.catalog.objects[object_name]
        known, table = definition.fields[field], self.catalog.tables[object_name]
        connection = self._run.connection
        wanted = sa.select(table.c[known.column]).where(table.c.id == record_id, alive(table))
        sealed = connection.scalar(wanted)
        if sealed is None or not known.type.is_sealed:
            return None
        return cipher_of(connection).open(sealed, place_of(definition, known, record_id))

    def reaches(self, object_name: str, record_id: str, action: str) -> bool:
        """Says whether an action is allowed on a readable record."""
        self._demand(object_name)
        query = self._made(
            ("reaches", object_name, action),
            RowQuery,
            lambda tables: row_in_reach(tables, object_name, action),
        )
        return bool(self._read(query, {RECORD_ID: record_id}))

    def check(
        self,
        object_name: str,
        *,
        fields: Sequence[str] = (),
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        sort: Sequence[str] = (),
    ) -> tuple[Problem, ...]:
        """Gives what is wrong with a view's settings; no statement runs."""
        self._demand(object_name)
        try:
            self._resolve(Question(object_name, tuple(fields), filter, tuple(sort)))
        except QueryProblem as problem:
            return problem.problems
        return ()

    def _demand(self, object_name: str) -> None:
        access = self.principal.access
        if object_name not in self.catalog.objects or not access(object_name).exists:
            known = [name for name in self.catalog.objects if access(name).exists]
            raise UnknownObject(object_name, known)

    def _question(self, object_name: str, fields: Sequence[str] | None) -> Question:
        self._demand(object_name)
        return Question(object_name, None if fields is None else tuple(fields))

    def _resolve(self, question: Question, others: Sequence[Problem] = ()) -> Resolved:
        return resolve_question(question, self.paths, self.schema, others)

    def _made(
        self, key: Hashable, kind: type[Made], make: Callable[[PermittedTables], Made]
    ) -> Made:
        """Gives what was compiled for everybody with rights of the same shape."""

        def compile_now() -> Made:
            cipher = find_cipher(self._run.connection)
            return make(PermittedTables(self.catalog, self._dialect, self.principal, cipher))

        return self.catalog.queries.get((self._dialect, self._profile, key), kind, compile_now)

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
