"""What the platform does not carry out yet of what rules say; the engine and its tests do.

A kind of statement leaves this list when the platform carries it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rule_engine.errors import Diagnostic, Span, finding
from rule_engine.program import (
    Action,
    Branch,
    Invoke,
    Notify,
    Person,
    Principal,
    Program,
    Rule,
    Start,
)
from trellis.phrases import Sentence

USER = "user"


@dataclass(frozen=True, slots=True)
class Idle:
    """A rule that nothing happens by."""

    name: str
    source: str
    span: Span

    def finding(self) -> Diagnostic:
        """Gives it as a warning."""
        place = replace(self.span, width=1)
        found = finding("not_carried_out", SENTENCE, place, name=self.name)
        return replace(found, severity="warning", source=self.source)


SENTENCE = Sentence(
    'the rule "{name}" is not carried out yet: rules do not start, call '
    "or write to people without a login"
)


def idle_parts(program: Program) -> Iterator[Idle]:
    """Gives what is checked and tested, but not carried out."""
    for rule in program.rules:
        if not is_carried_out(rule):
            yield Idle(rule.name, rule.source, rule.span)


def is_carried_out(rule: Rule) -> bool:
    """Says whether the platform runs a rule whenever it should, and does all that it says."""
    return all(map(can_be_done, actions_of(rule.actions)))


def actions_of(actions: Iterable[Action]) -> Iterator[Action]:
    """Gives the actions of a block and of all its branches."""
    for action in actions:
        yield action
        if isinstance(action, Branch):
            for _, arm in action.arms:
                yield from actions_of(arm)
            yield from actions_of(action.otherwise)


def can_be_done(action: Action) -> bool:
    """Says whether the platform does what an action says."""
    if isinstance(action, Notify):
        return not any(is_addressee(one) for one in action.recipients)
    return not isinstance(action, Start | Invoke)


def is_addressee(recipient: Principal) -> bool:
    """Says whether a recipient is a record of somebody without a login."""
    return isinstance(recipient, Person) and recipient.path.type.target not in (None, USER)
