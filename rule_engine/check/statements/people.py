"""Checks of people: `role "CFO" in owner.region`, `manager of owner`, `account.owner`."""

from __future__ import annotations

from typing import Literal, cast

from rule_engine import core, program, tree
from rule_engine.check.session import Place, is_kind
from rule_engine.check.statements.context import Context
from rule_engine.check.words import list_words, record_of, say
from rule_engine.messages import Phrase
from rule_engine.program.actions import CHOICES
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind

GROUPS = ("role", "team", "user", "queue")
RELATIONS = ("manager", *CHOICES)
ACTORS = ("submitter", "approver")


def check_people(
    context: Context,
    place: Place,
    people: tuple[tree.Principal, ...],
    *,
    in_approval: bool = False,
    told: bool = False,
) -> tuple[program.Principal, ...]:
    """Gives the checked people; `told` also takes paths to records that are no users."""
    found = [
        check_person(context, place, one, in_approval=in_approval, told=told) for one in people
    ]
    return tuple(one for one in found if one is not None)


def check_person(
    context: Context,
    place: Place,
    written: tree.Principal,
    *,
    in_approval: bool = False,
    told: bool = False,
    chosen: bool = False,
) -> program.Principal | None:
    """Gives a checked person or group; None when something was reported.

    `chosen` is where one person is picked from a group: only there `round_robin of` has a meaning.
    """
    match written:
        case tree.Group():
            return _group(context, place, written)
        case tree.Relation():
            return _relation(context, place, written, in_approval=in_approval, chosen=chosen)
        case tree.UserPath():
            return _user_path(context, place, written, in_approval=in_approval, told=told)
    return None


def _relation(
    context: Context,
    place: Place,
    written: tree.Relation,
    *,
    in_approval: bool,
    chosen: bool,
) -> program.Relation | None:
    if not _is_known(context, written.kind, RELATIONS, Phrase("relation")):
        return None
    kind = written.kind.text
    if kind in CHOICES and not chosen:
        context.session.report(
            "misplaced",
            '"{word}" picks the one who gets a record',
            written.kind.span,
            'use it right after "assign to"',
            word=kind,
        )
        return None
    of = check_person(context, place, written.of, in_approval=in_approval)
    return None if of is None else program.Relation(kind, of, written.span)


def _user_path(
    context: Context, place: Place, written: tree.UserPath, *, in_approval: bool, told: bool
) -> program.Principal | None:
    session = context.session
    word = written.path.parts[0].text
    is_actor = in_approval and word in ACTORS and len(written.path.parts) == 1
    if is_actor and word not in place.record.object.fields:
        return program.Actor(cast("Literal['submitter', 'approver']", word), written.span)
    node = session.check(place, written.path)
    if node is None:
        return None
    target = node.type.target
    is_person = is_kind(node, Kind.REFERENCE) and (told or target in (None, "user"))
    if isinstance(node, core.Path) and is_person:
        return program.Person(node, written.span)
    session.report(
        "not_a_person",
        "a person is needed here, not {found}",
        written.span,
        'e.g.  owner, role "…"',
        found=_said(node),
    )
    return None


def _said(node: core.Node) -> Phrase:
    if is_kind(node, Kind.REFERENCE):
        return record_of(node)
    return say(node)


def _group(context: Context, place: Place, written: tree.Group) -> program.Group | None:
    known = _is_known(context, written.kind, GROUPS, Phrase("kind of people"))
    scope = None if written.scope is None else context.session.check(place, written.scope)
    if not known or (scope is None) != (written.scope is None):
        return None
    return program.Group(written.kind.text, written.name.value, scope, written.span)


def _is_known(context: Context, name: tree.Name, known: tuple[str, ...], what: Phrase) -> bool:
    if name.text in known:
        return True
    hint = did_you_mean(name.text, known) or Phrase(
        "there are: {known}", {"known": list_words(known)}
    )
    context.session.report(
        "unknown_people", 'there is no {what} "{name}"', name.span, hint, what=what, name=name.text
    )
    return False
