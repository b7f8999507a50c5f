"""The one door to records: every read goes through here, with somebody's rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from metadata.fields.nested import MAX_NESTED
from metadata.problems import Problem
from metadata.query.aggregate import (
    COUNTED,
    Aggregated,
    Aggregation,
    ask_groups,
    asked_problems,
    read_groups,
    resolve_aggregate,
)
from metadata.query.aggregate_having import read_having, tests_of
from metadata.query.answers import MAX_SEARCH_CHARACTERS, Count, Page, QueryProblem, This
from metadata.query.compiled import Record
from metadata.query.filter import resolve_filter
from metadata.query.listing import Listing, read_page
from metadata.query.nested import as_row, fill, shown_paths, split_fields
from metadata.query.question import Question, bounds_problems
from metadata.query.row_rights import RowRights
from metadata.query.rows import (
    IDS,
    RECORD_ID,
    RowQuery,
    one_row,
    rows_among,
    rows_named,
    rows_of_each,
)
from metadata.query.run import this_values
from metadata.query.search import (
    NOTHING_SEARCHED,
    Searched,
    asked_values,
    plan_lookup,
    plan_search,
    read_search,
    search_values,
    searchable,
    unknown_objects,
)
from metadata.query.search_everywhere import Hits, ObjectSearch, read_hits
from metadata.query.tables import PermittedTables

MAX_LOOKUP = 50


class Records(RowRights):
    """Reads records for one principal on one connection.

    Records are dicts of Python values by path (`name`, `account.name`), always with `id` and
    `version`. Deleted rows, rows out of reach and hidden fields do not exist. Every method raises
    UnknownObject for an object that does not exist for the principal.
    """

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
        self._shown(object_name, found)
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
        among: Iterable[str] | None = None,
        this: This | None = None,
    ) -> Page:
        """Gives one page of the records that fulfil filter, search and match.

        `sort` holds paths, with `-` for descending; without any the order is that of creation.
        `match` asks for equality with Python values by field (None: empty), for lists that
        belong to a record; with `among` only records of these ids are meant; `this` is the record
        that `this.` means in the filter. Raises QueryProblem with everything that is wrong.
        """
        self._demand(object_name)
        fields, inner = split_fields(self, object_name, fields, everything=False)
        searched, values = read_search(search), match or {}
        too_long = [searched] if isinstance(searched, Problem) else []
        asked = None if isinstance(searched, Problem) else searched
        question = Question(
            object=object_name,
            fields=None if fields is None else tuple(fields),
            filter=filter,
            sort=tuple(sort),
            limit=limit,
            count=count,
            terms=None if asked is None else len(asked.terms),
            match=tuple((name, value is None) for name, value in values.items()),
            among=among is not None,
            this=None if this is None else this.object_name,
        )
        if too_long:
            self._resolve(question, too_long)
        lifted = self._lifted(question)
        listing = self._made(
            ("list", replace(question, filter=None), lifted.key),
            Listing,
            lambda tables: Listing(self._resolve(question), lifted.node, tables),
        )
        around = {**this_values(self.catalog, this), **lifted.values}
        if among is not None:
            around[IDS] = sorted(set(among))
        page = read_page(listing, question, self._run, after, asked, values, around)
        items = fill(self, object_name, page.items, inner)
        self._shown(object_name, items)
        return replace(page, items=items)

    def aggregate(
        self,
        object_name: str,
        *,
        group: Sequence[str] = (),
        measure: Sequence[str] = (COUNTED,),
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        search: str | None = None,
        having: Sequence[str] = (),
        sort: Sequence[str] = (),
        limit: int | None = None,
        this: This | None = None,
    ) -> Aggregated:
        """Gives the records that fulfil filter and search, counted and added up by groups.

        `group` holds paths and periods of dates (`stage`, `month(close_date)`), `measure` what is
        told of each group (`count()`, `sum(amount)`), `having` conditions that groups fulfil
        (`count() > 5`), `sort` groups and measures, with `-` for descending. Without `group` there
        is one item. Raises QueryProblem.
        """
        self._demand(object_name)
        searched = read_search(search)
        asked = ask_groups(object_name, group, measure, filter, searched, this)
        problems = asked_problems(asked, searched, sort, limit)
        wanted = read_having(having, asked.measures, problems)
        if problems:
            resolve_aggregate(asked, self.paths, self.schema, problems)
        made = self._made(
            ("aggregate", asked),
            Aggregation,
            lambda tables: Aggregation(resolve_aggregate(asked, self.paths, self.schema), tables),
        )
        tests = tests_of(wanted, made.measures, self._run.moment.zone, problems)
        if problems:
            raise QueryProblem(problems)
        around = this_values(self.catalog, this)
        values = asked_values(made.searched, searched, self._dialect)
        found = read_groups(made, self._run, {**around, **values}, sort, limit, tests)
        if self._watch is not None:
            self._watch.groups(object_name, made.shown_paths(found.items))
        return found

    def search(
        self,
        text: str,
        objects: Sequence[str] | None = None,
        *,
        limit: int = 50,
        after: str | None = None,
    ) -> Hits:
        """Gives one page of the records that are found by a text, the best first.

        `objects` come in the order of their weight; without any these are all that the principal
        may read, the system's last. Raises QueryProblem with everything that is wrong.
        """
        searched, known = read_search(text, "q"), searchable(self.catalog, self.principal)
        problems = [] if objects is None else unknown_objects(objects, known)
        problems += [searched] if isinstance(searched, Problem) else []
        problems += bounds_problems(Question("", limit=limit))
        if problems:
            raise QueryProblem(problems)
        asked = searched if isinstance(searched, Searched) else NOTHING_SEARCHED
        names = known if objects is None else tuple(dict.fromkeys(objects))
        made = {name: self._object_search(name, len(asked.terms), limit) for name in names}
        hits = read_hits(made, self._run, asked, limit, after)
        for hit in hits.items:
            name = self.catalog.objects[hit.object].name_field
            found_by = {hit.field: hit.value} if hit.field else {}
            self._shown(hit.object, [{"id": hit.id, name: hit.name, **found_by}])
        return hits

    def _object_search(self, object_name: str, terms: int, limit: int) -> ObjectSearch:
        return self._made(
            ("search", object_name, terms, limit),
            ObjectSearch,
            lambda tables: ObjectSearch(tables, plan_search(self.paths, object_name), terms, limit),
        )

    def lookup(
        self,
        object_name: str,
        text: str,
        limit: int = 20,
        *,
        filter: str | None = None,  # noqa: A002  # the parameter's name everywhere
        this: This | None = None,
    ) -> tuple[tuple[str, str], ...]:
        """Gives id and name of records whose name is found by a text, the best first; all by name
        for a blank one.

        `filter` and `this` are those of `list`; raises QueryProblem for what is wrong with them.
        """
        self._demand(object_name)
        plan, most = plan_lookup(self.paths, object_name), max(1, min(limit, MAX_LOOKUP))
        searched = read_search(text[:MAX_SEARCH_CHARACTERS])
        if plan.name is None or isinstance(searched, Problem):
            return ()
        terms = None if searched is None else len(searched.terms)
        other = None if this is None else this.object_name
        node = None if filter is None else resolve_filter(filter, self.schema, object_name, other)
        query = self._made(
            ("lookup", object_name, most, filter, other, terms),
            RowQuery,
            lambda tables: rows_named(tables, plan, terms, most, node),
        )
        values = search_values(plan, searched or NOTHING_SEARCHED, self._dialect)
        found = self._read(query, {**this_values(self.catalog, this), **values})
        self._shown(object_name, found)
        return tuple((str(one["id"]), str(one[plan.name.text])) for one in found)

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
        found = self._read(query, {IDS: sorted(set(ids))})
        self._shown(object_name, found)
        return {str(one["id"]): one for one in found}

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
        found = self._read(query, {IDS: sorted(set(ids))})
        self._shown(object_name, found)
        for record in found:
            key = str(record[field])
            grouped[key] = (*grouped.get(key, ()), record)
        return grouped

    def holding(
        self, object_name: str, field: str, texts: Iterable[str], limit: int
    ) -> dict[str, tuple[str, ...]]:
        """Gives by text the ids of the records whose `field` holds one of some texts.

        One statement; at most `limit` of each. The field is of one plain column of texts.
        """
        question = self._question(object_name, [field])

        def make(tables: PermittedTables) -> RowQuery:
            path = self._known(object_name, field)
            return rows_of_each(tables, object_name, self._resolve(question).fields, path, limit)

        query = self._made(("holding", field, limit, question), RowQuery, make)
        found: dict[str, tuple[str, ...]] = {}
        for record in self._read(query, {IDS: sorted(set(texts))}):
            key = str(record[field])
            found[key] = (*found.get(key, ()), str(record["id"]))
        return found

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
        self._shown(link.target, [row for rows in grouped.values() for row in rows])
        return {key: tuple(rows) for key, rows in grouped.items()}

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
