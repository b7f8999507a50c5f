"""A plan as people read it: what each operation does, how many rows it reaches, who mentions it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from metadata.changes.impact import Impact
from metadata.conversion import Sample, Tally
from metadata.json_text import mapping, sequence
from metadata.operations import Operation
from metadata.problems import Problem
from trellis import current
from trellis.designer.samples import may_see
from trellis.unit import Unit
from trellis.web.doors import words
from trellis.web.words import gettext, ngettext

ADDED, CHANGED, LOST = "added", "changed", "lost"
LOOKS = {ADDED: ("plus", "green"), CHANGED: ("pencil", "blue"), LOST: ("archive", "red")}


@dataclass(frozen=True, slots=True)
class MentionLine:
    """A place that names what is changed."""

    kind: str
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A value, and what it becomes; None for nothing."""

    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class ConversionLine:
    """How the values of a field fare when its type changes: title, hue, number and samples."""

    title: str
    hue: str
    number: int
    samples: tuple[SampleLine, ...]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One thing that publishing does."""

    text: str
    icon: str
    hue: str
    note: str = ""
    mentions: tuple[MentionLine, ...] = ()
    conversions: tuple[ConversionLine, ...] = ()
    edits: tuple[SampleLine, ...] = ()
    hidden: bool = False


def kind_of(operation: Operation) -> str:
    """Gives what an operation does."""
    if operation.is_destructive or operation.kind.startswith(("retire", "remove", "drop", "purge")):
        return LOST
    return ADDED if operation.kind.startswith(("create", "add", "restore")) else CHANGED


def grouped(
    operations: Iterable[Operation], details: Mapping[int, PlanLine] | None = None
) -> tuple[tuple[str, tuple[PlanLine, ...]], ...]:
    """Gives the operations by what they do: added, changed, lost.

    `details` are lines with more to tell, by the number of the operation.
    """
    titles = {
        ADDED: gettext("Added"),
        CHANGED: gettext("Changed"),
        LOST: gettext("Taken out of use"),
    }
    found: dict[str, list[PlanLine]] = {kind: [] for kind in titles}
    for number, operation in enumerate(operations):
        line = (details or {}).get(number) or plain(operation)
        found[kind_of(operation)].append(line)
    return tuple((titles[kind], tuple(lines)) for kind, lines in found.items() if lines)


def plain(operation: Operation) -> PlanLine:
    """Gives an operation without what it means for rows."""
    icon, hue = LOOKS[kind_of(operation)]
    return PlanLine(operation.sentence(current.language()), icon, hue, edits=edits_of(operation))


def detailed(
    unit: Unit, operations: Sequence[Operation], impacts: Sequence[Impact]
) -> dict[int, PlanLine]:
    """Gives the lines of a plan that was measured, by the number of the operation."""
    pairs = zip(operations, impacts, strict=False)
    return {
        number: with_impact(unit, operation, impact)
        for number, (operation, impact) in enumerate(pairs)
    }


def with_impact(unit: Unit, operation: Operation, impact: Impact) -> PlanLine:
    """Gives one operation with what it means."""
    line = plain(operation)
    note = ""
    if impact.tally is None and impact.rows:
        note = ngettext("%(num)s record", "%(num)s records", impact.rows)
    if impact.later is not None:
        note = "; ".join(part for part in (note, words(impact.later)) if part)
    mentions = tuple(
        MentionLine(
            kind=words(Problem("", f"element_{one.kind}")),
            place=f"{one.name}:{one.line}" if one.line else one.name,
            text=one.text,
        )
        for one in impact.mentions
    )
    line = replace(line, note=note, mentions=mentions)
    if impact.tally is None:
        return line
    seen = may_see(unit, operation)
    return replace(line, conversions=tuple(tallied(impact.tally, seen)), hidden=not seen)


def tallied(tally: Tally, seen: bool) -> Iterator[ConversionLine]:
    """Gives how values fare; no samples of what may not be seen."""
    titles = (
        ("converted", gettext("stay as they are"), "green", tally.converted),
        ("changed", gettext("change their form"), "amber", tally.changed),
        ("lost", gettext("do not convert"), "red", tally.lost),
    )
    for kind, title, hue, number in titles:
        if number:
            samples = tally.samples[kind] if seen and kind != "converted" else []
            yield ConversionLine(title, hue, number, tuple(map(sample_line, samples)))


def sample_line(sample: Sample) -> SampleLine:
    """Gives one sample."""
    return SampleLine(sample.before, sample.after)


def edits_of(operation: Operation) -> tuple[SampleLine, ...]:
    """Gives the texts that follow new names, before and after."""
    return tuple(
        SampleLine(str(mapping(one).get("before")), str(mapping(one).get("after")))
        for one in sequence(operation.detail.get("changes"))
    )
