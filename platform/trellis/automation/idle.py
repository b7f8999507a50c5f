"""What the platform does not carry out yet of what rules say; the engine and its tests do.

A kind of statement leaves this list when the platform carries it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rule_engine.errors import Diagnostic, Span, finding
from rule_engine.program import Approval, OnEvent, Program, Rule
from trellis.phrases import Sentence


@dataclass(frozen=True, slots=True)
class Idle:
    """A definition that nothing happens by, or a step whose time nobody watches.

    `kind` is rule, assign, sla or due.
    """

    kind: str
    name: str
    source: str
    span: Span

    def finding(self) -> Diagnostic:
        """Gives it as a warning."""
        place = replace(self.span, width=1)
        found = finding("not_carried_out", SENTENCES[self.kind], place, name=self.name)
        return replace(found, severity="warning", source=self.source)


SENTENCES = {
    "rule": Sentence('the rule "{name}" is not carried out yet: only rules before saving run'),
    "assign": Sentence('the assignment "{name}" is not carried out yet'),
    "sla": Sentence('the service level "{name}" is not carried out yet'),
    "due": Sentence('the time limit of the step "{name}" is not watched yet'),
}


def idle_parts(program: Program) -> Iterator[Idle]:
    """Gives what is checked and tested, but not carried out."""
    for rule in program.rules:
        if not runs_before_save(rule):
            yield Idle("rule", rule.name, rule.source, rule.span)
    for assignment in program.assignments:
        yield Idle("assign", assignment.name, assignment.source, assignment.span)
    for level in program.service_levels:
        yield Idle("sla", level.name, level.source, level.span)
    for approval in program.approvals:
        yield from untimed_steps(approval)


def runs_before_save(rule: Rule) -> bool:
    """Says whether the platform runs a rule whenever it should."""
    trigger = rule.trigger
    return (
        isinstance(trigger, OnEvent)
        and trigger.timing == "before"
        and "delete" not in trigger.events
    )


def untimed_steps(approval: Approval) -> Iterator[Idle]:
    """Gives the steps of an approval with a due time."""
    for step in approval.steps:
        if step.due is not None:
            yield Idle("due", step.label, approval.source, step.span)
