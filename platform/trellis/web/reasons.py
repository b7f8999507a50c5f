"""The trace of a condition in words: what was asked, and what the record says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from metadata.access import Access
from metadata.fields.base import choose_label
from metadata.objects import ObjectDefinition
from rule_engine.values import Money
from trellis.web.formatting import money, percent
from trellis.web.words import gettext

Trace = Mapping[str, object]

MAX_PARTS = 3
AMOUNT = re.compile(r"\b(\d+(?:\.\d+)?) ([A-Z]{3})\b")
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

    def entry(self, trace: object) -> str:
        """Gives what of a condition holds, whatever the rest of it says by now."""
        if not isinstance(trace, Mapping):
            return ""
        holding = [leaf for leaf in deciding(trace, True) if leaf.get("value") is True]
        parts = dict.fromkeys(filter(None, map(self.part, holding)))
        joined = gettext("; ").join(list(parts)[:MAX_PARTS])
        return gettext("Because %(reason)s", reason=joined) if joined else ""

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
        value, name = fact.get("value"), text_of(fact)
        shown = gettext("empty") if value is None else self.shown(name, str(value))
        return gettext("%(field)s is %(value)s", field=self.titled(name), value=shown)

    def shown(self, name: str, value: str) -> str:
        """Gives a value of a trace as pages show it."""
        field = self.definition.fields.get(name)
        option = field.option(value) if field else None
        if option is not None:
            return choose_label(option.labels, self.language)
        if field and field.type.cell == "percent":
            return percent(Decimal(value))
        return AMOUNT.sub(as_money, value)

    def may_read(self, text: str) -> bool:
        """Says whether the reader knows all fields that a text names."""
        names = (word.split(".")[0] for word in WORD.findall(text))
        return all(self.access.reads(name) for name in names if name in self.definition.fields)

    def titled(self, text: str) -> str:
        """Gives a text with titles in place of the fields' API names; what is quoted stays."""
        text = AMOUNT.sub(as_money, text)
        pieces = re.split(r'("(?:[^"\\]|\\.)*")', text)
        return "".join(
            piece if place % 2 else WORD.sub(self.title, piece)
            for place, piece in enumerate(pieces)
        )

    def title(self, found: re.Match[str]) -> str:
        """Gives the title of a name, or the word itself."""
        field = self.definition.fields.get(found[0])
        return field.label(self.language) if field else found[0]


def as_money(found: re.Match[str]) -> str:
    """Gives an amount of a rule as pages show it."""
    return money(Money(Decimal(found[1]), found[2]))


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
