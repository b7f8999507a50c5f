"""Approvals to play through in tests: who says what, and what is to be seen of it."""

from __future__ import annotations

from typing import cast

from rule_engine.program import Approval
from rule_engine.services.approval import (
    decide,
    recall,
    submit,
)
from rule_engine.services.approval_state import ApprovalState, Outcome, Verdict
from tests.rule_engine.services_world import (
    COMPANY,
    NOW,
    Company,
    program_of,
    quote,
    surroundings,
)

HEAD = 'approval deal "Deal" on quote { enter when discount > 10% and status = "draft"\n'


def approval(body: str, head: str = HEAD) -> Approval:
    return program_of(head + body + "}").approvals[0]


def sent(
    definition: Approval,
    by: str = "amy",
    record: dict[str, object] | None = None,
    company: Company = COMPANY,
) -> Outcome:
    there = surroundings(company, by)
    return submit(definition, record or quote(), by, there, company, NOW)


def said(
    definition: Approval,
    state: ApprovalState | None,
    user: str,
    verdict: str = "approve",
    comment: str | None = None,
    record: dict[str, object] | None = None,
    on_behalf_of: str | None = None,
    company: Company = COMPANY,
) -> Outcome:
    assert state is not None
    comment = ("no" if verdict == "reject" else "") if comment is None else comment
    return decide(
        definition,
        state,
        user,
        cast("Verdict", verdict),
        comment,
        record or quote(),
        surroundings(company, user),
        company,
        NOW,
        on_behalf_of=on_behalf_of,
    )


def play(definition: Approval, *words: str, record: dict[str, object] | None = None) -> Outcome:
    """`bob+` approves, `bob-` rejects; all must be accepted."""
    outcome = sent(definition, record=record)
    for word in words:
        verdict = "approve" if word.endswith("+") else "reject"
        outcome = said(definition, outcome.state, word[:-1], verdict, record=record)
        assert not outcome.problems
    return outcome


def seen(outcome: Outcome) -> tuple[object, ...]:
    state = outcome.state
    assert state is not None
    return state.status, state.step, state.approvers


def shown(outcome: Outcome) -> list[str]:
    assert outcome.state is not None
    return [f"{step.name} {step.status}" for step in outcome.state.path]


THREE = """
    on submit { lock set status to "in_approval" }
    step manager "Manager" { approvers manager of owner }
    step director "Director" when discount > 20% { approvers manager of manager of owner }
    step finance "Finance" when amount > 1000 CNY { approvers role "finance" }
    on approve { set status to "approved" set approved_at to now unlock notify owner using "yes" }
    on reject { set status to "draft" unlock notify owner, submitter by email using "no" }
    on recall { set status to "draft" unlock }
"""


def refusals(outcome: Outcome) -> list[str]:
    return [problem.code for problem in outcome.problems]


ONE = "step manager { approvers manager of owner }"


def recalled(definition: Approval, state: ApprovalState | None, user: str) -> Outcome:
    assert state is not None
    return recall(definition, state, user, quote(), surroundings(), COMPANY, NOW)
