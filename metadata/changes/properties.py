"""An object's fields, from those in force and those that are wanted.

A field keeps its id and column whatever it is called. Values of another kind never go into the
same column: the field gets a new one, and the old column stays, out of use, as a field of its own
that can be brought back. A name that is wanted for something else is taken from what is retired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from metadata.changes.storage import NOTHING, Fit, fit_of, type_of
from metadata.json_text import mapping, pointer, text
from metadata.operations import Operation
from metadata.problems import Problem
from metadata.stored import (
    REFUSED_COLUMNS,
    Document,
    as_written,
    changed_keys,
    column_of,
    crm_of,
    free_name,
    is_retired,
    with_crm,
)

Guess = Callable[[str, Document], str | None]

MAX_STEM: Final = 33
"""Characters of a name that is set aside: with `_old` and a number it is still a name."""


@dataclass(slots=True)
class Merged:
    """A document with all that the store keeps in it, and how it came about."""

    document: dict[str, object]
    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """A property as it is in force."""

    name: str
    document: Document

    @property
    def id(self) -> str:
        """Gives the field's stable id."""
        return text(crm_of(self.document).get("id")) or ""

    @property
    def column(self) -> str:
        """Gives the physical name."""
        return column_of(self.name, self.document)

    @property
    def retired(self) -> bool:
        """Says whether it is out of use."""
        return is_retired(self.document)

    @property
    def converted_from(self) -> str:
        """Gives the id of the field whose values it took over; "" for none."""
        return text(crm_of(self.document).get("converted_from")) or ""


class Settling:
    """Settles the properties of one object."""

    def __init__(
        self,
        before: Mapping[str, object],
        object_name: str,
        merged: Merged,
        former: Mapping[str, str],
    ) -> None:
        self.before = {name: Stored(name, mapping(old)) for name, old in before.items()}
        self.columns = {*REFUSED_COLUMNS, *(stored.column for stored in self.before.values())}
        self.object_name = object_name
        self.merged = merged
        self.former = former
        self.shadows: set[str] = set()  # whose values go on in another field
        self.sources: dict[str, Stored] = {}  # by the names of fields that come back
        self.taking: dict[str, Stored] = {}  # by the names of new fields with older values

    def settle(self, after: Mapping[str, object]) -> dict[str, object]:
        """Gives the properties: each with id and column, and the retired ones at the end."""
        matched = match_properties(self.before, after)
        settled: dict[str, object] = {}
        leaving = {was: old for was, old in self.before.items() if was not in matched.values()}
        self.find_ways_back(after, matched, leaving)
        self.find_taking(after, matched)
        for name, described in after.items():
            written, was = mapping(described), matched.get(name)
            if was is None:
                origin = self.taking.get(name)
                taken = origin and self.converted(origin, name, written)
                settled[name] = taken or self.new(name, written)
                continue
            stored = self.before[was]
            fit = fit_of(stored.document, written, self.former)
            if fit is Fit.SAME:
                settled[name] = self.kept(stored, name, written)
            else:
                self.refuse_unconvertible(stored, name, written, fit)
                settled[name] = self.converted(stored, name, written)
                leaving[stored.name] = stored
                self.shadows.add(stored.name)
        for was, old in leaving.items():
            name = self.set_aside(was, settled) if was in settled else was
            settled[name] = self.retired(old, name)
        return settled

    def find_ways_back(
        self,
        after: Mapping[str, object],
        matched: Mapping[str, str],
        leaving: Mapping[str, Stored],
    ) -> None:
        """Finds fields that come back and take the values of what they were converted to."""
        going = [old for old in leaving.values() if not old.retired]
        coming: list[Stored] = []
        for name, was in matched.items():
            is_live = not is_retired(mapping(after[name]))
            if self.before[was].retired and is_live:
                coming.append(self.before[was])
            elif not self.before[was].retired and not is_live:
                going.append(self.before[was])
        for stored in coming:
            for other in going:
                if stored.id == other.converted_from or other.id == stored.converted_from:
                    self.sources[stored.name] = other
                    self.shadows.add(other.name)

    def find_taking(self, after: Mapping[str, object], matched: Mapping[str, str]) -> None:
        """Finds fields of a plan made before: they say whose values they take over."""
        live = {stored.id: stored for stored in self.before.values() if not stored.retired}
        for name, described in after.items():
            origin = live.get(Stored(name, mapping(described)).converted_from)
            if name not in matched and origin is not None:
                self.taking[name] = origin
                self.shadows.add(origin.name)

    def operation(self, kind: str, name: str, identity: str, **detail: object) -> None:
        """Notes what happens to a field."""
        told = {key: value for key, value in detail.items() if value is not None}
        self.merged.operations.append(Operation(kind, self.object_name, name, identity, told))

    def new(self, name: str, written: Document) -> dict[str, object]:
        """Gives a property that is not there yet, with an id and its column."""
        identity = str(uuid4())
        self.operation("add_field", name, identity)
        made = self.with_link(NOTHING, name, written)
        return with_crm(made, id=identity, column=self.free_column(name))

    def with_link(self, before: Mapping[str, object], name: str, written: Document) -> Document:
        """Gives a property whose links' own fields are settled as those of an object are.

        They keep their kind: values of links do not convert.
        """
        link = mapping(crm_of(written).get("link"))
        if not link:
            return written
        known = mapping(mapping(crm_of(before).get("link")).get("properties"))
        inner = Merged({})
        properties = settle_properties(known, link, self.object_name, inner)
        for made in inner.operations:
            if made.kind == "convert_field":
                values = {"object": self.object_name, "field": made.field, **made.detail}
                place = pointer(("properties", name, "crm", "link", "properties", made.field))
                self.merged.problems.append(Problem(place, "cannot_convert", values))
        return with_crm(written, link={**link, "properties": properties})

    def free_column(self, name: str) -> str:
        """Gives a column that no field of the object ever had."""
        column = free_name(name, self.columns)
        self.columns.add(column)
        return column

    def kept(self, stored: Stored, name: str, written: Document) -> dict[str, object]:
        """Gives a property that was there, with its id and column, whatever its name is now."""
        identity = stored.id or str(uuid4())
        if is_retired(written) and not stored.retired and stored.name not in self.shadows:
            self.operation("retire_field", name, identity)
        if stored.retired and not is_retired(written):
            self.operation("restore_field", name, identity)
        if stored.name != name and stored.name not in self.shadows:
            self.operation("rename_field", name, identity, was=stored.name)
        if (source := self.sources.get(stored.name)) is not None:
            kinds = {"was": type_of(source.document), "wanted": type_of(written)}
            self.operation("convert_field", name, identity, **kinds, source=source.id)
        keys = changed_keys(as_written(stored.document), as_written(written))
        if keys:
            self.operation("change_field", name, identity, keys=keys)
        return with_crm(
            self.with_link(stored.document, name, written),
            id=identity,
            column=stored.column,
            converted_from=stored.converted_from or None,
        )

    def converted(self, stored: Stored, name: str, written: Document) -> dict[str, object]:
        """Gives a property whose values move to a new column, in another form."""
        identity = str(uuid4())
        kinds = {"was": type_of(stored.document), "wanted": type_of(written)}
        self.operation("convert_field", name, identity, **kinds, source=stored.id)
        if stored.name != name:
            self.operation("rename_field", name, identity, was=stored.name)
        return with_crm(
            written,
            id=identity,
            column=self.free_column(name),
            converted_from=stored.id,
            retired=True if is_retired(written) else None,
        )

    def refuse_unconvertible(self, stored: Stored, name: str, written: Document, fit: Fit) -> None:
        """Notes a type that the values cannot have."""
        if fit is Fit.CONVERTS:
            return
        values = {
            "object": self.object_name,
            "field": name,
            "was": type_of(stored.document),
            "wanted": type_of(written),
        }
        place = pointer(("properties", name))
        self.merged.problems.append(Problem(place, "cannot_convert", values))

    def set_aside(self, was: str, settled: Mapping[str, object]) -> str:
        """Gives another name to what is out of use and stands in the way of a wanted one."""
        return free_name(f"{was[:MAX_STEM]}_old", {*settled, *self.before})

    def retired(self, stored: Stored, name: str) -> dict[str, object]:
        """Gives a property that is no longer wanted: out of use, its column and data kept."""
        kept_as = name if name != stored.name else None
        if stored.retired:
            if kept_as is not None:
                self.operation("rename_field", name, stored.id, was=stored.name)
            return dict(stored.document)
        if stored.name not in self.shadows:
            self.operation("retire_field", stored.name, stored.id, kept_as=kept_as)
        return with_crm(stored.document, retired=True)


