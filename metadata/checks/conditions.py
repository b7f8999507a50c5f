"""What is wrong with the conditions of an object: of fields, options, record types, exclusions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from metadata.catalog import Catalog
from metadata.conditions import (
    CONDITIONS,
    described_options,
    diagnostic_problem,
    expression_problems,
)
from metadata.exclusions import OVERLAP, Exclusion
from metadata.fields.option import OptionDefinition
from metadata.json_text import nearest, pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.parse import unknown_field
from metadata.problems import Problem
from metadata.query.nesting import is_readable
from metadata.query.tables import SystemTables
from metadata.record_types import RECORD_TYPE, RecordType
from rule_engine.backends.sql import compile_node_sql
from rule_engine.core import Aggregate, Node, Path, Scope, walk
from rule_engine.errors import NotTranslatableError
from rule_engine.expression import Expression
from rule_engine.types import Kind

DIALECTS: Final = ("sqlite", "postgresql")
ORDERED: Final = frozenset({Kind.DATE, Kind.INSTANT, Kind.TIME, Kind.NUMBER})
"""What an interval can be made of."""


def condition_problems(definition: ObjectDefinition, catalog: Catalog) -> Iterator[Problem]:
    """Gives everything that is wrong with an object's conditions."""
    for field in definition.own_fields:
        for keyword in CONDITIONS:
            text = field.text(keyword)
            if text is not None:
                place = crm_place(field, keyword)
                yield from expression_problems(text, catalog.schema, definition.name, place)
        yield from lookup_problems(definition, field, catalog)
    for field, option in described_options(definition):
        if field.name != RECORD_TYPE:
            yield from option_problems(definition, field, option, catalog)
    for record_type in definition.record_types:
        yield from record_type_problems(definition, record_type, catalog)
    yield from default_problems(definition)
    for exclusion in definition.exclusions:
        yield from exclusion_problems(definition, exclusion, catalog)
    if definition.append_only:
        yield from append_only_problems(definition)


def crm_place(field: FieldDefinition, *keys: object) -> str:
    """Gives where a keyword of a field stands."""
    return pointer(("properties", field.name, "crm", *keys))


