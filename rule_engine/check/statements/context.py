"""What the checks of statements share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from rule_engine import core, tree
from rule_engine.calendars import ORGANISATION
from rule_engine.check.expressions import check_condition
from rule_engine.check.formulas import is_too_big, report_too_big
from rule_engine.check.registry import Registry
from rule_engine.check.session import Place, Session, is_kind
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind, ObjectType

#: name, label, object, span, ruleset, version, source: see program.Definition.
Naming = tuple[str, str, str, Span, str, str, str]


class Placed(Protocol):
    """Anything with a place in the text."""

    @property
    def span(self) -> Span:
        """Gives the place."""


_P = TypeVar("_P", bound=Placed)


@dataclass(frozen=True, slots=True)
class Context:
    """A statement's surroundings: the session of its text and all that is named anywhere."""

    session: Session
    registry: Registry
    ruleset: tree.Ruleset

    def object_of(self, head: tree.Head) -> ObjectType | None:
        """Gives the object that a statement is about; an unknown one is reported."""
        return self.session.object(head.object)

    def naming(self, head: tree.Head, owner: ObjectType, span: Span) -> Naming:
        """Gives the first fields of a program definition, in their order."""
        name, label = head.name.text, head.label or head.name.text
        ruleset = self.ruleset
        return name, label, owner.name, span, ruleset.name, ruleset.version, ruleset.source

    def condition(self, place: Place, written: tree.Expression | None) -> core.Node | None:
        """Gives a checked condition; None without one or when something was reported."""
        node = None if written is None else check_condition(self.session, place, written)
        return self._measure(node)

    def number(
        self, place: Place, written: tree.Expression | None, *more: Kind
    ) -> core.Node | None:
        """Gives a checked number (or another of the kinds)."""
        node = None if written is None else self.session.check(place, written)
        if node is None or is_kind(node, Kind.NUMBER, *more):
            return self._measure(node)
        template, wanted = "{found} where {wanted} is needed", Phrase("a number")
        self.session.report("wrong_type", template, node.span, found=say(node), wanted=wanted)
        return None

    def _measure(self, node: core.Node | None) -> core.Node | None:
        if node is None or not is_too_big(node):
            return node
        report_too_big(self.session, node.span)
        return None

    def only(self, statements: Iterable[Placed], kind: type[_P], word: str) -> _P | None:
        """Gives the one statement of a kind, None without one; further ones are reported."""
        found = [statement for statement in statements if isinstance(statement, kind)]
        for extra in found[1:]:
            span = replace(extra.span, width=len(word))
            self.session.report("twice", '"{word}" stands here twice', span, word=word)
        return found[0] if found else None

    @property
    def has_organisation_calendar(self) -> bool:
        """Says whether there is a calendar for business time where none is named."""
        return ORGANISATION in self.registry.calendars

    def calendar(self, name: tree.Name | None) -> str | None:
        """Gives a calendar's name; an unknown one is reported."""
        if name is None:
            return None
        known = self.registry.calendars.get(name.text)
        if known is None:
            hint = did_you_mean(name.text, list(self.registry.calendars))
            template = 'there is no calendar "{name}"'
            self.session.report("unknown_calendar", template, name.span, hint, name=name.text)
            return name.text
        self.session.mention("calendar", "", known.name.text, name.span)
        return known.name.text
