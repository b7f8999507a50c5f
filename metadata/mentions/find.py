"""Where things are mentioned: in rules, views, layouts, roles, translations and other objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from metadata.elements import Element
from metadata.json_text import mapping, pointer, text
from metadata.mentions.places import Former, Place, visit_element
from metadata.mentions.things import things_at
from rule_engine.check.mentions import Thing
from rule_engine.editor import find_occurrences, find_roles
from rule_engine.errors import RuleSyntaxError
from rule_engine.types import Schema


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a thing is named: in the element of a kind and name.

    `path` is a JSON Pointer into its document, with `line` and `column` in a rule text; `text`
    is the expression or name that stands there, of a rule text the line.
    """

    kind: str
    name: str
    path: str
    text: str
    line: int | None = None
    column: int | None = None

    def to_json(self) -> dict[str, object]:
        """Gives the mention as it stands in a plan's answer."""
        place = {"line": self.line, "column": self.column}
        known = {key: number for key, number in place.items() if number is not None}
        return {"kind": self.kind, "name": self.name, "path": self.path, "text": self.text, **known}


Mentions = Mapping[Thing, Sequence[Mention]]


def all_mentions(elements: Iterable[Element], schema: Schema) -> Mentions:
    """Gives every thing that elements name, with the places; where it is defined is none."""
    found: dict[Thing, list[Mention]] = {}
    listed = list(elements)
    for thing, mention in (*in_documents(listed, schema), *in_rules(listed, schema)):
        places = found.setdefault(thing, [])
        if mention not in places:
            places.append(mention)
    return found


def find_mentions(elements: Iterable[Element], schema: Schema, thing: Thing) -> list[Mention]:
    """Gives the places where one thing is named."""
    return list(all_mentions(elements, schema).get(thing, ()))


def in_documents(elements: Sequence[Element], schema: Schema) -> Iterator[tuple[Thing, Mention]]:
    """Gives what JSON documents name; views and layouts name the object they belong to."""
    for element in elements:
        places: list[Place] = []

        def note(place: Place, places: list[Place] = places) -> str:
            places.append(place)
            return place.text

        visit_element(element, schema, note, Former(element.name))
        if element.kind in {"view", "layout"}:
            owner = element.name.partition("/")[0]
            yield (
                Thing("object", "", owner),
                Mention(element.kind, element.name, "", element.name),
            )
        for place in places:
            mention = Mention(element.kind, element.name, pointer(place.parts), place.text)
            for thing in dict.fromkeys(things_at(place, schema)):
                yield thing, mention


def in_rules(elements: Sequence[Element], schema: Schema) -> Iterator[tuple[Thing, Mention]]:
    """Gives what rule texts name."""
    texts = rule_texts_of(elements)
    _, found = find_occurrences(texts, schema)
    named = [(one.thing, one.source, one.token) for one in found if not one.declares]
    named += [
        (Thing("role", "", role), source, token)
        for source, written in texts.items()
        for role, token in find_roles(written)
    ]
    for thing, source, token in named:
        lines = texts[source].splitlines()
        line, column = token.line or 1, token.column or 1
        yield thing, Mention("rules", source, "/text", lines[line - 1].strip(), line, column)


def rule_texts_of(elements: Iterable[Element]) -> dict[str, str]:
    """Gives the rule texts that can be read, by name; the others are problems of their own."""
    texts = {e.name: text(mapping(e.body).get("text")) or "" for e in elements if e.kind == "rules"}
    return {name: written for name, written in texts.items() if is_readable(written)}


def is_readable(written: str) -> bool:
    """Says whether a rule text parses."""
    try:
        find_roles(written)
    except RuleSyntaxError:
        return False
    return True
