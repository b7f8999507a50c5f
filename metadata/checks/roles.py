"""What is wrong with roles."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.catalog import Catalog
from metadata.checks.sealed import sealed_filter_problems
from metadata.conditions import expression_problems
from metadata.field_paths import path_problems
from metadata.json_text import nearest, pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.roles import ANY_FIELD, ANY_OBJECT, Grant

OWNED_SCOPES = frozenset({"own", "team", "subtree"})


def role_problems(name: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with a role's grants."""
    role = catalog.roles[name]
    for target, grant in role.grants.items():
        definition = catalog.objects.get(target)
        place = pointer(("grants", target))
        if definition is not None:
            yield from grant_problems(grant, definition, place, catalog)
        elif target != ANY_OBJECT:
            yield unknown_object(target, place, catalog)
        elif grant.shares or set(grant.fields) - {ANY_FIELD}:
            yield Problem(place, "grant_for_all")


def unknown_object(name: str, place: str, catalog: Catalog) -> Problem:
    """Words a name that is no object, with the nearest one."""
    hint = nearest(name, catalog.objects)
    known = None if hint else sorted(catalog.objects)
    return Problem(place, "unknown_object", {"name": name, "nearest": hint, "known": known})


def grant_problems(
    grant: Grant, definition: ObjectDefinition, place: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with what a role may do with one object."""
    for action, scope in grant.scopes.items():
        if scope in OWNED_SCOPES and not definition.owner:
            values = {"scope": scope, "object": definition.name}
            yield Problem(f"{place}/{action}", "scope_without_owner", values)
    fields = [
        (f"{place}/fields{pointer([name])}", name) for name in grant.fields if name != ANY_FIELD
    ]
    yield from path_problems(catalog.objects, definition.name, fields)
    for index, share in enumerate(grant.shares):
        where = f"{place}/share/{index}/{share.action}"
        yield from expression_problems(share.condition, catalog.schema, definition.name, where)
        yield from sealed_filter_problems(share.condition, catalog.schema, definition.name, where)
