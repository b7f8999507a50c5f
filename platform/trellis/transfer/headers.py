"""Which column of a file is which field: by name, by label in any language, by similarity."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition
from trellis.unit import Unit

RECORD_ID: Final = "id"
BY: Final = "by"
OWNER: Final = "owner"
ENOUGH: Final = 82
"""Similar from this score on, of 100."""
USUAL_SCORE: Final = 90
"""How surely a word that files use for a kind of field means the field of that kind."""
USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "phone": ("telephone", "tel", "phone number", "mobile", "电话", "联系电话", "手机", "手机号"),
    "email": ("email", "mail", "e mail address", "邮箱", "电子邮件", "邮件地址"),
    "url": ("website", "web site", "homepage", "url", "网站", "网址"),
    "address": ("address", "postal address", "地址"),
}
NAMING: Final = ("name", "full name", "title", "名称", "姓名")
"""Words for the field that names a record."""
MARKS: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column may fill; `by` names the field of the other record that a reference
    is found by, None for its id or any unique field."""

    field: str
    by: str | None = None

    def __str__(self) -> str:
        return self.field if self.by is None else f"{self.field}.{BY}.{self.by}"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to be: `how` says by what, `score` how surely (of 100)."""

    target: Target
    score: int
    how: str


Offer = tuple[str, Target, bool]
"""A name in plain form, the field that it means, and whether it is a label of that field."""


def fillable(unit: Unit, definition: ObjectDefinition) -> dict[str, FieldDefinition]:
    """Gives the fields that the acting person may write, by name; the owner for who may assign."""
    access = unit.principal.access(definition.name)
    found = {
        field.name: field
        for field in definition.own_fields
        if field.writable and not field.retired and access.edits(field.name)
    }
    if definition.owner and access.may("assign") and access.reads(OWNER):
        found[OWNER] = definition.fields[OWNER]
    return found


def read_target(unit: Unit, definition: ObjectDefinition, text: str) -> Target | None:
    """Gives what a text like `account`, `account.by.code` or `account.name` names, if it does."""
    fields = fillable(unit, definition)
    if text == RECORD_ID:
        return Target(RECORD_ID)
    name, _, rest = text.partition(".")
    if name not in fields:
        return None
    if not rest:
        return Target(name)
    by = rest.removeprefix(f"{BY}.")
    return Target(name, by) if by in findable(unit, fields[name]) else None


def findable(unit: Unit, field: FieldDefinition) -> list[str]:
    """Gives the fields by which the acting person may find the record of a reference."""
    return searchable(unit, field.target) if field.target else []


def searchable(unit: Unit, object_name: str) -> list[str]:
    """Gives the fields by which a record is found: unique ones, and the one that names it."""
    access = unit.principal.access(object_name)
    if not access.may("read"):
        return []
    definition = unit.catalog.objects[object_name]
    return [
        field.name
        for field in definition.fields.values()
        if (field.unique or field.name == definition.name_field)
        and field.name != RECORD_ID
        and not field.virtual
        and access.reads(field.name)
    ]


def guess_targets(
    unit: Unit, definition: ObjectDefinition, headers: Sequence[str], known: Mapping[str, str]
) -> list[Guess | None]:
    """Gives for each column what it seems to be; no field twice, the surest first.

    `known` are targets by header that the person chose before.
    """
    offers = list(offered(unit, definition))
    pairs: list[tuple[int, int, Guess]] = []
    for place, header in enumerate(headers):
        chosen = read_target(unit, definition, known.get(header, "")) or None
        if chosen is not None:
            pairs.append((101, -place, Guess(chosen, 100, "saved")))
            continue
        pairs += [
            (guess.score, -place, guess) for guess in guesses(unit, definition, header, offers)
        ]
    found: list[Guess | None] = [None] * len(headers)
    taken: set[str] = set()
    for _, place, guess in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
        if found[-place] is None and guess.target.field not in taken:
            found[-place] = guess
            taken.add(guess.target.field)
    return found


def guesses(
    unit: Unit,
    definition: ObjectDefinition,
    header: str,
    offers: Sequence[Offer],
) -> Iterator[Guess]:
    """Gives what a header may mean, with scores."""
    exact = read_target(unit, definition, header.strip())
    if exact is not None:
        yield Guess(exact, 100, "name")
        return
    wanted = plain(header)
    for text, target, is_label in offers:
        if wanted and wanted == text:
            yield Guess(target, 98, "label") if is_label else Guess(target, USUAL_SCORE, "similar")
        elif is_label:
            score = round(min(97, fuzz.token_sort_ratio(wanted, text)))
            if score >= ENOUGH:
                yield Guess(target, score, "similar")


def offered(unit: Unit, definition: ObjectDefinition) -> Iterator[Offer]:
    """Gives the names under which fields are known, in plain form, with what they mean."""
    yield "id", Target(RECORD_ID), True
    for field in fillable(unit, definition).values():
        for label in (field.name, *field.labels.values()):
            yield plain(label), Target(field.name), True
            for holder in {definition.name, *definition.labels.values()}:
                yield plain(f"{holder} {label}"), Target(field.name), True
            if field.target:
                yield plain(f"{label} {RECORD_ID}"), Target(field.name), True
            for by in findable(unit, field):
                other = unit.catalog.objects[str(field.target)].fields[by]
                for name in (by, *other.labels.values()):
                    yield plain(f"{label} {name}"), Target(field.name, by), True
        for word in usual_words(definition, field):
            yield plain(word), Target(field.name), False


def usual_words(definition: ObjectDefinition, field: FieldDefinition) -> Iterator[str]:
    """Gives what files call a field besides its label: by its kind, and as the name of a thing."""
    yield from USUAL.get(field.type.name, ())
    if field.name == definition.name_field:
        yield from NAMING
    elif not field.target:
        yield from (f"{label} name" for label in (field.name, *field.labels.values()))


def plain(text: str) -> str:
    """Gives a name without case, accents of width and marks: `First-Name*` is `first name`."""
    return MARKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
