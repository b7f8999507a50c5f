"""Finding the records that the texts of a column mean, as the acting person sees them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from metadata.fields.base import FieldDefinition, Refused
from metadata.fields.values import read_value
from metadata.json_text import pointer
from metadata.problems import Problem
from metadata.query import QueryProblem
from metadata.query.selection import value_parts
from rule_engine.types import Kind
from trellis.duplicates.redirects import SHOWN, unknown_reference
from trellis.transfer.headers import RECORD_ID, searchable
from trellis.unit import Unit


@dataclass(slots=True)
class Finder:
    """Finds records of any object for one batch of rows; what was found once is kept.

    `made` are the numbers of rows by the ids of the records that they have made.
    """

    unit: Unit
    known: dict[tuple[str, str, str], Sequence[str]] = field(default_factory=dict)
    made: Mapping[str, int] = field(default_factory=dict)

    def find(
        self, object_name: str, by: str | None, text: str, before: int = sys.maxsize
    ) -> Sequence[str]:
        """Gives the ids of the records that a text means, two at most; of those that rows of the
        file have made only what the ones `before` a row did."""
        place = (object_name, by or "", text)
        if place not in self.known:
            self.known[place] = self._search(object_name, by, text)
        return [one for one in self.known[place] if self.made.get(one, 0) < before]

    def prepare(self, object_name: str, by: str | None, texts: Iterable[str]) -> None:
        """Finds what texts mean, all at once: ids, and values of fields that hold texts."""
        if not self.unit.principal.access(object_name).may("read"):
            return
        place = by or ""
        rest = {text for text in texts if (object_name, place, text) not in self.known}
        if by in (None, RECORD_ID):
            for record_id in self.unit.records().by_ids(object_name, rest, [RECORD_ID]):
                self.known[(object_name, place, record_id)] = (record_id,)
                rest.discard(record_id)
        for name in searchable(self.unit, object_name) if by is None else (by,):
            if not rest or name == RECORD_ID:
                break
            if not self._holds_texts(object_name, name):
                return
            found = self._holding(object_name, name, rest)
            self.known |= {(object_name, place, text): ids for text, ids in found.items()}
            rest -= found.keys()
        self.known |= dict.fromkeys(((object_name, place, text) for text in rest), ())

    def _holds_texts(self, object_name: str, name: str) -> bool:
        known = self.unit.catalog.objects[object_name].fields[name]
        is_text = known.type.kind is Kind.TEXT and value_parts(known) == ("",)
        return is_text and not known.type.is_sealed

    def _holding(
        self, object_name: str, name: str, texts: Iterable[str]
    ) -> dict[str, Sequence[str]]:
        known, zone = self.unit.catalog.objects[object_name].fields[name], self.unit.moment.zone
        wanted: dict[str, object] = {}
        for text in texts:
            try:
                wanted[text] = read_value(known, text, zone)
            except Refused:
                continue
        values = {str(value) for value in wanted.values() if value is not None}
        found = self.unit.records().holding(object_name, name, values, 2) if values else {}
        return {
            text: found[str(value)]
            for text, value in wanted.items()
            if value is not None and str(value) in found
        }

    def _search(self, object_name: str, by: str | None, text: str) -> Sequence[str]:
        if not self.unit.principal.access(object_name).may("read"):
            return ()
        if by == RECORD_ID:
            return tuple(self.unit.records().by_ids(object_name, [text], [RECORD_ID]))
        if by is not None:
            return self._matching(object_name, by, text)
        for name in searchable(self.unit, object_name):
            found = self._matching(object_name, name, text)
            if found:
                return found
        return ()

    def _matching(self, object_name: str, by: str, text: str) -> Sequence[str]:
        known = self.unit.catalog.objects[object_name].fields[by]
        try:
            wanted = read_value(known, text, self.unit.moment.zone)
        except Refused:
            return ()
        if wanted is None:
            return ()
        try:
            page = self.unit.records().list(
                object_name, fields=[RECORD_ID], match={by: wanted}, limit=2
            )
        except QueryProblem:
            return ()
        return [str(item["id"]) for item in page.items]


def resolve(
    finder: Finder, known: FieldDefinition, by: str | None, given: object, row: int
) -> tuple[object, Problem | None]:
    """Gives the value of a reference: the record's id instead of the text that stands for it."""
    if given is None:
        return None, None
    target = known.type.target_of(given, known)
    text = str(given)
    found = finder.find(target, by, text, row)
    if len(found) == 1:
        return known.type.pointing_at(target, found[0], known), None
    return None, not_one(finder, known, target, text, found)


def resolve_links(
    finder: Finder, known: FieldDefinition, by: str | None, given: object, row: int
) -> tuple[object, list[Problem]]:
    """Gives a list of links with ids instead of the texts that stand for them."""
    if not isinstance(given, tuple):
        return given, []
    target, problems, links = str(known.text("to")), [], []
    for item in given:
        text = str(item["id"])
        found = finder.find(target, by, text, row)
        if len(found) == 1:
            links.append({**item, "id": found[0]})
            continue
        problems.append(not_one(finder, known, target, text, found))
    return links, problems


def not_one(
    finder: Finder, known: FieldDefinition, target: str, text: str, found: Sequence[str]
) -> Problem:
    """Gives what is wrong with a text that does not stand for one record."""
    path = pointer([known.name])
    if found:
        return Problem(path, "ambiguous_reference", {"field": known.name, "value": text[:SHOWN]})
    return unknown_reference(finder.unit, path, known.name, target, text)


def texts_of(values: Iterable[object], known: FieldDefinition) -> Mapping[str, set[str]]:
    """Gives the texts that a column's values hold, by the object they are to be found in."""
    found: dict[str, set[str]] = {}
    for value in values:
        if value is not None:
            found.setdefault(known.type.target_of(value, known), set()).add(str(value))
    return found
