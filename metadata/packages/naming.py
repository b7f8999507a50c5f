"""What was renamed, here or by a new version: which names mean the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from metadata.packages.three_way import Merge

Value = TypeVar("Value")


@dataclass(slots=True)
class Names:
    """For each side its names → the merged ones; only those that differ."""

    base: dict[str, str] = field(default_factory=dict)
    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sides:
    """What tells what was renamed.

    `base` and `theirs` map names to the former ones that a package says itself (`renamed_from`,
    "" without one); `ours` maps the package's names here to the physical ones, which never change.
    `others` are names here that somebody else has.
    """

    base: Mapping[str, str]
    ours: Mapping[str, str]
    theirs: Mapping[str, str]
    others: frozenset[str] = frozenset()


def align(sides: Sides, merge: Merge, path: tuple[object, ...]) -> Names:
    """Finds what was renamed; what both sides renamed differently is a conflict below `path`."""
    names = Names()
    new_names = {was: name for name, was in sides.theirs.items() if name not in sides.base}
    for was, former in sides.base.items():
        theirs = was if was in sides.theirs else new_names.get(was)
        ours = was if was in sides.ours else renamed_here(sides, {was, former}, theirs)
        merged = settled((was, ours, theirs), sides.others, merge, path)
        for side, name in ((names.base, was), (names.ours, ours), (names.theirs, theirs)):
            if name is not None and name != merged:
                side[name] = merged
    return names


def renamed_here(sides: Sides, physical: set[str], theirs: str | None) -> str | None:
    """Gives the name that something of the base got here."""
    return next(
        (
            name
            for name, column in sides.ours.items()
            if column in physical and name not in sides.base
            if name not in sides.theirs or name == theirs
        ),
        None,
    )


def settled(
    names: tuple[str, str | None, str | None],
    others: frozenset[str],
    merge: Merge,
    path: tuple[object, ...],
) -> str:
    """Gives the merged name of what had one name in the base."""
    was, ours, theirs = names
    if ours is None or ours == was:
        name = theirs or was
        if ours is None or name not in others:
            return name
    elif theirs in {None, was, ours}:
        return ours
    chosen = merge.choose(was, ours, theirs, (*path, theirs, "crm", "renamed_from"))
    return str(theirs) if chosen == theirs and theirs not in others else ours


def renamed(parts: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, Value]:
    """Gives parts under their merged names, in their order."""
    return {names.get(name, name): part for name, part in parts.items()}


def among(wanted: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Gives a list of names with the merged ones."""
    return [names.get(name, name) for name in wanted]
