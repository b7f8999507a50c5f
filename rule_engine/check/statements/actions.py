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
from rule_engine.messages import NOTHING, Phrase
from rule_engine.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class Moment:
    """When actions run: `refused` are the words of those that cannot, `refusal` says so."""

    refused: frozenset[str] = frozenset()
    refusal: Phrase = NOTHING
    hint: Phrase = NOTHING


_OUTSIDE = frozenset({"notify", "create", "assign", "start", "call", "escalate"})
_OWN = frozenset({"set", "clear", "lock", "unlock"})

BEFORE_SAVE = Moment(
    _OUTSIDE, Phrase('"{word}" cannot run before saving'), Phrase('use "after save"')
)
BEFORE_DELETE = Moment(
    _OUTSIDE | _OWN, Phrase('"{word}" cannot run before deleting'), Phrase("it can fail and stop")
)
AFTER_SAVE = Moment()
AFTER_DELETE = Moment(
    frozenset({"assign", "start", "lock", "unlock"}),
    Phrase('"{word}" cannot run after deleting'),
    Phrase("the record is gone; other records can be set and created"),
)
BY_TIME = Moment(
    frozenset({"fail"}),
    Phrase('"{word}" cannot run by the clock'),
    Phrase("nothing is being saved that it could refuse"),
)
IN_APPROVAL = Moment(
    _OUTSIDE - {"notify"},
    Phrase('"{word}" cannot run in an approval'),
    Phrase("it can set, clear, lock, unlock and notify; a rule after saving does the rest"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where actions stand: before a save and in approvals only the own record may change.

    `own_gone` holds after a delete: there is no own record left to set.
    """

    place: Place
    moment: Moment = AFTER_SAVE
    own_only: bool = False
    own_gone: bool = False
    in_approval: bool = False


def approval_stage(place: Place) -> Stage:
    """Gives the stage of an approval's blocks: the record, and telling people."""
    return Stage(place, IN_APPROVAL, own_only=True, in_approval=True)


def check_actions(
    context: Context, stage: Stage, actions: tuple[tree.Action, ...]
) -> tuple[program.Action, ...]:
    """Gives the checked actions; those with mistakes are reported and left out."""
    found = [_action(context, stage, action) for action in actions]
    return tuple(action for action in found if action is not None)


def _action(context: Context, stage: Stage, written: tree.Action) -> program.Action | None:
    word = _word(written)
    if word in stage.moment.refused:
        span = Span(written.span.line, written.span.column, len(word))
        refusal, hint = stage.moment.refusal, stage.moment.hint
        context.session.report("misplaced", refusal, span, hint, word=word)
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


def _word(written: tree.Action) -> str:
    return written.name if isinstance(written, tree.Plain) else _WORDS[type(written)]


_WORDS: dict[type[tree.Action], str] = {
    tree.Set: "set",
    tree.Clear: "clear",
    tree.Notify: "notify",
    tree.Create: "create",
    tree.AssignTo: "assign",
    tree.Start: "start",
    tree.Invoke: "call",
    tree.Escalate: "escalate",
    tree.Fail: "fail",
    tree.Branch: "when",
}


def _write(
    context: Context, stage: Stage, written: tree.Set | tree.Clear
) -> program.Set | program.Clear | None:
    path = check_target(context.session, stage.place, written.path, own_only=stage.own_only)
    if path is not None and stage.own_gone and not path.hops:
        context.session.report(
            "misplaced",
            "the record is gone: its fields cannot be set",
            written.path.span,
            "set a field of another record, over a reference",
        )
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
            to = check_person(context, place, written.to, in_approval=in_approval, chosen=True)
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
        session.warn(
            "unknown_process",
            'no approval "{name}" is among these rules',
            name.span,
            did_you_mean(name.text, known),
            name=name.text,
        )
    return program.Start(name.text, written.span)
