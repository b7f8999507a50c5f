"""What the next catalog takes over from the one before: whatever is still the same.

Nothing here decides what a catalog is: the same elements give an equal one with or without an
older one at hand, only sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa

from metadata.conditions import Conditions
from metadata.ddl import table_for
from metadata.elements import Element
from metadata.keywords import KeywordCheck
from metadata.objects import ObjectDefinition
from metadata.schema import RuleObject, RuleSchema
from metadata.translations import Translations
from rule_engine import Program

Key = tuple[str, str]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read of each element, and the translations that went into it."""

    translations: Translations = field(default_factory=lambda: Translations(()))
    elements: Mapping[Key, Element] = field(default_factory=dict)
    made: dict[Key, object] = field(default_factory=dict)

    def still(self, element: Element, translations: Translations) -> bool:
        """Says whether an element would be read to the same again."""
        known = self.elements.get(element.key)
        if known is None or not (known is element or known == element):
            return False
        place = ("objects", element.name) if element.kind == "object" else ()
        return translations.says_the_same(self.translations, *place)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads elements, those that an older catalog has read already by looking them up."""

    readings: Readings
    before: Readings = field(default_factory=Readings)

    @property
    def translations(self) -> Translations:
        """The translations in force."""
        return self.readings.translations

    def read(self, element: Element, kind: type[Made], read: Callable[[], Made]) -> Made:
        """Gives what an element defines, of the Python type `kind`."""
        if self.before.still(element, self.readings.translations):
            found = self.before.made.get(element.key)
        else:
            found = None
        made = found if isinstance(found, kind) else read()
        self.readings.made[element.key] = made
        return made


class Tables(Mapping[str, sa.Table]):
    """The tables of objects by name, each made when it is first asked for.

    Threads may ask at once: all get the same one.
    """

    def __init__(self, definitions: Mapping[str, ObjectDefinition], before: Tables | None) -> None:
        self._definitions = definitions
        self._made: dict[str, sa.Table] = {}
        if before is not None:
            self._made = {
                name: table
                for name, table in list(before._made.items())
                if is_same(before._definitions[name], definitions.get(name))
            }

    def __getitem__(self, name: str) -> sa.Table:
        found = self._made.get(name)
        if found is None:
            # A collection of its own each: what a later catalog takes over holds nothing else.
            made = table_for(self._definitions[name], sa.MetaData())
            found = self._made.setdefault(name, made)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an older catalog had made of definitions that are the same in the next one.

    `conditions` and `program` were compiled against `schema`: `goes_on` says whether they hold;
    `rule_texts` are those that the program is made of, with their packages.
    """

    tables: Tables | None = None
    rule_objects: Mapping[str, RuleObject] = field(default_factory=dict)
    keyword_checks: Mapping[str, KeywordCheck | None] = field(default_factory=dict)
    schema: RuleSchema | None = None
    conditions: Mapping[str, Conditions] = field(default_factory=dict)
    rule_texts: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})
    program: Program | None = None


def is_same(before: ObjectDefinition | None, after: ObjectDefinition | None) -> bool:
    """Says whether a definition is what it was."""
    return before is after or before == after


def goes_on(before: RuleSchema | None, after: RuleSchema) -> bool:
    """Says whether what was compiled against a schema means the same in the next one.

    Objects and ways back may have come; what there was is as it was.
    """
    if before is None or not before.by_label.items() <= after.by_label.items():
        return False
    return all(
        (now := after.objects.get(name)) is not None
        and (was is now or (was.fields == now.fields and was.links.items() <= now.links.items()))
        for name, was in before.objects.items()
    )
