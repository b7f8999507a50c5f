"""What is wrong with computed fields: their settings, their expressions, and how they depend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metadata.catalog import Catalog
from metadata.computed.columns import kept_parts
from metadata.computed.definitions import (
    ROLLUP,
    THROUGH,
    Computed,
    is_as_user,
    keyword_of,
    resolve_field,
)
from metadata.computed.graph import Graph
from metadata.conditions import diagnostic_problem
from metadata.fields.base import FieldDefinition
from metadata.fields.read import COMPUTED
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query.nesting import is_readable
from metadata.query.tables import SystemTables
from rule_engine import core
from rule_engine.errors import NotTranslatableError, RuleCheckError, RuleSyntaxError

DIALECTS: Final = ("sqlite", "postgresql")
ARROW: Final = " → "
MAX_VIRTUAL_LEVELS: Final = 3
"""How many virtual fields may look at each other in a row: each is written out in SQL."""
ONLY_COMPUTED: Final = ("as", "stored")
"""Keywords that say something of computed fields alone."""


def computed_problems(definition: ObjectDefinition, catalog: Catalog) -> Iterator[Problem]:
    """Gives everything that is wrong with an object's computed fields."""
    for field in definition.own_fields:
        if field.computed:
            yield from setting_problems(field)
            yield from formula_problems(definition, field, catalog)
        else:
            named = (name for name in ONLY_COMPUTED if name in field.parameters)
            yield from (Problem(place_of(field, name), "not_computed") for name in named)
    for row, group in enumerate(definition.unique):
        for column, name in enumerate(group):
            if name in definition.fields and definition.fields[name].computed:
                place = pointer(("crm", "unique", row, column))
                yield Problem(place, "computed_unique", {"name": name})


def place_of(field: FieldDefinition, *keys: str) -> str:
    """Gives where a keyword of a field stands."""
    return pointer(("properties", field.name, "crm", *keys))


def setting_problems(field: FieldDefinition) -> Iterator[Problem]:
    """Finds keywords that a computed field cannot have, or not together."""
    named = [name for name in COMPUTED if name in field.parameters]
    if len(named) > 1:
        yield Problem(place_of(field, named[1]), "computed_twice", {"keywords": named})
    if "as" in field.parameters and ROLLUP not in field.parameters:
        yield Problem(place_of(field, "as"), "as_without_rollup")
    if is_as_user(field) and field.parameters.get("stored") is True:
        yield Problem(place_of(field, "stored"), "stored_as_user")
    if field.unique:
        yield Problem(place_of(field, "unique"), "computed_unique", {"name": field.name})
    if field.index and field.virtual:
        yield Problem(place_of(field, "index"), "virtual_index", {"name": field.name})
    if field.type.is_sealed:
        yield Problem(place_of(field, "encrypted"), "computed_encrypted", {"name": field.name})
    if field.default is not None:
        place = pointer(("properties", field.name, "default"))
        yield Problem(place, "computed_default", {"name": field.name})


def formula_problems(
    definition: ObjectDefinition, field: FieldDefinition, catalog: Catalog
) -> Iterator[Problem]:
    """Finds what does not fit in the expression of a field."""
    place = place_of(field, keyword_of(field))
    try:
        node = resolve_field(field, definition.name, catalog.schema)
    except (RuleSyntaxError, RuleCheckError) as error:
        yield from (diagnostic_problem(found, place) for found in error.diagnostics)
        return
    one = catalog.computed.fields.get((definition.name, field.name))
    if one is None:
        return
    found = [
        *shape_problems(one, node, place),
        *read_problems(one, catalog, place),
        *depth_problems(one, catalog.computed, place),
    ]
    yield from found
    if not found and not any(catalog.computed.cycles()):
        yield from sql_problems(one, catalog, place)


def shape_problems(one: Computed, node: core.Node, place: str) -> Iterator[Problem]:
    """Finds a roll-up that rolls nothing up, a way through that leads nowhere, and values that
    nobody has read as values of the field's type."""
    span = node.span
    if one.keyword == ROLLUP and not isinstance(node, core.Aggregate):
        yield Problem(place, "rollup_shape", {}, span.line, span.column)
    elif one.keyword == THROUGH and not (isinstance(node, core.Path) and node.hops):
        yield Problem(place, "through_shape", {}, span.line, span.column)


def read_problems(one: Computed, catalog: Catalog, place: str) -> Iterator[Problem]:
    """Finds what a field may not be computed from, and what its type cannot be computed of."""
    graph = catalog.computed
    for read in sorted(graph.direct(one.key), key=lambda read: (read.object, read.field)):
        source = catalog.objects[read.object].fields[read.field]
        values = {"name": f"{read.object}.{read.field}"}
        if source.type.is_sealed:
            yield Problem(place, "computed_from_encrypted", values)
        if source.computed and is_as_user(source):
            yield Problem(place, "computed_as_user", values)
    if not one.field.type.takes_any_value and not is_taken_over(one, catalog):
        yield Problem(place, "computed_type", {"type": one.field.type.name})


def is_taken_over(one: Computed, catalog: Catalog) -> bool:
    """Says whether a value is one that a field of the same type holds already."""
    node: core.Node | None = one.node
    if isinstance(node, core.Aggregate) and node.function in ("min", "max", "latest"):
        node = node.argument
    if not isinstance(node, core.Path) or node.object not in catalog.objects:
        return False
    source = catalog.objects[node.object].fields.get(node.field)
    return source is not None and source.type.name == one.field.type.name


def depth_problems(one: Computed, graph: Graph, place: str) -> Iterator[Problem]:
    """Finds circles, told of at the first of their fields, and too many levels."""
    circles = list(graph.cycles())
    for circle in circles:
        if circle[0] == one.key:
            chain = ARROW.join(".".join(key) for key in (*circle, circle[0]))
            yield Problem(place, "computed_cycle", {"chain": chain})
    if not circles and graph.virtual_levels(one.key) > MAX_VIRTUAL_LEVELS:
        yield Problem(place, "computed_depth", {"limit": MAX_VIRTUAL_LEVELS})


def sql_problems(one: Computed, catalog: Catalog, place: str) -> Iterator[Problem]:
    """Finds what a database cannot say: lists and changes of many records need it to."""
    for dialect in DIALECTS:
        tables, table = SystemTables(catalog, dialect), catalog.tables[one.object].alias()
        try:
            parts = kept_parts(one, tables, table)
        except NotTranslatableError as error:
            yield diagnostic_problem(error.diagnostic, place)
            return
        if dialect == "sqlite" and not is_readable(parts.values()):
            yield Problem(place, "computed_nesting")
            return


def virtual_warnings(catalog: Catalog) -> Iterator[tuple[str, Problem]]:
    """Gives the fields that are said to be stored and cannot be, with their objects' names."""
    for one in catalog.computed.fields.values():
        if one.field.virtual and one.field.parameters.get("stored") is True and not one.as_user:
            place = place_of(one.field, "stored")
            yield one.object, Problem(place, "stored_but_virtual", {"name": one.field.name})
