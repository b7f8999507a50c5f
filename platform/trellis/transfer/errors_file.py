"""The rows of an import that could not be taken, as a file to correct and import again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from metadata.fields.base import FieldDefinition, choose_label
from metadata.objects import ObjectDefinition
from metadata.problems import Problem, sentence
from trellis.transfer.delimited import write_delimited
from trellis.transfer.imports import Import, problem_rows
from trellis.transfer.tables import CELLS, ERROR, KEPT, opened
from trellis.unit import Unit

REASONS = {"en": "Why it was not imported", "zh": "未导入的原因"}
NUMBER = {"en": "Row", "zh": "行号"}
AT_ONCE = 1_000
LEFT = (ERROR, KEPT)


def said(definition: ObjectDefinition, problem: Problem, language: str) -> str:
    """Words a problem of a row, with the label of the field that it is about."""
    known = definition.fields.get(problem.path.removeprefix("/").partition("/")[0])
    if known is None:
        return sentence(problem, language)
    return f"{known.label(language)}: {sentence(in_titles(known, problem, language), language)}"


def in_titles(known: FieldDefinition, problem: Problem, language: str) -> Problem:
    """Gives a problem that names options by their titles, as people know them."""
    if problem.code != "not_option":
        return problem
    titles = [choose_label(one.labels, language) for one in known.options if not one.retired]
    return replace(problem, values={**problem.values, "known": titles})


def errors_file(unit: Unit, run: Import, language: str) -> Iterator[bytes]:
    """Gives a CSV file piece by piece: the original columns, the row's number, and all reasons.

    Its texts are safe in spreadsheets, as those of an export for them.
    """
    definition = unit.catalog.objects[run.object]
    yield b"\xef\xbb\xbf"
    head = [*run.layout.headers, NUMBER[language], REASONS[language]]
    yield write_delimited([head], safe=True).encode()
    after = 0
    while rows := problem_rows(unit, run, AT_ONCE, after):
        lines: list[Sequence[str]] = []
        for row in rows:
            if row["outcome"] not in LEFT:
                continue
            cells, _beyond = opened(unit.connection, row["cells"], run.id, CELLS)
            problems = [Problem(one["path"], one["code"], one["values"]) for one in row["problems"]]
            reasons = "; ".join(said(definition, problem, language) for problem in problems)
            shown = ["" if cell is None else str(cell) for cell in cells]
            lines.append([*shown, str(row["number"]), reasons])
        yield write_delimited(lines, safe=True).encode()
        after = rows[-1]["number"]