def settle_properties(
    before: Mapping[str, object],
    wanted: Document,
    object_name: str,
    merged: Merged,
    former: Mapping[str, str] = NOTHING,
) -> dict[str, object]:
    """Gives an object's properties with what the store keeps; notes what happens in `merged`.

    `former` are the names that objects had until now, by those of now.
    """
    settling = Settling(before, object_name, merged, former)
    return settling.settle(mapping(wanted.get("properties")))


def match_properties(before: Mapping[str, Stored], after: Mapping[str, object]) -> dict[str, str]:
    """Gives for wanted properties the names they have had until now.

    They are known by id, then by name, then by what they say themselves (`renamed_from`). A
    retired field comes back under its name only as what it was.
    """
    ids = {stored.id: name for name, stored in before.items() if stored.id}
    guesses: tuple[Guess, ...] = (
        lambda name, written: ids.get(text(crm_of(written).get("id")) or ""),
        lambda name, written: name if is_meant(before.get(name), written) else None,
        lambda name, written: text(crm_of(written).get("renamed_from")),
    )
    return dict(guessed(guesses, before, after))


def guessed(
    guesses: tuple[Guess, ...], before: Mapping[str, Stored], after: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Gives wanted names with former ones, the surest guesses first."""
    known: set[str] = set()
    taken: set[str] = set()
    for guess in guesses:
        for name, described in after.items():
            was = guess(name, mapping(described))
            if name not in known and was is not None and was in before and was not in taken:
                known.add(name)
                taken.add(was)
                yield name, was


def is_meant(stored: Stored | None, written: Document) -> bool:
    """Says whether a wanted property is the one of its name."""
    if stored is None:
        return False
    revived = stored.retired and not is_retired(written)
    return not revived or fit_of(stored.document, written) is Fit.SAME
