"""From a draft to the next version: a plan that says what it means, then publishing exactly it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metadata import store
from metadata.catalog import build_catalog
from metadata.checks import check_elements
from metadata.diff import plan
from metadata.elements import Element
from metadata.migrate import PublishConflict, Unconfirmed, publish
from metadata.operations import Operation
from metadata.problems import Problem
from trellis.automation.idle import Idle, idle_parts
from trellis.designer.drafts import author_of, place_of
from trellis.errors import Conflict, Refused
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Planned:
    """What publishing a draft would do.

    `token` stands for exactly this plan; `destructive` lists `object` or `object.field` to be
    confirmed. With `problems` it cannot be published.
    """

    token: str
    base_version: int
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]
    destructive: tuple[str, ...]
    elements: tuple[Element, ...]


def make_plan(unit: Unit) -> Planned:
    """Plans the acting administrator's draft against what is in force."""
    drafts = store.drafts(unit.connection, author_of(unit))
    return plan_elements(unit, store.with_drafts(unit.catalog.elements, drafts))


def make_rollback(unit: Unit, version: int) -> Planned:
    """Plans the way back to an older version. Raises Refused when there is none of that number."""
    author_of(unit)
    if not 1 <= version <= unit.catalog.version:
        values = {"version": version, "newest": unit.catalog.version}
        raise Refused([Problem("/version", "unknown_version", values)])
    return plan_elements(unit, store.elements_at(unit.connection, version))


def plan_elements(unit: Unit, wanted: Sequence[Element]) -> Planned:
    """Plans a whole wanted state and finds everything that stands in its way."""
    found = plan(unit.catalog.elements, wanted)
    problems = found.problems or tuple(misfits(found.elements))
    return Planned(
        token=token_of(unit.catalog.version, found.operations, wanted),
        base_version=unit.catalog.version,
        operations=found.operations,
        problems=problems,
        destructive=found.destructive,
        elements=found.elements,
    )


def idle_rules(planned: Planned) -> list[Idle]:
    """Gives what the planned rules say and nobody carries out yet; nothing with problems."""
    if planned.problems:
        return []
    return list(idle_parts(build_catalog(planned.base_version, planned.elements).program))


def token_of(version: int, operations: Sequence[Operation], wanted: Sequence[Element]) -> str:
    """Gives what stands for one plan: the base version, and a digest of everything wanted."""
    bodies = sorted((element.kind, element.name, json.dumps(element.body)) for element in wanted)
    kinds = [(operation.kind, operation.place) for operation in operations]
    text = json.dumps([version, bodies, kinds])
    return f"{version}.{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def misfits(elements: Sequence[Element]) -> Iterator[Problem]:
    """Finds where definitions that are right alone do not fit each other."""
    for (kind, name), problems in check_elements(elements).items():
        for problem in problems:
            yield replace(problem, path=place_of(kind, name) + problem.path)


def publish_plan(
    unit: Unit, token: str, *, message: str = "", confirm: Collection[str] = ()
) -> int:
    """Publishes the acting administrator's draft, if `token` still stands for what it would do.

    Gives the new version. Raises Conflict when somebody published since or the draft was changed,
    and Refused for problems and for what is lost without being confirmed.
    """
    author = author_of(unit)
    planned = make_plan(unit)
    if token != planned.token:
        raise outdated(token, planned)
    version = publish_planned(unit, planned, message=message, confirm=confirm)
    store.discard_drafts(unit.connection, author)
    return version


def publish_planned(unit: Unit, planned: Planned, *, message: str, confirm: Collection[str]) -> int:
    """Publishes a plan that was made in this transaction."""
    if planned.problems:
        raise Refused(planned.problems)
    try:
        return publish(
            unit.connection,
            planned.elements,
            by=unit.principal.name,
            message=message,
            confirm=confirm,
            expected_version=planned.base_version,
            at=unit.moment.now,
        )
    except PublishConflict as error:
        values = {"base": planned.base_version, "current": error.current}
        raise Conflict([Problem("/token", "base_moved", values)]) from error
    except Unconfirmed as error:
        raise Refused([Problem("/confirm", "unconfirmed", {"names": error.names})]) from error


def outdated(token: str, planned: Planned) -> Conflict:
    """Gives the answer to a plan that is not what would happen now."""
    base = token.partition(".")[0]
    if base != str(planned.base_version):
        values = {"base": base, "current": planned.base_version}
        return Conflict([Problem("/token", "base_moved", values)])
    return Conflict([Problem("/token", "draft_changed")])


@dataclass(frozen=True, slots=True)
class Published:
    """One version as the list of versions shows it."""

    version: int
    at: datetime
    by: str
    message: str
    operations: int


def versions(unit: Unit, limit: int = 200) -> list[Published]:
    """Gives the published versions, newest first."""
    author_of(unit)
    return [
        Published(entry.version, entry.at, entry.by, entry.message, len(entry.operations))
        for entry in store.history(unit.connection, limit)
    ]
