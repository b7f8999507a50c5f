"""What is wrong with roles."""

from __future__ import annotations

from collections.abc import Iterator

from metadata.catalog import Catalog
from metadata.checks.conditions import node_problems
from metadata.checks.sealed import sealed_filter_problems
from metadata.conditions import expression_problems
from metadata.field_paths import path_problems
from metadata.holding import territory_field
from metadata.json_text import nearest, pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query.sealed import is_sealed
from metadata.query.tables import parse_condition
from metadata.roles import ANY_FIELD, ANY_OBJECT, Grant, RoleDefinition
from rule_engine.core import walk
from rule_engine.types import Kind

OWNED_SCOPES = frozenset({"own", "team", "subtree", "territory"})


def role_problems(name: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with a role's grants."""
    role = catalog.roles[name]
    yield from excluded_problems(role, catalog)
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


def excluded_problems(role: RoleDefinition, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with the roles that may not be held together with one."""
    for index, name in enumerate(role.excludes):
        place = f"/excludes/{index}"
        if name == role.name:
            yield Problem(place, "role_excludes_itself", {"name": name})
        elif name not in catalog.roles:
            known = sorted(catalog.roles.keys() - {role.name})
            yield Problem(place, "unknown_role", {"name": name, "known": known})


def reaches_any(scope: str, definition: ObjectDefinition) -> bool:
    """Says whether a scope can reach any record of an object."""
    if definition.owner or scope not in OWNED_SCOPES:
        return True
    return scope == "territory" and territory_field(definition) is not None


def grant_problems(
    grant: Grant, definition: ObjectDefinition, place: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with what a role may do with one object."""
    for action, scope in grant.scopes.items():
        if not reaches_any(scope, definition):
            values = {"scope": scope, "object": definition.name}
            yield Problem(f"{place}/{action}", "scope_without_owner", values)
    fields = [
        (f"{place}/fields{pointer([name])}", name) for name in grant.fields if name != ANY_FIELD
    ]
    yield from path_problems(catalog.objects, definition.name, fields)
    for index, share in enumerate(grant.shares):
        where = f"{place}/share/{index}/{share.action}"
        yield from share_problems(share.condition, definition.name, where, catalog)


def share_problems(text: str, object_name: str, place: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with a condition under which a role reaches records."""
    schema = catalog.schema
    found = [
        *expression_problems(text, schema, object_name, place),
        *sealed_filter_problems(text, schema, object_name, place),
    ]
    yield from found
    if not found:
        node = parse_condition(text).resolve(schema, object_name, expect=Kind.BOOLEAN)
        # What an encrypted field is compared with only the keys know, which are not at hand here.
        if not any(is_sealed(one, schema) for one in walk(node)):
            yield from node_problems(node, object_name, place, catalog)
