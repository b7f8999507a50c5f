"""Approvals in time: reminders, overdue steps, approvers who have left.

Deadlines are not stored: they follow from when a step opened, its `due` and the calendars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

from rule_engine.program import Approval, Principal, Step
from rule_engine.services.approval_settle import approve_step, reject_step, settle
from rule_engine.services.approval_signers import asking_instead
from rule_engine.services.approval_state import ApprovalState, Decision, Outcome, StepPlan, Verdict
from rule_engine.services.approval_transition import RefusedError, Transition, finish
from rule_engine.services.deadlines import due_after, part_after
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record
from rule_engine.services.people import Company, find_people, works_here
from rule_engine.services.substitutes import step_named
from rule_engine.types import Directory, Environment

#: After how long what an end of time brings is tried again where it was refused.
AGAIN = timedelta(days=1)


def due_at(step: Step, plan: StepPlan, environment: Environment) -> datetime | None:
    """Gives when an open step is due; None without a due time (or without its calendar)."""
    if step.due is None or plan.opened_at is None:
        return None
    calendar = environment.calendars.get(step.calendar or "")
    return due_after(plan.opened_at, step.due, environment.zone, calendar)


def next_at(
    definition: Approval, state: ApprovalState, environment: Environment
) -> datetime | None:
    """Gives when `tick` has something to do next; None while only people can go on."""
    moments = (
        moment for plan in state.open_steps for moment, _ in _pending(definition, plan, environment)
    )
    return min(moments, default=None)


def tick(
    definition: Approval,
    state: ApprovalState,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Does what the time asks for up to `now`: the same state and no effects when it is nothing.

    After a standstill only the greatest reminder that has come is given; none when the step is
    overdue as well. An overdue step is escalated, approved or rejected once each time it opens.
    Where its actions refuse that, the step is put off; why is among the outcome's problems.
    """
    outcome = Outcome(state)
    while outcome.state is not None:
        due = _first_due(definition, outcome.state, environment, now)
        if due is None:
            break
        plan, share = due
        transition = _transition(definition, outcome.state, record, environment, directory, now)
        problems = outcome.problems
        try:
            _act(transition, plan, share)
        except RefusedError as refusal:
            transition = _transition(definition, outcome.state, record, environment, directory, now)
            _put_off(transition, plan)
            problems = (*problems, refusal.refusal)
        record = transition.record
        outcome = Outcome(transition.state, (*outcome.effects, *transition.effects), problems)
    return outcome


