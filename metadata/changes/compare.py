"""What is different between two states of the definitions, part by part, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal

from metadata.changes.moved import authored
from metadata.diff import as_authored
from metadata.elements import Element
from metadata.json_text import pointer, text

State = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a document that is different; `before` or `after` is None where it is not there.

    In a rule text `path` is "/text", and the two are the lines that went and came.
    """

    path: str
    state: State
    before: object = None
    after: object = None

    def to_json(self) -> dict[str, object]:
        """Gives the part as an answer shows it."""
        told = {"path": self.path, "state": self.state}
        values = {"before": self.before, "after": self.after}
        return {**told, **{key: value for key, value in values.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Difference:
    """An element that is different; `was` is its name before when it has another one now."""

    kind: str
    name: str
    state: State
    parts: tuple[Part, ...] = ()
    was: str = ""

    def to_json(self) -> dict[str, object]:
        """Gives the difference as an answer shows it: keys by what happened to them."""
        told: dict[str, object] = {"kind": self.kind, "name": self.name, "state": self.state}
        if self.was:
            told["was"] = self.was
        return {**told, "parts": [part.to_json() for part in self.parts]}


def compare(before: Iterable[Element], after: Iterable[Element]) -> list[Difference]:
    """Gives the elements that differ, by kind and name; retired ones are not there."""
    old = [one for one in before if document_of(one) is not None]
    new = [one for one in after if document_of(one) is not None]
    by_id = {one.id: one for one in old if one.id}
    by_name = {one.key: one for one in old}
    found: list[Difference] = []
    matched: set[tuple[str, str]] = set()
    for element in new:
        was = by_id.get(element.id) or by_name.get(element.key)
        if was is None:
            found.append(Difference(element.kind, element.name, "added"))
            continue
        matched.add(was.key)
        parts = tuple(compare_elements(was, element))
        named = was.name if was.name != element.name else ""
        if parts or named:
            found.append(Difference(element.kind, element.name, "changed", parts, named))
    found += [Difference(one.kind, one.name, "removed") for one in old if one.key not in matched]
    return sorted(found, key=lambda one: (one.kind, one.name))


def document_of(element: Element) -> Mapping[str, object] | None:
    """Gives a document as it is written; None for what is not in use."""
    return authored(as_authored(element))


def compare_elements(before: Element, after: Element) -> Iterator[Part]:
    """Gives what is different between two states of one element."""
    old, new = document_of(before) or {}, document_of(after) or {}
    if before.kind == "rules":
        yield from compare_texts(text(old.get("text")) or "", text(new.get("text")) or "")
        return
    yield from compare_values(old, new, ())


def compare_texts(old: str, new: str) -> Iterator[Part]:
    """Gives the stretches of lines that differ between two rule texts."""
    went: list[str] = []
    came: list[str] = []
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))
    for line in [*lines[2:], "@@"]:
        if line.startswith("@@"):
            if went or came:
                state: State = "changed" if went and came else "added" if came else "removed"
                yield Part("/text", state, "\n".join(went) or None, "\n".join(came) or None)
            went, came = [], []
        elif line.startswith("-"):
            went.append(line[1:])
        else:
            came.append(line[1:])


def compare_values(old: object, new: object, path: tuple[object, ...]) -> Iterator[Part]:
    """Gives what is different between two JSON values: objects key by key, lists of one length
    item by item, others as a whole."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            yield from compare_members(old, new, key, (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (was, now) in enumerate(zip(old, new, strict=True)):
            yield from compare_values(was, now, (*path, index))
    else:
        yield Part(pointer(path), "changed", old, new)


def compare_members(
    old: Mapping[str, object], new: Mapping[str, object], key: str, path: tuple[object, ...]
) -> Iterator[Part]:
    """Gives what is different about one key."""
    if key not in old:
        yield Part(pointer(path), "added", None, new[key])
    elif key not in new:
        yield Part(pointer(path), "removed", old[key], None)
    else:
        yield from compare_values(old[key], new[key], path)
