"""Controls of objects and lists: several keywords together, and rows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from metadata.json_text import mapping, sequence
from trellis.web.setup.controls import MISSING, Control, Form, Pairs

EXTRA: Final = "*"
"""The part of a row that holds the keys without a schema of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Control):
    """Several controls for the keys of one object."""

    macro: ClassVar[str] = "group"
    parts: tuple[tuple[str, Control], ...] = ()

    def read(self, form: Form) -> object:
        """Gives what the document is to say: keys without a control stay."""
        found = merge(mapping(self.before), {key: part.read(form) for key, part in self.parts})
        stays = self.is_set and not mapping(self.before)
        return found if found or stays else MISSING


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the form, its key in a keyed one, and what it holds."""

    number: str
    key: str
    group: Group

    @property
    def title(self) -> str:
        """Gives what the row is about."""
        titled = mapping(self.group.before).get("title")
        return str(titled) if titled else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Control):
    """A list of objects, or with `is_keyed` objects by name. `make` gives the group of a row."""

    macro: ClassVar[str] = "rows"
    make: Callable[[str, object], Group]
    is_keyed: bool = False
    spare: tuple[object, ...] = ()

    @property
    def items(self) -> Sequence[tuple[str, object]]:
        """Gives the present rows with their keys."""
        if self.is_keyed:
            return list(mapping(self.before).items())
        return [("", item) for item in sequence(self.before)]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Gives the present rows, and empty ones to begin with."""
        present = tuple(self.row(str(n), *item) for n, item in enumerate(self.items))
        return present + tuple(self.row(f"new{n}", "", item) for n, item in enumerate(self.spare))

    @property
    def blank(self) -> Row:
        """Gives an empty row, whose number the browser gives."""
        return self.row("__row__", "", MISSING)

    def row(self, number: str, key: str, item: object) -> Row:
        """Gives one row."""
        return Row(number, key, self.make(f"{self.name}/{number}", item))

    def read(self, form: Form) -> object:
        """Gives the rows that were sent, in their order; without any, nothing."""
        if self.name not in form:
            return self.before
        rows = self.read_rows(form)
        if self.is_keyed:
            return {key: item for _, key, item in rows} or self.nothing
        return [item for _, _, item in rows if item] or self.nothing

    def read_rows(self, form: Form) -> list[tuple[str, str, object]]:
        """Gives number, key and object of each row that was sent; those without a key or a title
        are left out where keys matter."""
        known = {str(n): self.row(str(n), *item) for n, item in enumerate(self.items)}
        found: dict[str, tuple[str, str, object]] = {}
        for number in filter(None, form.getlist(self.name)):
            row = known.get(number) or self.row(number, "", MISSING)
            read = row.group.read(form)
            item: object = {} if read is MISSING else read
            key = form.get(f"{self.name}/{number}/", row.key).strip()
            title = str(mapping(item).get("title") or "")
            if self.is_keyed:
                key = key or (proposed(title, found) if title else "")
            if key or not self.is_keyed:
                found[key or number] = (number, key, item)
        return list(found.values())

    def renames(self, form: Form) -> dict[str, str]:
        """Gives the keys that were changed: the new ones by the old."""
        old = {str(number): key for number, (key, _) in enumerate(self.items)}
        if self.name not in form:
            return {}
        return {
            old[number]: key
            for number, key, _ in self.read_rows(form)
            if number in old and old[number] != key
        }

    @property
    def nothing(self) -> object:
        """Gives what stands there when no row does."""
        return self.before if self.is_set and not self.before else MISSING


def merge(before: Mapping[str, object], found: Mapping[str, object]) -> dict[str, object]:
    """Gives an object with the keys that were read: in their places, new ones at the end."""
    kept = {key: found.get(key, value) for key, value in before.items()}
    return {k: v for k, v in {**kept, **found}.items() if v is not MISSING}


def proposed(title: str, taken: Iterable[str]) -> str:
    """Gives an API name made of a title; a number where no ASCII letter is left."""
    letters = "".join(c if c.isascii() and c.isalnum() else " " for c in title.lower())
    used = set(taken)
    base = "_".join(letters.split())[:36].lstrip("0123456789_") or f"option_{len(used) + 1}"
    numbered = (f"{base}_{number}" for number in range(2, len(used) + 3))
    return next(name for name in (base, *numbered) if name not in used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Group):
    """A row: its keys, and with `extra` those without a schema as names with plain values."""

    extra: Pairs | None = None

    def read(self, form: Form) -> object:
        """Gives the row's object."""
        found = Group.read(self, form)
        if self.extra is None:
            return found
        pairs = self.extra.read(form)
        if pairs == self.extra.before:
            return found
        known = {key for key, _ in self.parts} | {"renamed_from"}
        kept = {key: value for key, value in mapping(found).items() if key in known}
        return {**kept, **mapping(pairs)} or MISSING
