"""Measuring: medians of rounds that take turns, so that a busy machine is busy for all alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

ROUNDS = 7
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))

Work = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """One line: `against` is what `ratio` compares with, `reach` what was hoped for."""

    work: str
    seconds: float
    against: str = ""
    ratio: float | None = None
    reach: str = ""
    note: str = ""


def medians(
    works: Mapping[str, Work], *, times: int, rounds: int = ROUNDS, clock: Clock = time.process_time
) -> dict[str, float]:
    """Gives seconds per call of each work: in each round all run, `times` times each."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            start = clock()
            for _ in range(times):
                work()
            taken[name].append((clock() - start) / times)
    return {name: median(found) for name, found in taken.items()}


def readable(seconds: float) -> str:
    """Gives a time in a fitting unit."""
    unit, size = next(((u, s) for u, s in UNITS if seconds >= s), UNITS[-1])
    return f"{seconds / size:.2f} {unit}"


def table(title: str, rows: list[Row]) -> str:
    """Gives rows as a text with aligned columns."""
    head = ("work", "median", "ratio", "against", "reach", "note")
    lines = [head]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f} x"
        lines.append((row.work, readable(row.seconds), ratio, row.against, row.reach, row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    texts = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([title, *texts, ""])