def lookup_problems(
    definition: ObjectDefinition, field: FieldDefinition, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with the filter of a reference."""
    text, target = field.text("filter"), field.target or field.text("to")
    if text is not None and target is not None and target in catalog.objects:
        place = crm_place(field, "filter")
        yield from sql_problems(text, target, definition.name, place, catalog)


def sql_problems(
    text: str, object_name: str, this: str, place: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with a condition that the databases must be able to say."""
    found = list(expression_problems(text, catalog.schema, object_name, place, this))
    yield from found
    if not found:
        node = Expression.parse(text).resolve(catalog.schema, object_name, this=this)
        yield from node_problems(node, object_name, place, catalog)


def node_problems(node: Node, object_name: str, place: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what keeps the databases from saying a checked condition."""
    for dialect in DIALECTS:
        tables = SystemTables(catalog, dialect).needing(node, object_name)
        try:
            made = compile_node_sql(node, tables, catalog.tables[object_name].alias())
        except NotTranslatableError as error:
            yield diagnostic_problem(error.diagnostic, place)
            return
        if dialect == "sqlite" and not is_readable([made]):
            yield Problem(place, "too_nested")
            return


def option_problems(
    definition: ObjectDefinition,
    field: FieldDefinition,
    option: OptionDefinition,
    catalog: Catalog,
) -> Iterator[Problem]:
    """Gives what is wrong with the conditions of one option."""
    place = crm_place(field, "options", option.value)
    if option.when is not None:
        yield from expression_problems(
            option.when, catalog.schema, definition.name, f"{place}/when"
        )
    if option.replaced_by is not None:
        known = [one.value for one in field.options if not one.retired]
        if option.replaced_by not in known:
            yield unknown_name(f"{place}/replaced_by", "not_known", option.replaced_by, known)
    if option.exit is None:
        return
    for index, name in enumerate(option.exit.requires):
        if name not in definition.fields:
            yield unknown_field(f"{place}/exit/requires/{index}", name, definition)
    if option.exit.when is not None:
        yield from expression_problems(
            option.exit.when, catalog.schema, definition.name, f"{place}/exit/when"
        )


def unknown_name(place: str, code: str, value: str, known: Iterable[str]) -> Problem:
    """Words a name that is not among the known ones."""
    words = list(known)
    hint = nearest(value, words)
    values = {"value": value, "nearest": hint, "known": None if hint else words}
    return Problem(place, code, values)


def record_type_problems(
    definition: ObjectDefinition, record_type: RecordType, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with one record type."""
    place = ("crm", "record_types", record_type.name)
    layouts = catalog.layouts_by_object.get(definition.name, {})
    for index, name in enumerate(record_type.layouts):
        if name not in layouts:
            yield unknown_name(pointer((*place, "layouts", index)), "not_known", name, layouts)
    for name, values in record_type.options.items():
        field = definition.fields.get(name)
        if field is None:
            yield unknown_field(pointer((*place, "options", name)), name, definition)
        elif not field.options:
            yield Problem(pointer((*place, "options", name)), "no_choice", {"field": name})
        else:
            known = [option.value for option in field.options]
            for index, value in enumerate(values):
                if value not in known:
                    where = pointer((*place, "options", name, index))
                    yield unknown_name(where, "not_known", value, known)


def default_problems(definition: ObjectDefinition) -> Iterator[Problem]:
    """Finds defaults that new records could not have."""
    for field in definition.own_fields:
        option = field.option(field.default)
        if option is not None and option.retired:
            place = pointer(("properties", field.name, "default"))
            yield Problem(place, "default_retired", {"value": option.value})
    marked = [one for one in definition.record_types if one.is_default]
    for one in marked:
        place = pointer(("crm", "record_types", one.name, "default"))
        if one.retired:
            yield Problem(place, "default_retired", {"value": one.name})
        elif one is not marked[0]:
            yield Problem(place, "second_default", {"name": one.name, "first": marked[0].name})
    if definition.record_types and all(one.retired for one in definition.record_types):
        yield Problem("/crm/record_types", "no_record_type")


def exclusion_problems(
    definition: ObjectDefinition, exclusion: Exclusion, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with a `unique_when` or a `no_overlap`."""
    found = list(exclusion_field_problems(definition, exclusion))
    if exclusion.when is not None:
        place = f"{exclusion.place}/when"
        found += sql_problems(exclusion.when, definition.name, definition.name, place, catalog)
        found += found or this_problems(exclusion.when, definition.name, place, catalog)
    if not found:
        place, name = exclusion.place, definition.name
        found += sql_problems(exclusion.rivals, name, name, place, catalog)
    yield from found


def this_problems(text: str, name: str, place: str, catalog: Catalog) -> Iterator[Problem]:
    """Finds `this.` in a condition that is asked of two records alike."""
    node = Expression.parse(text).resolve(catalog.schema, name, this=name)
    paths = (one for one in walk(node) if isinstance(one, (Path, Aggregate)))
    if any(one.scope is Scope.OUTER for one in paths):
        yield Problem(place, "exclusion_this")


def exclusion_field_problems(
    definition: ObjectDefinition, exclusion: Exclusion
) -> Iterator[Problem]:
    """Finds names that are no fields of the object, or of which no interval can be made."""
    list_key = "by" if exclusion.keyword == OVERLAP else "fields"
    places = [(f"{exclusion.place}/{list_key}/{n}", name) for n, name in enumerate(exclusion.by)]
    ends = [(key, name) for key in ("start", "end") if (name := getattr(exclusion, key))]
    for place, name in (*places, *((f"{exclusion.place}/{key}", name) for key, name in ends)):
        field = definition.fields.get(name)
        if field is None:
            yield unknown_field(place, name, definition)
        elif field.computed:
            yield Problem(place, "exclusion_computed", {"field": name})
    fields = [definition.fields[name] for _, name in ends if name in definition.fields]
    kinds = {field.type.rule_type(field).kind for field in fields}
    if len(fields) == len(ends) and (len(kinds) > 1 or not kinds <= ORDERED):
        yield Problem(exclusion.place, "no_interval", {"start": ends[0][1], "end": ends[1][1]})


def append_only_problems(definition: ObjectDefinition) -> Iterator[Problem]:
    """Finds references that would have records changed or deleted together with others."""
    for field in definition.references:
        if field.text("on_delete") in {"set_null", "cascade"}:
            yield Problem(crm_place(field, "on_delete"), "append_only_reference")
