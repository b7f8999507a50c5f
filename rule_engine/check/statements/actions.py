"""Checks of actions: in rules, in the phases of approvals, in service levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from rule_engine import program, tree
from rule_engine.check.assigning import check_target, check_value, check_values
from rule_engine.check.session import Place
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.people import check_people, check_person
from rule_engine.check.statements.validations import field_name
from rule_engine.errors import Span
from rule_engine.spelling import did_you_mean

_OWN_RECORD: tuple[type[tree.Action], ...] = (
    *(tree.Set, tree.Clear, tree.Fail, tree.Plain, tree.Branch),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where actions stand: before a save and in approvals only the own record may change.

    `allowed` are the kinds of actions that can run there (None: all).
    """

    place: Place
    own_only: bool = False
    in_approval: bool = False
    allowed: tuple[type[tree.Action], ...] | None = None


def before_save_stage(place: Place) -> Stage:
    """Gives the stage of a rule before saving: nothing outside the record."""
    return Stage(place, own_only=True, allowed=_OWN_RECORD)


def approval_stage(place: Place) -> Stage:
    """Gives the stage of an approval's blocks: the record, and telling people."""
    return Stage(place, own_only=True, in_approval=True, allowed=(*_OWN_RECORD, tree.Notify))


def check_actions(
    context: Context, stage: Stage, actions: tuple[tree.Action, ...]
) -> tuple[program.Action, ...]:
    """Gives the checked actions; those with mistakes are reported and left out."""
    found = [_action(context, stage, action) for action in actions]
    return tuple(action for action in found if action is not None)


def _action(context: Context, stage: Stage, written: tree.Action) -> program.Action | None:
    if stage.allowed is not None and not isinstance(written, stage.allowed):
        _report_misplaced(context, stage, written)
    match written:
        case tree.Set() | tree.Clear():
            return _write(context, stage, written)
        case tree.Fail():
            field = field_name(context.session, stage.place, written.at)
            return program.Fail(written.message.value, field, written.span)
        case tree.Plain():
            return program.Plain(
                cast("Literal['lock', 'unlock', 'stop']", written.name), written.span
            )
        case tree.Branch():
            return _branch(context, stage, written)
        case tree.Notify() | tree.Escalate() | tree.AssignTo():
            return _people_action(context, stage, written)
        case tree.Create() | tree.Invoke() | tree.Start():
            return _outside_action(context, stage, written)


def _report_misplaced(context: Context, stage: Stage, written: tree.Action) -> None:
    word = _WORDS[type(written)]
    where, hint = "before saving", 'use "after save"'
    if stage.in_approval:
        where, hint = "in an approval in this version", "it can set, clear, lock, unlock and notify"
    span = Span(written.span.line, written.span.column, len(word))
    context.session.report("misplaced", f'"{word}" cannot run {where}', span, hint, word=word)


_WORDS: dict[type[tree.Action], str] = {
    tree.Notify: "notify",
    tree.Create: "create",
    tree.AssignTo: "assign",
    tree.Start: "start",
    tree.Invoke: "call",
    tree.Escalate: "escalate",
}


def _write(
    context: Context, stage: Stage, written: tree.Set | tree.Clear
) -> program.Set | program.Clear | None:
    path = check_target(context.session, stage.place, written.path, own_only=stage.own_only)
    if isinstance(written, tree.Clear):
        return None if path is None else program.Clear(path, written.span)
    if path is None:
        context.session.check(stage.place, written.value)
        return None
    value = check_value(context.session, stage.place, path, written.value)
    return None if value is None else program.Set(path, value, written.span)


def _branch(context: Context, stage: Stage, written: tree.Branch) -> program.Branch:
    arms = []
    for condition, actions in written.arms:
        checked = context.condition(stage.place, condition)
        inner = check_actions(context, stage, actions)
        if checked is not None:
            arms.append((checked, inner))
    otherwise = check_actions(context, stage, written.otherwise)
    return program.Branch(tuple(arms), otherwise, written.span)


def _people_action(
    context: Context, stage: Stage, written: tree.Notify | tree.Escalate | tree.AssignTo
) -> program.Action | None:
    place, in_approval = stage.place, stage.in_approval
    match written:
        case tree.AssignTo():
            to = check_person(context, place, written.to, in_approval=in_approval)
            return None if to is None else program.AssignTo(to, written.span)
        case tree.Escalate():
            people = check_people(context, place, written.people, in_approval=in_approval)
            return program.Escalate(people, written.span)
    told = check_people(context, place, written.people, in_approval=in_approval, told=True)
    channel = None if written.channel is None else written.channel.text
    return program.Notify(told, channel, written.template.value, written.span)


def _outside_action(
    context: Context, stage: Stage, written: tree.Create | tree.Invoke | tree.Start
) -> program.Action | None:
    session = context.session
    match written:
        case tree.Create():
            target = session.object(written.object)
            if target is None:
                return None
            values = check_values(session, stage.place, target, written.values)
            return program.Create(target.name, values, written.span)
        case tree.Invoke():
            checked = ((v.name.text, session.check(stage.place, v.value)) for v in written.values)
            pairs = tuple((name, node) for name, node in checked if node is not None)
            return program.Invoke(written.target.text, pairs, written.span)
    name = written.process
    known = [n for n, p in context.registry.processes.items() if isinstance(p, tree.Approval)]
    if name.text not in known:
        hint = did_you_mean(name.text, known)
        message = f'no approval "{name.text}" is among these rules'
        session.warn("unknown_process", message, name.span, hint, name=name.text)
    return program.Start(name.text, written.span)