def put_off(
    definition: Approval,
    state: ApprovalState,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Has what the end of open steps brings tried again a day later, and those who are asked told:
    for whoever could not write what `tick` asked for."""
    transition = _transition(definition, state, record, environment, directory, now)
    for plan in state.open_steps:
        coming = _pending(definition, plan, environment)
        if any(share == 1 and moment <= now for moment, share in coming):
            _put_off(transition, plan)
    return transition.outcome() if transition.effects else Outcome(state)


def replace_inactive(
    definition: Approval,
    state: ApprovalState,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Outcome:
    """Puts others in the place of open approvers whose login was taken away.

    These are their substitutes, else their managers, else the fallback; quorums stay as they are.
    Where these have a word in a step already, what is left may suffice: then it goes on. Who can
    be replaced by nobody stays asked.
    """
    transition = _transition(definition, state, record, environment, directory, now)
    for plan in state.open_steps:
        gone = [user for user in state.waiting(plan) if not works_here(environment, user)]
        if gone:
            _relieve(transition, plan, gone)
    if transition.state.path == state.path:
        return Outcome(state)

    def weigh() -> None:
        for plan in state.open_steps:
            settle(transition, plan.name)
        transition.tell_new(state)

    return finish(transition, weigh, state)


def _transition(
    definition: Approval,
    state: ApprovalState,
    record: Record,
    environment: Environment,
    directory: Directory,
    now: datetime,
) -> Transition:
    moved = replace(state, revision=state.revision + 1)
    return Transition(definition, moved, record, environment, directory, now)


def _pending(
    definition: Approval, plan: StepPlan, environment: Environment
) -> Iterator[tuple[datetime, Decimal]]:
    """Gives what is still to come for an open step: instants with shares, 1 is the end."""
    step = step_named(definition, plan.name)
    due = due_at(step, plan, environment)
    if due is None or plan.opened_at is None or step.due is None or plan.overdue:
        return
    calendar = environment.calendars.get(step.calendar or "")
    for share in sorted(step.remind):
        moment = part_after(plan.opened_at, due, share, step.due, calendar)
        if share > plan.reminded and moment is not None:
            yield moment, share
    if step.overdue is not None or "overdue" in (*step.phases, *definition.phases):
        yield plan.refused_at + AGAIN if plan.refused_at else due, Decimal(1)


def _first_due(
    definition: Approval, state: ApprovalState, environment: Environment, now: datetime
) -> tuple[StepPlan, Decimal] | None:
    """Gives the step whose time comes first, with the greatest share that has come."""
    found: list[tuple[datetime, StepPlan, Decimal]] = []
    for plan in state.open_steps:
        pending = _pending(definition, plan, environment)
        come = [(moment, share) for moment, share in pending if moment <= now]
        if come:
            moment, share = max(come, key=lambda one: one[1])
            found.append((moment, plan, share))
    first = min(found, key=lambda one: one[0], default=None)
    return None if first is None else (first[1], first[2])


def _put_off(transition: Transition, plan: StepPlan) -> None:
    _tell_overdue(transition, replace(plan, reminded=Decimal(1), refused_at=transition.now))


def _tell_overdue(transition: Transition, late: StepPlan) -> None:
    users = transition.told(late, transition.state.waiting(late))
    transition.state = transition.state.with_steps(late)
    transition.effects.append(Effect("overdue", {"step": late.name, "users": users}))


def _act(transition: Transition, plan: StepPlan, share: Decimal) -> None:
    step = transition.step(plan.name)
    if share < 1:
        users = transition.told(plan, transition.state.waiting(plan))
        due = due_at(step, plan, transition.environment)
        transition.state = transition.state.with_steps(replace(plan, reminded=share))
        told = {"step": plan.name, "users": users, "due": due, "at": share}
        transition.effects.append(Effect("remind", told))
        return
    late = replace(plan, overdue=True, reminded=Decimal(1))
    _tell_overdue(transition, late)
    transition.run(step.phases, "overdue")
    transition.run(transition.definition.phases, "overdue")
    if isinstance(step.overdue, str):
        _decide(transition, late, step.overdue)
    elif step.overdue is not None:
        _escalate(transition, step.overdue, late)


def _decide(transition: Transition, plan: StepPlan, verdict: Verdict) -> None:
    state = transition.state
    said = Decision(plan.name, "", verdict, "overdue", transition.now, state.revision)
    transition.state = replace(state, decisions=(*state.decisions, said))
    settle = approve_step if verdict == "approve" else reject_step
    settle(transition, plan)


def _escalate(transition: Transition, people: Sequence[Principal], plan: StepPlan) -> None:
    """Asks others besides those who have not answered; the quorum stays as it is."""
    waiting = transition.state.waiting(plan)
    parts = {"submitter": (transition.state.submitter,), "approver": waiting}
    company = Company(transition.record, transition.environment, transition.directory, parts)
    found = find_people(people, company)
    allowed = tuple(user for user in found if transition.may_decide(user))
    _ask_also(transition, plan, allowed or transition.fallback())


def _ask_also(transition: Transition, plan: StepPlan, users: tuple[str, ...]) -> None:
    new = [user for user in users if user not in plan.people]
    asked = replace(plan, approvers=(*plan.approvers, *new))
    transition.state = transition.state.with_steps(asked)
    if new:
        told = {"step": plan.name, "users": transition.told(asked, new)}
        transition.effects.append(Effect("waiting", told))


def _relieve(transition: Transition, plan: StepPlan, gone: Sequence[str]) -> None:
    step, state = transition.step(plan.name), transition.state
    leaving = [user for user in plan.approvers if user in gone]
    heirs = _or_fallback(transition, step, leaving) if leaving else ()
    relieved = plan
    for user in gone:
        found = heirs if user in leaving else _or_fallback(transition, step, [user])
        free = (one for one in found if one not in relieved.people)
        if found:
            relieved = asking_instead(state, relieved, user, next(free, found[0]))
    others = (one for one in heirs if one not in relieved.people)
    approvers: tuple[str, ...] = (*relieved.approvers, *others)
    staying = tuple(user for user in approvers if user not in gone)
    if set(staying) & set(state.waiting(plan)):
        approvers = staying
    needs = min(plan.needs, len(approvers))
    transition.state = state.with_steps(replace(relieved, approvers=approvers, needs=needs))


def _or_fallback(transition: Transition, step: Step, gone: list[str]) -> tuple[str, ...]:
    found = chain.from_iterable(_successors(transition, step, user) for user in gone)
    return tuple(dict.fromkeys(found)) or transition.fallback()


def _successors(transition: Transition, step: Step, user: str) -> list[str]:
    """Gives who comes in somebody's place: substitutes who may decide, else managers."""
    absence = transition.directory.absence(user)
    substitute = absence.substitute if absence else None
    for people in (
        [substitute] if substitute else [],
        transition.directory.relation("manager", user),
    ):
        found = [person for one in people for person in transition.climb(step, one)]
        active = [person for person in found if works_here(transition.environment, person)]
        if active:
            return active
    return []
