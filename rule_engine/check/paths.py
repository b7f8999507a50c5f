"""Resolves paths: fields over references, `this`, `old`, `user`, `now`, `today`, formulas."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rule_engine import core, tree
from rule_engine.check.formulas import find_foreign, formula_of, inline
from rule_engine.check.names import (
    find_field,
    is_null,
    report_unknown_field,
    report_unknown_formula,
    title_of,
)
from rule_engine.check.session import Origin, Place, Session
from rule_engine.core import Scope
from rule_engine.errors import Span
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import FieldType, Kind, Link, ObjectType, Type

MAX_HOPS = 3


@dataclass(frozen=True, slots=True)
class Way:
    """How far the names of a path lead: over references to an origin, `rest` not yet read."""

    origin: Origin
    rest: tuple[tree.Name, ...]


def check_path(session: Session, place: Place, expression: tree.Path) -> core.Node | None:
    """Gives the node of a path that ends at a field, a formula or an option's attribute."""
    parameter = _parameter(place, expression)
    if parameter is not None:
        return parameter
    way = start(session, place, expression)
    if way is None:
        return None
    if not way.rest:
        return _whole_record(session, way.origin, expression)
    return resolve(session, place, way, expression.span)


def _parameter(place: Place, expression: tree.Path) -> core.Node | None:
    if len(expression.parts) > 1 or place.record.object.fields.get(expression.parts[0].text):
        return None
    match expression.parts[0].text:
        case "now":
            return core.Parameter(Type(Kind.INSTANT), False, expression.span, "now")
        case "today":
            return core.Parameter(Type(Kind.DATE), False, expression.span, "today")
    return None


def start(session: Session, place: Place, expression: tree.Path) -> Way | None:
    """Gives where a path starts and the names that are left."""
    first, *rest = expression.parts
    if place.record.object.fields.get(first.text) is not None:
        return Way(place.record, expression.parts)
    match first.text:
        case "this":
            if place.outer is None:
                session.report("no_this", '"this" cannot be told here', first.span)
                return None
            return Way(place.outer, tuple(rest))
        case "old":
            if not place.sees_changes:
                session.report(
                    "no_old",
                    '"old" is only known where a record changes',
                    first.span,
                    "use it in rules on update, validations and approvals",
                )
                return None
            return Way(_old(place), tuple(rest))
        case "user":
            user = session.schema.object("user")
            if user is None:
                session.report(
                    "unknown_object", 'there is no object "{name}"', first.span, name="user"
                )
                return None
            return Way(Origin(Scope.USER, (), user), tuple(rest))
    return Way(place.record, expression.parts)


def _old(place: Place) -> Origin:
    """Gives the record before the change: of the record that triggers, also in aggregates."""
    origin = place.outer if place.in_aggregate and place.outer else place.record
    return Origin(Scope.OLD, origin.hops, origin.object)


def _whole_record(session: Session, origin: Origin, expression: tree.Path) -> core.Node | None:
    if origin.scope is Scope.USER:
        kind = Type(Kind.REFERENCE, target="user")
        return core.Path(kind, True, expression.span, Scope.USER, (), "user", "id")
    word = expression.parts[-1].text
    session.report(
        "needs_field", '"{name}" needs a field', expression.span, "write  {name}.field", name=word
    )
    return None


def resolve(session: Session, place: Place, way: Way, span: Span) -> core.Node | None:
    """Gives the node of the names left of a way."""
    origin = way.origin
    for position, name in enumerate(way.rest):
        is_last = position == len(way.rest) - 1
        field = find_field(origin.object, name.text)
        if field is None:
            return _other_than_field(session, place, origin, way.rest[position:], span)
        session.mention("field", origin.object.name, field.name, name.span)
        if is_last:
            return path_to(origin, field, span)
        if len(way.rest) - position == 2 and _has_attributes(field):
            return _attribute(session, origin, field, way.rest[-1], span)
        following = follow(session, origin, field, name, way.rest[position + 1])
        if following is None:
            return None
        origin = following
    return None


def path_to(origin: Origin, field: FieldType, span: Span) -> core.Path:
    """Gives the node of a field of an origin."""
    foreign = origin.scope in (Scope.OLD, Scope.USER)
    nullable = field.nullable or bool(origin.hops) or foreign
    kind = field.type
    if kind.kind is Kind.REFERENCE and kind.target is None and field.target is not None:
        kind = replace(kind, target=field.target)
    return core.Path(
        kind, nullable, span, origin.scope, origin.hops, origin.object.name, field.name
    )


def follow(
    session: Session, origin: Origin, field: FieldType, name: tree.Name, following: tree.Name
) -> Origin | None:
    """Gives where a reference leads; what is no reference is reported."""
    target_name = field.target or field.type.target
    if field.type.kind is not Kind.REFERENCE or target_name is None:
        session.report(
            "not_a_reference",
            '"{name}" has no fields of its own',
            following.span,
            _part_hint(field, name.text, following.text),
            name=name.text,
        )
        return None
    target = session.schema.object(target_name)
    if target is None:
        template = '"{name}" leads to the unknown object "{object}"'
        session.report("unknown_object", template, name.span, name=name.text, object=target_name)
        return None
    hop = core.Hop(origin.object.name, field.name, target.name)
    if len(origin.hops) >= MAX_HOPS and origin.object.name != "test":
        session.report(
            "path_too_long",
            "a path follows at most {most} references",
            following.span,
            "keep the value in a field on the way",
            most=MAX_HOPS,
        )
        return None
    return Origin(origin.scope, (*origin.hops, hop), target)


