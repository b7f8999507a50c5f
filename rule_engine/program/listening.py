"""Which fields of its own record a definition listens to: those that decide whether it acts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rule_engine import core
from rule_engine.core import Scope
from rule_engine.program.actions import Action, Branch
from rule_engine.program.rules import Assignment, Rule


def own_fields(node: core.Node) -> frozenset[str]:
    """Gives the fields of the record at hand that an expression looks at.

    Of a path over references that is its first reference; records over a link are no fields.
    """
    return frozenset(_own(node, inside=False))


def _own(node: core.Node, *, inside: bool) -> Iterator[str]:
    match node:
        case core.Path(scope=scope, hops=hops, field=field):
            here = (Scope.OUTER, Scope.OLD) if inside else (Scope.RECORD, Scope.OLD)
            if scope in here:
                yield hops[0].field if hops else field
        case core.Aggregate(scope=scope, hops=hops):
            if hops and scope is (Scope.OUTER if inside else Scope.RECORD):
                yield hops[0].field
            for child in core.children(node):
                yield from _own(child, inside=True)
        case _:
            for child in core.children(node):
                yield from _own(child, inside=inside)


def listened_fields(definition: Rule | Assignment) -> frozenset[str] | None:
    """Gives the fields whose change can make a rule act; None: it acts whatever changes.

    They are those of its condition and of its branches, computed from the text.
    """
    if isinstance(definition, Assignment):
        guards = [entry.guard for entry in definition.entries]
        conditions = [*(guard for guard in guards if guard is not None), *definition.skip]
        sure = any(guard is None for guard in guards) and not definition.skip
    else:
        inner = list(_branch_conditions(definition.actions))
        conditions = inner if definition.guard is None else [definition.guard, *inner]
        sure = definition.guard is None and not _only_branches(definition.actions)
    fields = frozenset[str]().union(*map(own_fields, conditions))
    return None if sure or not fields else fields


def _branch_conditions(actions: Sequence[Action]) -> Iterator[core.Node]:
    for action in actions:
        if isinstance(action, Branch):
            for condition, block in action.arms:
                yield condition
                yield from _branch_conditions(block)
            yield from _branch_conditions(action.otherwise)


def _only_branches(actions: Sequence[Action]) -> bool:
    """Says whether nothing is done unless some branch's condition holds."""
    return all(isinstance(action, Branch) and not action.otherwise for action in actions)
