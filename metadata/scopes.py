"""Scopes: how an API key is kept to a part of what its owner may do.

A scope is `object:action`; `*` stands for any of either. A key without scopes does what its owner
does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from metadata.access import ACTIONS, Access, Principal
from metadata.catalog import Catalog
from metadata.json_text import nearest
from metadata.problems import Problem
from metadata.relation_rights import with_relations

ANY: Final = "*"
ADMINISTER: Final = "administer"
SCOPE_ACTIONS: Final = (*ACTIONS, "create", ADMINISTER, ANY)
MAX_SCOPES: Final = 100


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a key is kept to."""

    patterns: frozenset[str]

    def allow(self, object_name: str, action: str) -> bool:
        """Says whether an action on records of an object is within the scopes."""
        tried = (object_name, ANY)
        return any(f"{name}:{one}" in self.patterns for name in tried for one in (action, ANY))

    @property
    def administer(self) -> bool:
        """Says whether the right to administer is within the scopes."""
        return not self.patterns.isdisjoint({f"{ANY}:{ADMINISTER}", f"{ANY}:{ANY}"})


def scope_problems(patterns: Iterable[str], objects: Collection[str]) -> list[Problem]:
    """Gives what is wrong with scopes, where `objects` are those that are known."""
    problems = []
    for place, pattern in enumerate(patterns):
        object_name, colon, action = pattern.partition(":")
        path = f"/scopes/{place}"
        if not colon:
            problems.append(Problem(path, "scope_form", {"value": pattern[:80]}))
            continue
        if object_name not in (*objects, ANY):
            problems.append(named(path, object_name, [*objects, ANY]))
        if action not in SCOPE_ACTIONS or (action == ADMINISTER and object_name != ANY):
            problems.append(named(path, action, SCOPE_ACTIONS))
    return problems


def named(path: str, name: str, known: Collection[str]) -> Problem:
    """Gives the problem of a name that is not known."""
    values = {"name": name, "known": sorted(known), "nearest": nearest(name, known)}
    return Problem(path, "unknown_value", values)


def limited(principal: Principal, scopes: Scopes | None, catalog: Catalog) -> Principal:
    """Gives a principal who may do what both its rights and the scopes allow."""
    if scopes is None:
        return principal
    kept = {name: limited_access(access, scopes) for name, access in principal.grants.items()}
    return replace(
        principal,
        grants=with_relations(kept, catalog.objects, catalog.links),
        may_administer=principal.may_administer and scopes.administer,
        scopes=scopes.patterns,
    )


def limited_access(access: Access, scopes: Scopes) -> Access:
    """Gives the part of an access that is within scopes."""
    name = access.object
    rows = {action: reach for action, reach in access.rows.items() if scopes.allow(name, action)}
    return replace(access, create=access.create and scopes.allow(name, "create"), rows=rows)
