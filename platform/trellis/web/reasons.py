"""The trace of a condition in words: what was asked, and what the record says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trellis.web.words import gettext

from metadata.access import Access
from metadata.objects import ObjectDefinition

Trace = Mapping[str, object]

MAX_PARTS = 3
WORD = re.compile(r"[a-z][a-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Reasons:
    """Words traces about one object for one reader; what she may not read is left out."""

    definition: ObjectDefinition
    access: Access
    language: str

    def sentence(self, trace: object) -> str:
        """Gives the conditions that decided; nothing where there was none, or it is hidden."""
        if not isinstance(trace, Mapping):
            return ""
        holds = trace.get("value") is True
        parts = dict.fromkeys(filter(None, map(self.part, deciding(trace, holds))))
        joined = gettext("; ").join(list(parts)[:MAX_PARTS])
        if not joined:
            return ""
        if holds:
            return gettext("because %(reason)s", reason=joined)
        return gettext("only when %(reason)s", reason=joined)

    def part(self, trace: Trace) -> str:
        """Gives one condition with titles for names, and what the record says now."""
        facts = [child for child in children_of(trace) if not isinstance(child.get("value"), bool)]
        if not all(self.may_read(text_of(fact)) for fact in facts):
            return ""
        condition = self.titled(text_of(trace))
        held = [self.held(fact) for fact in facts[:2]]
        return f"{condition} ({gettext(', ').join(held)})" if held else condition

    def held(self, fact: Trace) -> str:
        """Gives what a field holds."""
        value = fact.get("value")
        shown = gettext("empty") if value is None else str(value)
        return gettext("%(field)s is %(value)s", field=self.titled(text_of(fact)), value=shown)

    def may_read(self, text: str) -> bool:
        """Says whether the reader knows all fields that a text names."""
        names = (word.split(".")[0] for word in WORD.findall(text))
        return all(self.access.reads(name) for name in names if name in self.definition.fields)

    def titled(self, text: str) -> str:
        """Gives a text with titles in place of the fields' API names; what is quoted stays."""
        pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)
        return "".join(
            piece if place % 2 else WORD.sub(self.title, piece)
            for place, piece in enumerate(pieces)
        )

    def title(self, found: re.Match[str]) -> str:
        """Gives the title of a name, or the word itself."""
        field = self.definition.fields.get(found[0])
        return field.label(self.language) if field else found[0]


def deciding(trace: Trace, wanted: bool) -> Iterator[Trace]:
    """Gives the innermost conditions that have the deciding value."""
    same = [child for child in children_of(trace) if child.get("value") is wanted]
    if not same:
        yield trace
    for child in same:
        yield from deciding(child, wanted)


def children_of(trace: Trace) -> list[Trace]:
    """Gives the parts of a condition."""
    children = trace.get("children")
    if not isinstance(children, Sequence) or isinstance(children, str):
        return []
    return [child for child in children if isinstance(child, Mapping)]


def text_of(trace: Trace) -> str:
    """Gives a part as it reads."""
    return str(trace.get("text") or "").strip()
