"""Checks of people: `role "CFO" in owner.region`, `manager of owner`, `account.owner`."""

from __future__ import annotations

from typing import Literal, cast

from rule_engine import core, program, tree
from rule_engine.check.session import Place, is_kind
from rule_engine.check.statements.context import Context
from rule_engine.check.words import list_words, say
from rule_engine.spelling import did_you_mean
from rule_engine.types import Kind

GROUPS = ("role", "team", "user", "queue")
RELATIONS = ("manager", "round_robin", "least_busy")
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
) -> program.Principal | None:
    """Gives a checked person or group; None when something was reported."""
    session = context.session
    match written:
        case tree.Group():
            return _group(context, place, written)
        case tree.Relation():
            if not _is_known(context, written.kind, RELATIONS, "relation"):
                return None
            of = check_person(context, place, written.of, in_approval=in_approval)
            kind = written.kind.text
            return None if of is None else program.Relation(kind, of, written.span)
        case tree.UserPath():
            word = written.path.parts[0].text
            is_actor = in_approval and word in ACTORS and len(written.path.parts) == 1
            if is_actor and word not in place.record.object.fields:
                actor = cast("Literal['submitter', 'approver']", word)
                return program.Actor(actor, written.span)
            node = session.check(place, written.path)
            if node is None:
                return None
            target = node.type.target
            is_person = is_kind(node, Kind.REFERENCE) and (told or target in (None, "user"))
            if isinstance(node, core.Path) and is_person:
                return program.Person(node, written.span)
            message = f"a person is needed here, not {_said(node)}"
            session.report("not_a_person", message, written.span, 'e.g.  owner, role "…"')
    return None


def _said(node: core.Node) -> str:
    if is_kind(node, Kind.REFERENCE):
        return f"a record of {node.type.target}"
    return say(node)


def _group(context: Context, place: Place, written: tree.Group) -> program.Group | None:
    known = _is_known(context, written.kind, GROUPS, "kind of people")
    scope = None if written.scope is None else context.session.check(place, written.scope)
    if not known or (scope is None) != (written.scope is None):
        return None
    return program.Group(written.kind.text, written.name.value, scope, written.span)


def _is_known(context: Context, name: tree.Name, known: tuple[str, ...], what: str) -> bool:
    if name.text in known:
        return True
    hint = did_you_mean(name.text, known) or f"there are: {list_words(known)}"
    message = f'there is no {what} "{name.text}"'
    context.session.report("unknown_people", message, name.span, hint, name=name.text)
    return False