def _part_hint(field: FieldType, name: str, part: str) -> Phrase:
    if field.type.kind in (Kind.DATE, Kind.INSTANT) and part in ("year", "quarter", "month", "day"):
        return Phrase("write  {part}_of({name})", {"part": part, "name": name})
    if part == "changed":
        return Phrase("write  {name} changed", {"name": name})
    if part in ("length", "upper", "lower", "trim"):
        return Phrase("write  {part}({name})", {"part": part, "name": name})
    if field.type.kind is Kind.INSTANT and part == "date":
        return Phrase("write  date_of({name})", {"name": name})
    return NOTHING


def _has_attributes(field: FieldType) -> bool:
    return field.type.kind is Kind.CHOICE and any(o.attributes for o in field.options.values())


def _attribute(
    session: Session, origin: Origin, field: FieldType, name: tree.Name, span: Span
) -> core.Node | None:
    """Gives an attribute of the chosen option (`stage.probability`)."""
    known = {
        attribute: kind
        for option in field.options.values()
        for attribute, (kind, _) in option.attributes.items()
    }
    owner = f"{origin.object.name}.{field.name}"
    session.mention("attribute" if name.text in known else "missing", owner, name.text, name.span)
    if name.text not in known:
        session.report(
            "unknown_attribute",
            'the options of "{field}" have no "{name}"',
            name.span,
            "they have: {known}",
            field=field.name,
            name=name.text,
            known=sorted(known),
        )
        return None
    values = tuple(
        (value, option.attributes[name.text][1])
        for value, option in field.options.items()
        if name.text in option.attributes
    )
    path = path_to(origin, field, span)
    nullable = path.nullable or len(values) < len(field.options)
    return core.OptionAttribute(known[name.text], nullable, span, path, name.text, values)


def _other_than_field(
    session: Session, place: Place, origin: Origin, rest: tuple[tree.Name, ...], span: Span
) -> core.Node | None:
    """Gives the node of names that begin with no field: a formula, a candidate's field."""
    name = rest[0]
    formula = formula_of(session, origin.object, name.text)
    if formula is not None:
        session.mention("formula", origin.object.name, formula.head.name.text, name.span)
        if len(rest) > 1:
            session.mention("output", formula.head.name.text, rest[1].text, rest[1].span)
        return inline(session, origin, formula, rest, span)
    foreign = find_foreign(session, origin.object, rest)
    if foreign is not None:
        inside, formula = foreign
        session.mention("formula", origin.object.name, formula.head.name.text, rest[1].span)
        return inline(inside, origin, formula, rest[1:], span)
    if place.candidate is not None and origin is place.record:
        user = Origin(Scope.USER, (), place.candidate)
        if find_field(place.candidate, name.text) is not None:
            return resolve(session, replace(place, candidate=None), Way(user, rest), span)
    if name.text in origin.object.links:
        _report_many(session, origin.object, rest)
    elif is_null(tree.Path(span, rest)):
        session.report(
            "null", '"{name}" is not a value', name.span, 'write "is empty"', name=name.text
        )
    elif len(rest) > 1 and name.text in session.packages:
        report_unknown_formula(session, origin.object, name.text, rest[1])
    else:
        report_unknown_field(session, origin.object, name)
    return None


def _report_many(session: Session, owner: ObjectType, rest: tuple[tree.Name, ...]) -> None:
    written = ".".join(name.text for name in rest)
    example = f"latest({written})" if len(rest) > 1 else f"count({written})"
    session.report(
        "many_records",
        '{object} has many "{name}"',
        rest[0].span,
        "say which or how many, e.g. {example}",
        object=title_of(owner),
        name=rest[0].text,
        example=example,
    )


def find_link(session: Session, place: Place, path: tree.Path) -> tuple[Way, Link] | None:
    """Gives the link that a path goes over and the names behind it; None when there is none.

    Nothing is reported: what leads to no link is for `check_path` to judge.
    """
    quiet = replace(session, found=[], mentions=[])
    way = start(quiet, place, path)
    if way is None:
        return None
    origin = way.origin
    for position, name in enumerate(way.rest):
        field = find_field(origin.object, name.text)
        if field is None:
            link = origin.object.links.get(name.text)
            if link is None:
                return None
            session.mentions.extend(quiet.mentions)
            session.mention("link", origin.object.name, link.name, name.span)
            return Way(origin, way.rest[position + 1 :]), link
        quiet.mention("field", origin.object.name, field.name, name.span)
        if position + 1 == len(way.rest):
            return None
        following = follow(quiet, origin, field, name, way.rest[position + 1])
        if following is None:
            return None
        origin = following
    return None
