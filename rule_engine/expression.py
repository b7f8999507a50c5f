"""A single expression: filters, defaults, formulas, conditions of the platform."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rule_engine import core, tree
from rule_engine.check.assigning import check_value
from rule_engine.check.expressions import new_session
from rule_engine.check.mentions import Mention
from rule_engine.check.paths import path_to
from rule_engine.check.session import Origin, Place, place_on
from rule_engine.check.words import say, say_kind
from rule_engine.core import Scope
from rule_engine.errors import Diagnostic, RuleCheckError, Span, finding
from rule_engine.parse import parse_expression
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind, Schema


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression, not yet bound to a schema."""

    text: str
    tree: tree.Expression

    @classmethod
    def parse(cls, text: str, *, source: str = "<text>") -> Expression:
        """Parses a text; raises RuleSyntaxError."""
        return cls(text, parse_expression(text, source=source))

    def check(
        self,
        schema: Schema,
        object_name: str,
        *,
        expect: Kind | None = None,
        this: str | None = None,
        sees_changes: bool = False,
        calendars: Collection[str] = (),
    ) -> list[Diagnostic]:
        """Gives what does not fit the schema; empty when all does.

        `expect` is the wanted kind of value (BOOLEAN for filters); `this` names the object that
        `this.` means when it is another record (without it, the record itself); `sees_changes`
        allows `old` and `changed`; `calendars` are the names of those that may be named.
        """
        found = self._bind(schema, object_name, expect, this, sees_changes, calendars)
        return found if isinstance(found, list) else []

    def resolve(
        self,
        schema: Schema,
        object_name: str,
        *,
        expect: Kind | None = None,
        this: str | None = None,
        sees_changes: bool = False,
        calendars: Collection[str] = (),
    ) -> core.Node:
        """Gives the checked expression; raises RuleCheckError with all that does not fit."""
        found = self._bind(schema, object_name, expect, this, sees_changes, calendars)
        if isinstance(found, list):
            raise RuleCheckError(found)
        return found

    def resolve_into(self, schema: Schema, object_name: str, field: str) -> core.Node:
        """Gives the checked expression as a field of the object keeps its value.

        Raises RuleCheckError with all that does not fit, KeyError for an unknown field.
        """
        place = _place(schema, object_name, None, sees_changes=False)
        if isinstance(place, Diagnostic):
            raise RuleCheckError([place])
        session = new_session(schema)
        target = path_to(place.record, place.record.object.fields[field], self.tree.span)
        node = check_value(session, place, target, self.tree)
        if node is None or session.found:
            raise RuleCheckError(in_order(session.found))
        return node

    def mentions(
        self, schema: Schema, object_name: str, *, this: str | None = None
    ) -> list[Mention]:
        """Gives what the names mean, as far as it can be told; see `check` for `this`."""
        place = _place(schema, object_name, this, sees_changes=True)
        if isinstance(place, Diagnostic):
            return []
        session = new_session(schema)
        session.check(place, self.tree)
        return session.mentions

    def _bind(
        self,
        schema: Schema,
        object_name: str,
        expect: Kind | None,
        this: str | None,
        sees_changes: bool,
        calendars: Collection[str],
    ) -> core.Node | list[Diagnostic]:
        place = _place(schema, object_name, this, sees_changes)
        if isinstance(place, Diagnostic):
            return [place]
        session = new_session(schema, calendars=calendars)
        node = session.check(place, self.tree)
        if node is not None and expect is not None and node.type.kind is not expect:
            found, wanted = say(node), say_kind(expect)
            if expect is Kind.BOOLEAN:
                session.report(
                    "not_a_condition", "{found} is not a condition", node.span, found=found
                )
            else:
                template = "{wanted} is needed, not {found}"
                session.report("wrong_type", template, node.span, wanted=wanted, found=found)
        if node is None or session.found:
            return in_order(session.found)
        return node


def in_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Gives findings as they stand in the text."""
    return sorted(found, key=lambda one: (one.span.line, one.span.column))


def _place(
    schema: Schema, object_name: str, this: str | None, sees_changes: bool
) -> Place | Diagnostic:
    own = schema.object(object_name)
    outer = own if this is None else schema.object(this)
    if own is None or outer is None:
        name = object_name if own is None else str(this)
        hint = did_you_mean(name, list(schema.objects))
        return finding("unknown_object", 'there is no object "{name}"', Span(1, 1), hint, name=name)
    place = place_on(own, sees_changes=sees_changes)
    if this is None:
        return place
    return Place(place.record, Origin(Scope.OUTER, (), outer), sees_changes=sees_changes)
