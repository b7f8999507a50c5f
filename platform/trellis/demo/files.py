"""Records of demo files, made in the order in which they refer to each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from metadata.packages.demo import BY, GENERATOR, DemoRow, read_rows
from metadata.problems import Problem
from trellis.errors import Refused
from trellis.records.save import save_record
from trellis.unit import Unit

ROLE = "@"

Rows = Mapping[str, Sequence[DemoRow]]


def read_files(folder: Path) -> dict[str, list[DemoRow]]:
    """Gives the rows of `<object>.csv` and `<object>.json` by object. Raises Refused."""
    found: dict[str, list[DemoRow]] = {}
    for path in sorted((*folder.glob("*.csv"), *folder.glob("*.json"))):
        if path.name == GENERATOR:
            continue
        rows = read_rows(path.name, path.read_bytes())
        if isinstance(rows, Problem):
            raise Refused([rows])
        found[path.stem] = rows
    return found


def load_files(unit: Unit, files: Rows) -> dict[str, list[str]]:
    """Makes the records of all files; gives their ids by object. Raises Refused."""
    made: dict[str, list[str]] = {}
    for name in in_order(unit, files):
        made[name] = [
            save_record(unit, name, None, values_of(unit, name, row), channel="import").id
            for row in files[name]
        ]
    return made


def in_order(unit: Unit, files: Rows) -> Iterator[str]:
    """Gives the objects, each after those that it refers to; circles in the order of the files."""
    waiting = list(files)
    while waiting:
        free = (name for name in waiting if not targets(unit, name) & set(waiting) - {name})
        name = next(free, waiting[0])
        waiting.remove(name)
        yield name


def targets(unit: Unit, name: str) -> set[str]:
    """Gives the objects that an object refers to."""
    return {str(field.target) for field in unit.catalog.objects[name].references}


def values_of(unit: Unit, name: str, row: DemoRow) -> dict[str, object]:
    """Gives a row as it is saved: people by role are found, and the keys of references."""
    definition = unit.catalog.objects[name]
    values: dict[str, object] = {}
    for header, value in row.values.items():
        field_name, by, key = header.partition(BY)
        field = definition.fields.get(field_name)
        target = field.target if field is not None else None
        if value in (None, ""):
            continue
        if by and target is not None:
            values[field_name] = found_by(unit, target, key, value)
        elif target == "user" and str(value).startswith(ROLE):
            values[field_name] = holder_of(unit, str(value).removeprefix(ROLE))
        else:
            values[field_name] = value
    return values


def found_by(unit: Unit, target: str, key: str, value: object) -> object:
    """Gives the id of the one record whose field has this value, else the value itself."""
    page = unit.records().list(target, fields=["id"], match={key: value}, limit=2)
    return page.items[0]["id"] if len(page.items) == 1 else value


def holder_of(unit: Unit, role: str) -> str | None:
    """Gives the first person who holds a role."""
    return next(iter(unit.directory.resolve("role", role, None)), None)
