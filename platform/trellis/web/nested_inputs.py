"""What controls for rows, links and records of any object need besides their input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from metadata.access import Access, everything
from metadata.fields.base import FieldDefinition
from metadata.fields.inputs import WireField
from metadata.fields.nested import limit_of
from metadata.fields.nested_inputs import (
    AnyReferenceField,
    LinkRowsField,
    LinksField,
    RowForm,
    RowsField,
)
from metadata.forms import RecordForm, form_class
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.query import UnknownObject
from trellis.unit import Unit

Lines = Callable[[Sequence[WireField]], Sequence[object]]
"""Gives inputs with their controls."""


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column."""

    label: str
    required: bool


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row: its form, and its inputs with their controls."""

    form: RowForm
    lines: Sequence[object]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of rows; `blank` is what a new one is made of, `most` how many there may be, and
    `ordered` says whether their order is kept."""

    heads: tuple[Head, ...]
    rows: tuple[GridRow, ...]
    blank: GridRow
    most: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Chips:
    """Linked records by id and name, and where a picker finds more."""

    links: tuple[tuple[str, str], ...]
    lookup: str


@dataclass(frozen=True, slots=True)
class Target:
    """One of the objects that a reference may lead to."""

    name: str
    label: str
    lookup: str


@dataclass(frozen=True, slots=True)
class AnyTarget:
    """The objects to choose from, and what is chosen: its object, and its name."""

    targets: tuple[Target, ...]
    object: str
    text: str


def row_forms(
    unit: Unit, definition: ObjectDefinition, language: str, zone: ZoneInfo
) -> dict[str, type[RecordForm]]:
    """Gives the forms of the rows of an object's tables, as who asks may write them."""
    found = {}
    for name, link in unit.catalog.children(definition.name).items():
        if link.nested is not None:
            child = unit.catalog.objects[link.target]
            names = row_fields(unit, child, link)
            access = row_access(unit, child, link)
            found[name] = form_class(unit.catalog, child, access, language, fields=names, zone=zone)
    return found


def row_access(unit: Unit, child: ObjectDefinition, link: LinkDefinition) -> Access:
    """Gives the rights on a row's fields; who may write links may write all of them."""
    if link.beyond is not None:
        return everything(child.name)
    return unit.principal.access(child.name)


def row_fields(unit: Unit, child: ObjectDefinition, link: LinkDefinition) -> list[str]:
    """Gives the fields of a row's form: those of the object's form, and required ones."""
    chosen = unit.catalog.layout(child.name, "form", roles=unit.principal.roles).fields
    names = dict.fromkeys(([link.beyond] if link.beyond else []) + list(chosen))
    names |= dict.fromkeys(field.name for field in child.own_fields if field.required)
    own = child.fields
    return [n for n in names if n in own and n != link.field and not own[n].nested]


def more_for(unit: Unit, known: WireField, language: str, lines: Lines) -> object:
    """Gives what the control of an input needs; None for most."""
    if isinstance(known, RowsField):
        return grid_of(known, lines, language)
    if isinstance(known, LinksField):
        return chips_of(unit, known)
    if isinstance(known, AnyReferenceField):
        return any_target_of(unit, known, language)
    return None


def grid_of(known: RowsField, lines: Lines, language: str) -> Grid:
    """Gives a table with the controls of all its cells; names are asked for all rows at once."""
    forms = [*known.rows, known.blank]
    cells = [cell for form in forms for cell in form.cells]
    made = iter(lines(cells))
    rows = [GridRow(form, [next(made) for _cell in form.cells]) for form in forms]
    heads = tuple(
        Head(cell.definition.label(language), cell.definition.required) for cell in forms[-1].cells
    )
    most, ordered = limit_of(known.definition), not isinstance(known, LinkRowsField)
    return Grid(heads, tuple(rows[:-1]), rows[-1], most, ordered)


def chips_of(unit: Unit, known: LinksField) -> Chips:
    """Gives linked records with the names that the reader may know."""
    target = known.definition.text("to") or ""
    names = names_of(unit, target, known.ids)
    links = tuple((key, names.get(key) or key) for key in known.ids)
    return Chips(links, lookup_address(target))


def any_target_of(unit: Unit, known: AnyReferenceField, language: str) -> AnyTarget:
    """Gives the objects to choose from as the reader knows them, and what is chosen."""
    targets = tuple(targets_of(unit, known.definition, language))
    object_name, _, key = known.shown.partition(":")
    text = names_of(unit, object_name, [key]).get(key, key) if key else ""
    return AnyTarget(targets, object_name, text)


def targets_of(unit: Unit, field: FieldDefinition, language: str) -> Iterator[Target]:
    """Gives the objects whose records the reader may choose."""
    for name in field.type.targets(field):
        definition = unit.catalog.objects.get(name)
        if definition is not None and unit.principal.access(name).may("read"):
            yield Target(name, definition.label(language), lookup_address(name))


def names_of(unit: Unit, object_name: str, ids: Iterable[str]) -> dict[str, str]:
    """Gives the names of records by id; none of an object that is hidden."""
    try:
        return unit.records().names(object_name, ids)
    except UnknownObject:
        return {}


def lookup_address(object_name: str) -> str:
    """Gives where a picker asks for records of an object."""
    return f"/o/{object_name}/lookup"
