"""Checks of `assign`."""

from __future__ import annotations

from rule_engine import core, program, tree
from rule_engine.check.assigning import own_field
from rule_engine.check.reachability import warn_of_turns
from rule_engine.check.session import Place, is_kind, place_on
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.people import check_person
from rule_engine.check.statements.triggers import check_trigger
from rule_engine.check.times import read_length
from rule_engine.check.words import say
from rule_engine.errors import Span
from rule_engine.types import Kind
from rule_engine.values import BusinessLength


def check_assign(context: Context, written: tree.Assign) -> program.Assignment | None:
    """Gives the checked assignment; None when its object is unknown or its trigger is wrong."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=isinstance(written.trigger, tree.OnEvent))
    # A reassignment looks at the record later, when nothing is changing.
    later = place_on(owner)
    trigger = check_trigger(context.session, place, written.trigger)
    _refuse_timing(context, written)
    if "owner" not in owner.fields:
        context.session.report(
            "no_owner",
            "records of {object} have no owner to assign",
            written.head.object.span,
            object=owner.name,
        )
    lines = written.statements
    available = context.only(lines, tree.AssignAvailable, "only")
    calendar = None if available is None else context.calendar(available.calendar)
    skips = [context.condition(place, s.condition) for s in lines if isinstance(s, tree.AssignSkip)]
    again = [s for s in lines if isinstance(s, tree.AssignAgain)]
    reassign = [_reassign(context, later, line, calendar) for line in again]
    entries = _entries(context, place, lines)
    if trigger is None:
        return None
    return program.Assignment(
        *context.naming(written.head, owner, written.span),
        trigger=trigger,
        only_available=available is not None,
        calendar=calendar,
        skip=tuple(node for node in skips if node is not None),
        entries=entries,
        reassign=tuple(one for one in reassign if one is not None),
    )


def _refuse_timing(context: Context, written: tree.Assign) -> None:
    trigger = written.trigger
    if isinstance(trigger, tree.OnEvent) and (
        trigger.timing == "before" or "delete" in trigger.events
    ):
        context.session.report(
            "misplaced",
            "records are assigned after create, update or save, or by the clock",
            Span(trigger.span.line, trigger.span.column),
            "write  after create",
        )


def _entries(
    context: Context, place: Place, lines: tuple[tree.AssignStatement, ...]
) -> tuple[program.AssignEntry, ...]:
    written = [line for line in lines if isinstance(line, tree.AssignEntry)]
    rest = [line for line in written if line.condition is None]
    for extra in rest[1:]:
        context.session.report(
            "twice", '"{word}" stands here twice', _start(extra), word="otherwise"
        )
    last = rest[0] if rest else None
    if last is not None and written[-1] is not last and len(rest) == 1:
        following = written[written.index(last) + 1]
        context.session.report(
            "misplaced",
            'this is never reached: it stands behind "otherwise"',
            _start(following),
            'put "otherwise" last',
        )
    found = [_entry(context, place, line) for line in written]
    guards = [entry.guard for entry in found if entry is not None and entry.guard is not None]
    warn_of_turns(context.session, guards, None if last is None else _start(last))
    return tuple(entry for entry in found if entry is not None)


def _start(line: tree.AssignEntry) -> Span:
    return Span(line.span.line, line.span.column)


def _entry(context: Context, place: Place, written: tree.AssignEntry) -> program.AssignEntry | None:
    guard = context.condition(place, written.condition)
    to = check_person(context, place, written.to, chosen=True)
    capacity = None if written.capacity is None else int(written.capacity.value)
    if written.capacity and (written.capacity.value != capacity or written.capacity.value < 1):
        context.session.report(
            "bad_capacity", "records are counted whole, from 1", written.capacity.span
        )
    skills = _skills(context, place, written.skills)
    sticky = [own_field(context.session, place, path, *_SAME) for path in written.sticky]
    _refuse_for_queues(context, to, written)
    if to is None or (guard is None) != (written.condition is None):
        return None
    return program.AssignEntry(
        guard,
        to,
        capacity,
        written.because or "",
        written.span,
        skills,
        tuple(path for path in sticky if path is not None),
    )


_SAME = (Kind.TEXT, Kind.REFERENCE)


def _skills(
    context: Context, place: Place, written: tuple[tree.Expression, ...]
) -> tuple[core.Node, ...]:
    """Gives what a person must know: texts and options, or sets of them."""
    found = []
    for one in written:
        node = context.session.check(place, one)
        if node is not None and not is_kind(node, Kind.TEXT, Kind.CHOICE, Kind.CHOICES):
            context.session.report(
                "wrong_type",
                "{found} is no skill",
                one.span,
                "name it by a text or an option",
                found=say(node),
            )
        elif node is not None:
            found.append(node)
    return tuple(found)


def _refuse_for_queues(
    context: Context, to: program.Principal | None, written: tree.AssignEntry
) -> None:
    """Refuses to choose among people where records wait for whoever takes them."""
    if isinstance(to, program.Group) and to.kind == "queue" and (written.skills or written.sticky):
        context.session.report(
            "misplaced", "nobody is chosen from a queue", written.to.span, "name a team or a role"
        )


def _reassign(
    context: Context, place: Place, written: tree.AssignAgain, calendar: str | None
) -> program.Reassign | None:
    guard = context.condition(place, written.guard)
    length = read_length(context.session, written.length)
    named = calendar is not None or context.has_organisation_calendar
    if isinstance(length, BusinessLength) and not named:
        context.session.report(
            "business_time",
            "business time needs a calendar",
            written.length.span,
            "write  only available using calendar_name",
        )
    if guard is None or length is None:
        return None
    return program.Reassign(length, guard, written.span)
