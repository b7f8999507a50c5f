"""Which values may be put into which fields."""

from __future__ import annotations

from dataclasses import replace

from rule_engine import core, tree
from rule_engine.check.agreement import is_text_constant, midnight, mismatch_hint
from rule_engine.check.choices import fit_option
from rule_engine.check.names import find_field, is_null, report_unknown_field, title_of
from rule_engine.check.paths import path_to
from rule_engine.check.session import Origin, Place, Session, is_kind
from rule_engine.check.words import say, say_both
from rule_engine.core import Scope
from rule_engine.types import FieldType, Kind, ObjectType, Type

_TEXTS = frozenset({Kind.TEXT, Kind.CHOICE})


def check_value(
    session: Session,
    place: Place,
    target: core.Path,
    value: tree.Expression,
    *,
    takes_ids: bool = False,
) -> core.Node | None:
    """Gives the node of a value for a field; `takes_ids` lets texts stand for records."""
    if is_null(value):
        message = f'"{_word(value)}" is not a value'
        session.report("null", message, value.span, "write  clear field")
        return None
    node = session.check(place, value)
    return None if node is None else fit(session, target, node, takes_ids=takes_ids)


def _word(value: tree.Expression) -> str:
    return value.parts[0].text if isinstance(value, tree.Path) else ""


def fit(
    session: Session, target: core.Path, node: core.Node, *, takes_ids: bool = False
) -> core.Node | None:
    """Gives a node in the form that a field stores; what does not fit is reported."""
    if isinstance(node, core.If):
        then = fit(session, target, node.then, takes_ids=takes_ids)
        otherwise = fit(session, target, node.otherwise, takes_ids=takes_ids)
        if then is None or otherwise is None:
            return None
        return replace(node, type=target.type, then=then, otherwise=otherwise)
    if isinstance(node, core.Case):
        return _fit_case(session, target, node, takes_ids)
    wanted, kind = target.type.kind, node.type.kind
    if wanted is Kind.INSTANT and kind is Kind.DATE:
        return midnight(node)
    if isinstance(node, core.Constant):
        return _fit_constant(session, target, node, takes_ids)
    if kind is wanted and _same_target(target, node):
        return node
    if {kind, wanted} <= _TEXTS:
        return node
    _report(session, target, node)
    return None


def _fit_case(
    session: Session, target: core.Path, node: core.Case, takes_ids: bool
) -> core.Node | None:
    arms = []
    for condition, value in node.arms:
        fitted = fit(session, target, value, takes_ids=takes_ids)
        if fitted is None:
            return None
        arms.append((condition, fitted))
    return replace(node, type=target.type, arms=tuple(arms))


def _fit_constant(
    session: Session, target: core.Path, node: core.Constant, takes_ids: bool
) -> core.Node | None:
    wanted = target.type.kind
    if is_kind(node, wanted):
        return node
    if is_text_constant(node) and wanted is Kind.CHOICE:
        return fit_option(session, node, target)
    if is_text_constant(node) and wanted is Kind.REFERENCE and takes_ids:
        return replace(node, type=Type(Kind.REFERENCE, target=target.type.target))
    if is_kind(node, Kind.LIST) and wanted is Kind.CHOICES and isinstance(node.value, tuple):
        options = [
            fit_option(session, replace(node, type=Type(Kind.TEXT), value=value), target)
            for value in node.value
        ]
        if None in options:
            return None
        return replace(node, type=target.type, value=frozenset(node.value))
    _report(session, target, node)
    return None


def _same_target(target: core.Path, node: core.Node) -> bool:
    return len({target.type.target, node.type.target} - {None}) <= 1


def _report(session: Session, target: core.Path, node: core.Node) -> None:
    wanted, given = say_both(target, node)
    if wanted == given:
        wanted, given = say(target), say(node)
    session.report(
        "wrong_type",
        f'"{target.field}" takes {wanted}, not {given}',
        node.span,
        _hint(session, target, node),
        field=target.field,
    )


def _hint(session: Session, target: core.Path, node: core.Node) -> str:
    if is_kind(target, Kind.DATE) and is_kind(node, Kind.INSTANT):
        return "write  date_of(…)"
    if is_kind(target, Kind.REFERENCE):
        return f"name a path that leads to a record of {target.type.target}"
    if is_kind(target, Kind.TEXT) and not isinstance(node, core.Constant):
        return "write  text_of(…)"
    return mismatch_hint(session, node, target)


def check_target(
    session: Session, place: Place, path: tree.Path, *, own_only: bool
) -> core.Path | None:
    """Gives the field that `set` or `clear` writes; read-only ones are reported."""
    node = session.check(place, path)
    if node is None:
        return None
    field = session.field_of(node) if isinstance(node, core.Path) else None
    if field is None or not isinstance(node, core.Path) or node.scope is not Scope.RECORD:
        session.report("not_a_field", "only fields can be set", path.span)
        return None
    name = ".".join(part.text for part in path.parts)
    if not field.writable:
        message = f'"{name}" cannot be set'
        session.report("read_only", message, path.span, "it is computed or kept by the system")
        return None
    if own_only and node.hops:
        message = "here only fields of the record itself can be set"
        hint = 'set other records in rules "after save"'
        session.report("not_own_field", message, path.span, hint)
        return None
    return node


def check_values(
    session: Session,
    place: Place,
    owner: ObjectType,
    pairs: tuple[tree.FieldValue, ...],
    *,
    any_field: bool = False,
) -> tuple[tuple[str, core.Node], ...]:
    """Gives the checked values of `{ field: expression }`; `any_field` takes read-only ones too."""
    values: dict[str, core.Node] = {}
    for pair in pairs:
        field = _field(session, owner, pair.name)
        if field is None:
            session.check(place, pair.value)
            continue
        if not field.writable and not any_field:
            message = f'"{pair.name.text}" cannot be set'
            hint = "it is computed or kept by the system"
            session.report("read_only", message, pair.name.span, hint)
        if field.name in values:
            message = f'"{pair.name.text}" stands here twice'
            session.report("twice", message, pair.name.span)
        target = path_to(Origin(Scope.RECORD, (), owner), field, pair.name.span)
        node = check_value(session, place, target, pair.value, takes_ids=any_field)
        if node is not None:
            values[field.name] = node
    return tuple(values.items())


def _field(session: Session, owner: ObjectType, name: tree.Name) -> FieldType | None:
    field = find_field(owner, name.text)
    if field is None:
        report_unknown_field(session, owner, name)
    return field


def own_field(session: Session, place: Place, path: tree.Path, *kinds: Kind) -> core.Path | None:
    """Gives a field of the record itself, of one of the kinds (none: any)."""
    node = session.check(place, path)
    if node is None:
        return None
    if not isinstance(node, core.Path) or node.hops or node.scope is not Scope.RECORD:
        title = title_of(place.record.object)
        session.report("not_own_field", f"only a field of {title} can stand here", path.span)
        return None
    if kinds and node.type.kind not in kinds:
        session.report("wrong_type", f"{say(node)} cannot stand here", path.span)
        return None
    return node
