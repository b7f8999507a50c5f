"""Demo files of a package: read, and their values checked."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from metadata.catalog import Catalog
from metadata.fields.base import Refused
from metadata.fields.values import read_value
from metadata.json_text import mapping, nearest, read_json, sequence
from metadata.objects import ObjectDefinition
from metadata.packages.demo_recipes import recipe_problems
from metadata.packages.read import placed
from metadata.problems import Problem

GENERATOR: Final = "generate.json"
BY: Final = ".by."


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One record of a demo file; `line` is its line in a CSV file, its number in a JSON list."""

    line: int
    values: Mapping[str, object]


def demo_problems(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with demo files; paths are `demo/file:line/field`."""
    for name, content in files.items():
        if name == GENERATOR:
            document, problems = read_json(content)
            problems = problems or recipe_problems(document, catalog)
            yield from (placed(f"demo/{name}", problem) for problem in problems)
            continue
        yield from file_problems(name, content, catalog)


def file_problems(name: str, content: bytes, catalog: Catalog) -> Iterator[Problem]:
    """Gives what is wrong with the records of one object."""
    file = f"demo/{name}"
    target = name.rpartition(".")[0]
    definition = catalog.objects.get(target)
    if definition is None:
        known = list(catalog.objects)
        values = {"name": target, "nearest": nearest(target, known), "known": known}
        yield Problem(file, "unknown_object", values)
        return
    rows = read_rows(name, content)
    if isinstance(rows, Problem):
        yield replace(rows, path=file)
        return
    reported: set[str] = set()
    for row in rows:
        for problem in row_problems(definition, row, file, catalog):
            if problem.code != "unknown_field" or problem.path.rpartition("/")[2] not in reported:
                reported.add(problem.path.rpartition("/")[2])
                yield problem


def read_rows(name: str, content: bytes) -> list[DemoRow] | Problem:
    """Gives the records of a CSV file or of a JSON list."""
    if name.endswith(".json"):
        document, problems = read_json(content)
        if problems:
            return problems[0]
        return [DemoRow(i, mapping(row)) for i, row in enumerate(sequence(document), 1)]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Problem("", "json_encoding")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        return [
            DemoRow(reader.line_num, {str(key): value for key, value in row.items()})
            for row in reader
        ]
    except csv.Error as error:
        return Problem("", "csv_syntax", {"detail": str(error)}, reader.line_num, 1)


def row_problems(
    definition: ObjectDefinition, row: DemoRow, file: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives what is wrong with one record."""
    given: set[str] = set()
    for header, value in row.values.items():
        name, by, key = header.partition(BY)
        place = f"{file}:{row.line}/{header}"
        field = definition.fields.get(name)
        if field is None or field.computed:
            hint = nearest(name, definition.fields)
            values = {"object": definition.name, "name": name, "nearest": hint}
            yield Problem(place, "unknown_field", values)
            continue
        if by and (field.target is None or key not in catalog.objects[field.target].fields):
            values = {"object": field.target or definition.name, "name": key}
            yield Problem(place, "unknown_field", values)
            continue
        if value not in (None, ""):
            given.add(name)
        try:
            read_value(field, value)
        except Refused as refused:
            yield Problem(place, refused.code, {"field": name, **refused.values})
    for field in definition.own_fields:
        if field.required and field.name not in given and field.default is None:
            yield Problem(f"{file}:{row.line}/{field.name}", "required", {"field": field.name})
