"""The rules of open approval requests when definitions change: they follow new names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.catalog import Catalog, build_catalog
from metadata.changes.renames import find_renames
from metadata.changes.rule_texts import NewNames
from metadata.diff import match
from metadata.elements import Element
from metadata.mentions.things import Renames
from metadata.problems import Problem
from rule_engine.editor import RenameError
from trellis.automation.requests import OPEN, approval_request
from trellis.automation.rulebook import (
    approval_among,
    approval_named,
    digest_of,
    keep_rules,
    kept_texts,
    places_of,
    program_of,
    program_under,
)

IS_OPEN = approval_request.c.status == sa.literal_column(f"'{OPEN}'")
"""Written as in the index of open requests, so that closed ones are not gone through."""


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """What publishing does to open approval requests: the rules of `renamed` ones follow new names,
    those of `stuck` ones do not fit any more, so that nobody could decide."""

    renamed: int = 0
    stuck: int = 0

    def to_json(self) -> dict[str, object]:
        """Gives the counts as they stand in a plan's answer."""
        return {"renamed": self.renamed, "stuck": self.stuck}

    @property
    def told(self) -> tuple[Problem, ...]:
        """Gives in words what there is to say."""
        counts = {"requests_renamed": self.renamed, "requests_stuck": self.stuck}
        return tuple(Problem("", code, {"count": n}) for code, n in counts.items() if n)


@dataclass(frozen=True, slots=True)
class Pinned:
    """Open requests that are on the same kept rules, and these rules with the new names.

    `requests` counts them by the id of their object and their approval.
    """

    digest: str
    requests: Mapping[tuple[str, str], int]
    texts: Mapping[str, str]
    follows: bool


def follow_names(connection: sa.Connection, before: Catalog, elements: Sequence[Element]) -> None:
    """Has the rules of open requests follow the new names that things have in `elements`, which
    have taken the place of those of `before`."""
    known = approval_request.c.rules
    moves = {
        one.digest: keep_rules(connection, one.texts)
        for one in pinned(connection, before, elements)
        if one.follows
    }
    if moves:  # all at once: names may change places, and texts with them
        moved = sa.update(approval_request).where(IS_OPEN, known.in_(moves))
        connection.execute(moved.values(rules=sa.case(moves, value=known)))


def plan_requests(
    connection: sa.Connection, before: Catalog, elements: Sequence[Element]
) -> RequestPlan:
    """Gives what publishing `elements` in place of those of `before` does to open requests."""
    if objects_among(before.elements) == objects_among(elements):
        return RequestPlan()
    after, following, stuck = build_catalog(0, elements, previous=before), 0, 0
    for one in pinned(connection, before, elements):
        following += sum(one.requests.values()) if one.follows else 0
        stuck += count_stuck(connection, before, after, one)
    return RequestPlan(following, stuck)


def objects_among(elements: Sequence[Element]) -> dict[str, Element]:
    """Gives the objects among elements, by id."""
    return {element.id: element for element in elements if element.kind == "object"}


def pinned(
    connection: sa.Connection, before: Catalog, elements: Sequence[Element]
) -> Iterator[Pinned]:
    """Gives the open requests by their rules, each kept text looked at once."""
    request = approval_request.c
    columns = request.rules, request.object, request.approval
    asked = sa.select(*columns, sa.func.count().label("number")).where(IS_OPEN)
    found: dict[str, dict[tuple[str, str], int]] = {}
    for row in connection.execute(asked.group_by(*columns).order_by(*columns)):
        found.setdefault(row.rules, {})[row.object, row.approval] = row.number
    if not found:
        return
    renames = dict(find_renames(match(before.elements, elements)))
    for digest, requests in found.items():
        texts = kept_texts(connection, digest)
        after = renamed(before, digest, texts, renames)
        yield Pinned(digest, requests, after, after != texts)


def renamed(
    before: Catalog, digest: str, texts: Mapping[str, str], renames: Renames
) -> Mapping[str, str]:
    """Gives kept texts with the new names, made once for the plan and for publishing it."""

    def made() -> dict[str, str]:
        try:
            return dict(NewNames(before.schema, renames).follow(texts))
        except RenameError:  # a name means something else there: `approval_of` says what is left
            return dict(texts)

    return before.queries.get(("new names", digest, frozenset(renames.items())), dict, made)


def count_stuck(connection: sa.Connection, before: Catalog, after: Catalog, one: Pinned) -> int:
    """Counts the requests whose rules are right now and would not be."""
    was = program_of(connection, before, one.digest)
    new = program_under(after, digest_of(one.texts), lambda: one.texts)
    names = {definition.id: definition.name for definition in before.objects.values()}
    later = {definition.id: definition.name for definition in after.objects.values()}
    stuck = 0
    for (object_id, name), number in one.requests.items():
        approval = approval_named(was, names.get(object_id, ""), name)
        if approval is None:
            continue
        path = places_of(approval)
        if approval_among(new, after, later.get(object_id, ""), name, path) is None:
            stuck += number
    return stuck
