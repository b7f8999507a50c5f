"""Uninstalling packages: what it would mean, and doing it. Data is kept, and can be taken along."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.diff import plan
from metadata.objects import ObjectDefinition
from metadata.operations import Operation
from metadata.packages.export import zipped
from metadata.packages.install import uninstall
from metadata.packages.requirements import removal_problems
from metadata.packages.uninstall import without_package
from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT
from trellis.audit import note
from trellis.errors import Missing, Refused
from trellis.installing.plans import Desk
from trellis.publishing import answering, conclude
from trellis.transfer.delimited import write_delimited
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What uninstalling a package would mean.

    `records` counts the records of objects that go out of use, `values` those with a value in a
    field (`object.field`) that does; `removed` names other elements that are taken away, local
    ones too. `problems` keep the package: others need it, or something still mentions it.
    """

    name: str
    base_version: int
    records: Mapping[str, int]
    values: Mapping[str, int]
    removed: tuple[str, ...]
    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]


def plan_removal(desk: Desk, name: str) -> RemovalPlan:
    """Gives what uninstalling a package would mean. Raises Missing when it is not installed."""
    current = desk.catalog.elements
    version = desk.catalog.version
    problems = removal_problems(name, current)
    if any(problem.code == "package_not_installed" for problem in problems):
        raise Missing(problems)
    removal = without_package(current, name)
    found = plan(current, removal.elements)
    return RemovalPlan(
        name,
        version,
        {one: rows(desk, one) for one in removal.objects},
        {one: rows(desk, *one.split(".")) for one in removal.fields},
        tuple(f"{one.kind} {one.name}" for one in removal.removed),
        found.operations,
        (*problems, *found.problems),
    )


def rows(desk: Desk, object_name: str, field: str = "") -> int:
    """Counts an object's records, or those with a value in a field."""
    table = desk.catalog.tables[object_name]
    counted = sa.select(sa.func.count()).select_from(table)
    definition = desk.catalog.objects[object_name].fields.get(field)
    column = definition.column if definition is not None else ""
    if column in table.c:
        counted = counted.where(table.c[column].is_not(None))
    return int(desk.connection.execute(counted).scalar_one())


def uninstall_package(desk: Desk, name: str, *, confirm: Collection[str] = ()) -> int:
    """Takes a package out of use and gives the version then in force.

    `confirm` holds its name, or everything that goes out of use. Raises Missing, Refused for what
    stands in the way, Conflict when somebody published meanwhile.
    """
    found = plan_removal(desk, name)
    if found.problems:
        raise Refused(found.problems)
    with answering(desk.connection, desk.catalog, found.base_version, path="", names=[name]):
        version = uninstall(
            desk.connection,
            name,
            by=desk.author,
            confirm=confirm,
            expected_version=found.base_version,
            at=desk.now,
        )
    return conclude(desk.connection, desk.catalog, version, by=desk.author, at=desk.now)


def export_data(unit: Unit, name: str) -> bytes:
    """Gives the records of a package's objects that the acting person may read, as a zip.

    One CSV file for each object, in the form in which it can be imported again, and one JSON file
    with the package and what is in which file.
    """
    found = [one for one in unit.catalog.objects.values() if one.package == name]
    if name not in unit.catalog.packages:
        raise Missing([Problem("", "package_not_installed", {"name": name})])
    files: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    for definition in found:
        if not unit.principal.access(definition.name).exists:
            continue
        lines = list(readable(unit, definition))
        files[f"{definition.name}.csv"] = csv_of(definition, lines)
        counts[definition.name] = len(lines)
    about = {"package": name, "version": unit.catalog.packages[name], "records": counts}
    files["package.json"] = (json.dumps(about, indent=2) + "\n").encode()
    return zipped(files)


def note_data(unit: Unit, name: str) -> None:
    """Writes into the audit that the records of a package were given out, as `export_data` does."""
    note(unit, "export", values={"package": name})


def readable(unit: Unit, definition: ObjectDefinition) -> Iterator[Mapping[str, object]]:
    """Gives all records of an object that the acting person may read, page by page."""
    after: str | None = None
    while True:
        page = unit.records().list(definition.name, limit=MAX_LIMIT, after=after)
        yield from page.items
        after = page.next
        if after is None:
            return


def csv_of(definition: ObjectDefinition, lines: list[Mapping[str, object]]) -> bytes:
    """Writes records as CSV: `id` first, then the fields that somebody could read."""
    seen = dict.fromkeys(name for line in lines for name in line)
    fields = [one for one in definition.fields.values() if one.name in seen and one.name != "id"]
    rows = [["id", *(one.name for one in fields)]]
    for line in lines:
        values = [(one, line.get(one.name)) for one in fields]
        texts = ["" if value is None else one.type.export(value, one) for one, value in values]
        rows.append([str(line["id"]), *texts])
    return write_delimited(rows).encode()
