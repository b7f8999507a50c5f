"""Columns: a path of an object made ready to be shown to one reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from metadata.catalog import Catalog
from metadata.fields.option import OptionDefinition
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.query import Records
from metadata.query.paths import ResolvedPath
from trellis import current
from trellis.web.addresses import list_address

NUMERIC_CELLS = frozenset({"number", "money", "percent", "score"})


@dataclass(frozen=True, slots=True)
class Column:
    """A field to show. `path` is the key in records, `name_path` the one of a reference's name
    (None: the name is not to be seen); `place` is where a card on a phone has it."""

    path: str
    field: FieldDefinition
    label: str
    cell: str
    language: str
    name_path: str | None = None
    target_href: str | None = None
    is_name: bool = False
    place: str | None = None
    sort_href: str | None = None
    sorted: str | None = None
    inner: tuple[Column, ...] = ()

    @property
    def is_number(self) -> bool:
        """Says whether values stand at the right."""
        return self.cell in NUMERIC_CELLS

    @property
    def is_reference(self) -> bool:
        """Says whether values are ids of other records."""
        return self.field.target is not None

    def text(self, value: object) -> str:
        """Gives a value in one line of plain text."""
        return self.field.type.display(value, self.field, self.language, current.zone())

    def option_label(self, option: OptionDefinition) -> str:
        """Gives an option's title for the reader."""
        return option.labels.get(self.language) or option.labels.get("en") or option.value

    def in_order(self, values: Iterable[str]) -> list[str]:
        """Gives the values of a multiple choice in the order of the options."""
        chosen = set(values)
        return [option.value for option in self.field.options if option.value in chosen]


class Columns:
    """Makes columns of paths as one reader sees them; paths that do not exist for her are left
    out."""

    def __init__(self, catalog: Catalog, records: Records, language: str) -> None:
        self.catalog = catalog
        self.records = records
        self.language = language

    def of(self, object_name: str, paths: Iterable[str]) -> list[Column]:
        """Gives the columns of paths, in their order."""
        found = (self.one(object_name, path) for path in dict.fromkeys(paths))
        return [column for column in found if column is not None]

    def one(self, object_name: str, path: str) -> Column | None:
        """Gives the column of a path; None when it does not exist for this reader."""
        resolved = self.records.paths.resolve(object_name, path, "columns")
        if isinstance(resolved, Problem):
            return None
        field = resolved.field
        definition = self.catalog.objects[object_name]
        return Column(
            path=path,
            field=field,
            label=" · ".join(step.label(self.language) for step in (*resolved.hops, field)),
            cell=self.cell_of(resolved),
            language=self.language,
            name_path=self.name_path(object_name, path, field),
            target_href=list_address(field.target)
            if field.target and field.type.name != "user"
            else None,
            is_name=path == definition.name_field,
            inner=self.inner(definition, field) if field.nested else (),
        )

    def inner(self, definition: ObjectDefinition, field: FieldDefinition) -> tuple[Column, ...]:
        """Gives the columns of a value's own rows, or of what links say besides whom they link."""
        link = self.catalog.children(definition.name)[field.name]
        child = self.catalog.objects[link.target]
        left_out = {link.field, link.beyond}
        own = (one.name for one in child.own_fields if not one.nested)
        return tuple(self.of(child.name, (name for name in own if name not in left_out)))

    def cell_of(self, resolved: ResolvedPath) -> str:
        """Gives how a field is shown: as its type says, a score as a meter."""
        field = resolved.field
        if resolved.masked:
            return "text"
        holder = resolved.hops[-1].target if resolved.hops else resolved.object
        scores = self.catalog.program.for_object(str(holder)).scores
        return "score" if any(score.into == field.name for score in scores) else field.type.cell

    def name_path(self, object_name: str, path: str, field: FieldDefinition) -> str | None:
        """Gives the path of a reference's name, when it may be read."""
        target = self.catalog.objects.get(field.target or "")
        if target is None:
            return None
        wanted = f"{path}.{target.name_field}"
        found = self.records.paths.resolve(object_name, wanted, "columns", whole=True)
        return None if isinstance(found, Problem) else wanted


def paths_of(columns: Iterable[Column]) -> list[str]:
    """Gives the paths that columns need from a query, names of references included."""
    paths: dict[str, None] = {}
    for column in columns:
        paths[column.path] = None
        if column.name_path:
            paths[column.name_path] = None
    return list(paths)


def placed(columns: Sequence[Column]) -> list[Column]:
    """Gives the columns with their places on a phone's card: each place is taken once."""
    free = {"second", "state", "amount", "date", "person"}
    found = []
    for column in columns:
        place = "name" if column.is_name else place_of(column)
        if place in free:
            free.discard(place)
            column = replace(column, place=place)
        elif column.is_name:
            column = replace(column, place="name")
        found.append(column)
    return found


def place_of(column: Column) -> str:
    """Gives where a column would stand on a card."""
    by_cell = {
        "choice": "state",
        "user": "person",
        "money": "amount",
        "score": "amount",
        "number": "amount",
        "percent": "amount",
        "date": "date",
        "datetime": "date",
    }
    return by_cell.get(column.cell, "second")
