"""Checks of `validate`."""

from __future__ import annotations

from typing import Literal, cast

from rule_engine import program, tree
from rule_engine.check.reachability import warn_excluded
from rule_engine.check.session import Place, Session, place_on
from rule_engine.check.statements.context import Context


def check_validate(context: Context, written: tree.Validate) -> program.Validation | None:
    """Gives the checked validation; None when its object is unknown."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    place = place_on(owner, sees_changes=True)
    guard = context.condition(place, written.guard)
    found = [_requirement(context, place, one) for one in written.requirements]
    for check in found:
        if check is not None:
            warn_excluded(context.session, guard, check.guard)
    return program.Validation(
        *context.naming(written.head, owner, written.span),
        guard=guard,
        checks=tuple(check for check in found if check is not None),
    )


def _requirement(context: Context, place: Place, written: tree.Requirement) -> program.Check | None:
    condition = context.condition(place, written.condition)
    guard = context.condition(place, written.guard)
    field = field_name(context.session, place, written.at)
    if condition is None:
        return None
    kind = cast("Literal['require', 'forbid']", written.kind)
    return program.Check(kind, condition, guard, written.message.value, field, written.span)


def field_name(session: Session, place: Place, path: tree.Path | None) -> str | None:
    """Gives the dotted API names of the field that a message belongs to."""
    from_path = None if path is None else session.check(place, path)
    hops = getattr(from_path, "hops", None)
    field = getattr(from_path, "field", None)
    if path is not None and from_path is not None and field is None:
        session.report("not_a_field", "a message belongs to a field", path.span)
    if hops is None or field is None:
        return None
    return ".".join((*(hop.field for hop in hops), field))
