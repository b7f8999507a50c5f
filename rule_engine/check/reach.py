"""Actions that never run: behind a `stop` or a `fail`, or in a branch that is never taken."""

from __future__ import annotations

from collections.abc import Sequence

from rule_engine import core, program
from rule_engine.check.reachability import outcome_of, warn_excluded, warn_of_turns
from rule_engine.check.session import Session
from rule_engine.errors import Span


def warn_never_run(
    session: Session, actions: Sequence[program.Action], guard: core.Node | None = None
) -> None:
    """Warns of the first action that nothing leads to; `guard` is the condition around them.

    It holds for the first action only: those behind it may see what that one has set.
    """
    for position, action in enumerate(actions):
        if isinstance(action, program.Branch):
            _warn_of_branch(session, action, None if position else guard)
        if _ends(action) and position + 1 < len(actions):
            span = actions[position + 1].span
            session.warn(
                "never_reached",
                'this never runs: "{word}" ends the rule above',
                Span(span.line, span.column),
                word="when" if isinstance(action, program.Branch) else action.name,
            )
            return


def _warn_of_branch(session: Session, branch: program.Branch, guard: core.Node | None) -> None:
    rest = next((Span(a.span.line, a.span.column) for a in branch.otherwise), None)
    warn_of_turns(session, [condition for condition, _ in branch.arms], rest)
    for condition, actions in branch.arms:
        warn_excluded(session, guard, condition)
        warn_never_run(session, actions, condition)
    warn_never_run(session, branch.otherwise)


def _ends(action: program.Action) -> bool:
    """Says whether nothing after an action runs, whatever the record is."""
    match action:
        case program.Fail() | program.Plain(name="stop"):
            return True
        case program.Branch(arms=arms, otherwise=otherwise):
            covered = bool(otherwise) or any(outcome_of(condition) for condition, _ in arms)
            blocks = [*(actions for _, actions in arms), *([otherwise] if otherwise else [])]
            return covered and all(any(map(_ends, block)) for block in blocks)
    return False
