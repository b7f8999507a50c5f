"""What no two living records may share: values under a condition, or a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metadata.json_text import mapping, sequence, strings, text

UNIQUE: Final = "unique_when"
OVERLAP: Final = "no_overlap"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One demand on pairs of records that agree in the fields `by`, while `when` holds for both.

    With `start` and `end` their intervals [start, end) may not overlap; an empty end is open.
    Without these no two records may agree at all. A record with an empty `by` or start is free.
    `place` is the JSON Pointer in the definition.
    """

    keyword: str
    place: str
    by: tuple[str, ...]
    start: str | None = None
    end: str | None = None
    when: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Gives the fields whose values decide, `when` aside."""
        return (*self.by, *(name for name in (self.start, self.end) if name is not None))

    @property
    def rivals(self) -> str:
        """Gives the condition under which another record stands in the way of `this`."""
        terms = ["id != this.id", *(f"{name} = this.{name}" for name in self.by)]
        if self.start is not None:
            terms.append(f"({self.end} is empty or {self.end} > this.{self.start})")
            terms.append(f"(this.{self.end} is empty or {self.start} < this.{self.end})")
        if self.when is not None:
            terms.append(f"({self.when}\n)")
        return " and ".join(terms)

    def concerns(self, record: Mapping[str, object]) -> bool:
        """Says whether a record has all the values that could meet others'; not asked of `when`."""
        wanted = (*self.by, *([self.start] if self.start is not None else ()))
        return all(record.get(name) is not None for name in wanted)


def read_exclusions(crm: Mapping[str, object]) -> tuple[Exclusion, ...]:
    """Gives an object's `unique_when` and `no_overlap`."""
    groups = [
        Exclusion(
            keyword=UNIQUE,
            place=f"/crm/{UNIQUE}/{index}",
            by=strings(mapping(given).get("fields")),
            when=text(mapping(given).get("when")),
        )
        for index, given in enumerate(sequence(crm.get(UNIQUE)))
    ]
    intervals = [
        Exclusion(
            keyword=OVERLAP,
            place=f"/crm/{OVERLAP}/{index}",
            by=strings(mapping(given).get("by")),
            start=text(mapping(given).get("start")),
            end=text(mapping(given).get("end")),
            when=text(mapping(given).get("when")),
        )
        for index, given in enumerate(sequence(crm.get(OVERLAP)))
    ]
    return (*groups, *intervals)
