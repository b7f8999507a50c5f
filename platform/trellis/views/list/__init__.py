"""The list: a table of records on a desk, cards on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from flask import render_template

from metadata.objects import ObjectDefinition
from metadata.query import Page, QueryProblem
from trellis.duplicates.merge import MOST_RECORDS, may_merge
from trellis.views import ViewRequest
from trellis.views.list.chips import Chip, Words
from trellis.views.list.filters import Finding, both, chips_of, findings
from trellis.web.addresses import (
    export_address,
    import_address,
    list_address,
    new_address,
    record_address,
    with_query,
)
from trellis.web.columns import Column, Columns, paths_of, placed
from trellis.web.formatting import hue_of
from trellis.web.words import gettext, ngettext

PAGE_ROWS = 30
ASCENDING, DESCENDING = "ascending", "descending"


@dataclass(frozen=True, slots=True)
class Tab:
    """One saved view."""

    label: str
    href: str
    current: bool
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `face` is whose initials stand for it on a phone."""

    href: str
    title: str
    face: str
    face_hue: str
    all: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ListPage:
    """What the template shows."""

    object: ObjectDefinition
    address: str
    tabs: tuple[Tab, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    chips: tuple[Chip, ...]
    problems: tuple[Finding, ...]
    kept: tuple[tuple[str, str], ...]
    filter: str
    filter_example: str
    search: str
    searchable: bool
    is_narrowed: bool
    clear_href: str
    all_href: str | None
    new_href: str | None
    import_href: str | None
    export_href: str | None
    may_merge: bool
    most_merged: int
    next_href: str | None
    sort_label: str
    count_text: str

    @property
    def may_mark(self) -> bool:
        """Says whether there is anything to do with rows that are marked."""
        return self.may_merge or self.export_href is not None


@dataclass(frozen=True, slots=True)
class ListView:
    """Shows records as rows."""

    name: str = "list"
    icon: str = "table-2"

    def show(self, request: ViewRequest) -> str | tuple[str, int]:
        """Gives the page; the next rows alone when they are asked for."""
        listing = Listing(request)
        page = listing.page()
        if request.is_fragment and request.arguments.get("after"):
            return render_template("views/list/rows.html", page=page, fragment=True)
        html = render_template("views/list/list.html", page=page)
        return (html, 422) if page.problems else html


class Listing:
    """One list on its way from the address to the page."""

    def __init__(self, request: ViewRequest) -> None:
        self.request = request
        self.object, self.view = request.object, request.view
        self.records = request.unit.records()
        self.filter = request.arguments.get("filter", "").strip()
        self.search = request.arguments.get("search", "").strip()
        made = Columns(request.unit.catalog, self.records, request.language)
        name = self.object.name_field
        paths = self.view.columns if name in self.view.columns else (name, *self.view.columns)
        self.columns = made.of(self.object.name, paths)
        asked = request.arguments.get("sort", "")
        self.sort = tuple(part for part in asked.split(",") if part) or self.known(self.view.sort)

    def known(self, sort: tuple[str, ...]) -> tuple[str, ...]:
        """Gives what of the view's own order exists for this reader."""
        return tuple(one for one in sort if not self.records.check(self.object.name, sort=(one,)))

    def page(self) -> ListPage:
        """Gives everything the template shows."""
        found, problems = self.find()
        access = self.request.unit.principal.access(self.object.name)
        narrowed = bool(self.view.filter)
        views = self.request.views
        return ListPage(
            object=self.object,
            address=list_address(self.object.name),
            tabs=tuple(
                self.tab(view.name, view.label(self.request.language))
                for view in sorted(views, key=lambda view: not view.default)
            ),
            columns=tuple(placed([self.sortable(column) for column in self.columns])),
            rows=tuple(map(self.row, found.items)),
            chips=self.chips(),
            problems=problems,
            kept=tuple((k, v) for k, v in self.state(filter=None, search=None).items() if v),
            filter=self.filter,
            filter_example=self.example(),
            search=self.search,
            searchable=bool(self.object.search or self.object.name_field),
            is_narrowed=narrowed,
            clear_href=self.href(filter=None, search=None),
            all_href=self.href_of_all() if narrowed else None,
            new_href=new_address(self.object.name) if access.create else None,
            import_href=import_address(self.object.name) if access.may("import") else None,
            export_href=self.export_href() if access.may("export") else None,
            may_merge=may_merge(self.object, access),
            most_merged=MOST_RECORDS,
            next_href=self.href(after=found.next) if found.next else None,
            sort_label=self.sort_label(),
            count_text=count_text(found),
        )

    def export_href(self) -> str:
        """Gives the address at which what is listed is exported."""
        asked = {
            "filter": both(self.view.filter, self.filter) or None,
            "search": self.search or None,
            "sort": ",".join(self.sort) or None,
            "fields": ",".join(column.path for column in self.columns),
        }
        return with_query(export_address(self.object.name), asked)

    def find(self) -> tuple[Page, tuple[Finding, ...]]:
        """Asks for the page; what is wrong with the question comes back in its place."""
        name = self.object.name
        own = self.records.check(name, filter=self.filter or None, sort=self.sort)
        if own:
            return Page(()), findings(own, self.filter, self.request.language)
        after = self.request.arguments.get("after")
        try:
            page = self.records.list(
                name,
                fields=paths_of(self.columns),
                filter=both(self.view.filter, self.filter),
                sort=self.sort,
                after=after or None,
                limit=PAGE_ROWS,
                count="none" if after else "capped",
                search=self.search or None,
            )
        except QueryProblem as error:
            return Page(()), findings(error.problems, self.filter, self.request.language)
        return page, ()

    def row(self, record: Mapping[str, object]) -> Row:
        """Gives a record as a row."""
        record_id = str(record["id"])
        title = str(record.get(self.object.name_field) or gettext("Untitled"))
        second = next((c for c in self.columns if c.name_path and c.cell != "user"), None)
        face, key = title, record_id
        if second and second.name_path and record.get(second.name_path):
            face, key = str(record[second.name_path]), str(record[second.path])
        href = record_address(self.object.name, record_id)
        return Row(href, title, face, hue_of(key), record)

    def state(self, **changed: str | None) -> dict[str, str | None]:
        """Gives what the address says, with some of it changed."""
        arguments = self.request.arguments
        kept = {name: arguments.get(name) for name in ("view", "sort", "filter", "search")}
        return {**kept, **changed}

    def href(self, **changed: str | None) -> str:
        """Gives this list's address with some of its state changed."""
        return with_query(list_address(self.object.name), self.state(**changed))

    def href_of_all(self) -> str | None:
        """Gives the address of a view that leaves nothing out, if there is one."""
        whole = next((view for view in self.request.views if not view.filter), None)
        return self.tab(whole.name, "").href if whole else None

    def tab(self, name: str, label: str) -> Tab:
        """Gives a saved view as a tab."""
        address = with_query(list_address(self.object.name), {"view": name})
        return Tab(label, address, name == self.view.name)

    def sortable(self, column: Column) -> Column:
        """Gives a column with how it is sorted and the address that sorts by it."""
        path = sort_path(column)
        if path not in self.sortable_paths:
            return column
        direction = None
        if self.sort and self.sort[0].lstrip("-") == path:
            direction = DESCENDING if self.sort[0].startswith("-") else ASCENDING
        turned = f"-{path}" if direction == ASCENDING else path
        return replace(column, sort_href=self.href(sort=turned), sorted=direction)

    @cached_property
    def sortable_paths(self) -> frozenset[str]:
        """Gives the paths of columns that this reader may sort by."""
        paths = [sort_path(column) for column in self.columns]
        if not self.records.check(self.object.name, sort=paths):
            return frozenset(paths)
        checked = (path for path in paths if not self.records.check(self.object.name, sort=(path,)))
        return frozenset(checked)

    def sort_label(self) -> str:
        """Gives the title of the first column that sorts."""
        if not self.sort:
            return ""
        path = self.sort[0].lstrip("-")
        shown = (column for column in self.columns if path in (column.path, column.name_path))
        column = next(shown, None)
        return column.label if column else ""

    def chips(self) -> tuple[Chip, ...]:
        """Gives the parts of the view's own filter, and the removable ones of the reader's."""
        words = Words(self.records, self.object.name, self.request.language)
        fixed = chips_of(self.view.filter or "", words, None)
        return (*fixed, *chips_of(self.filter, words, lambda rest: self.href(filter=rest)))

    def example(self) -> str:
        """Gives a filter that would work on this object, to show how one is written."""
        for column in self.columns:
            if column.field.options and "." not in column.path:
                return f'{column.path} = "{column.field.options[0].value}"'
        return f'{self.object.name_field} contains "…"'


def sort_path(column: Column) -> str:
    """Gives what a column is sorted by: a reference by the name it shows."""
    return column.name_path if column.name_path and column.is_reference else column.path


def count_text(page: Page) -> str:
    """Gives the number of records in words; a capped one as `1,000+`."""
    if page.count is None:
        return ""
    if page.count_is == "capped" and page.count > 1_000:
        return gettext("1,000+ records")
    return ngettext("%(num)s record", "%(num)s records", page.count)


VIEW = ListView()
