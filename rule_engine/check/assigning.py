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
from rule_engine.errors import Span
from rule_engine.messages import Phrase
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
    if is_null(value) and _word(value) not in place.record.object.fields:
        template = '"{name}" is not a value'
        session.report("null", template, value.span, "write  clear field", name=_word(value))
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
    if wanted is Kind.REFERENCE and _is_id_of(node, target.type.target):
        return replace(node, type=target.type)
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


def _is_id_of(node: core.Node, target: str | None) -> bool:
    """Says whether a node is a record's id: `create task { quote: id }` refers to that record."""
    return isinstance(node, core.Path) and node.field == "id" and node.object == target


def _same_target(target: core.Path, node: core.Node) -> bool:
    return len({target.type.target, node.type.target} - {None}) <= 1


def _report(session: Session, target: core.Path, node: core.Node) -> None:
    wanted, given = say_both(target, node)
    if wanted == given:
        wanted, given = say(target), say(node)
    session.report(
        "wrong_type",
        '"{field}" takes {wanted}, not {found}',
        node.span,
        _hint(session, target, node),
        field=target.field,
        wanted=wanted,
        found=given,
    )


def _hint(session: Session, target: core.Path, node: core.Node) -> Phrase:
    if is_kind(target, Kind.DATE) and is_kind(node, Kind.INSTANT):
        return Phrase("write  date_of(…)")
    if is_kind(target, Kind.REFERENCE):
        values = {"object": target.type.target}
        return Phrase("name a path that leads to a record of {object}", values)
    if is_kind(target, Kind.TEXT) and not isinstance(node, core.Constant):
        return Phrase("write  text_of(…)")
    if is_kind(target, Kind.PERCENT) and not isinstance(node, core.Constant):
        return Phrase("write  percent_of(…)")
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
        _report_read_only(session, name, path.span)
        return None
    if own_only and node.hops:
        session.report(
            "not_own_field",
            "here only fields of the record itself can be set",
            path.span,
            'set other records in rules "after save"',
        )
        return None
    return node


def _report_read_only(session: Session, name: str, span: Span) -> None:
    hint = "it is computed or kept by the system"
    session.report("read_only", '"{name}" cannot be set', span, hint, name=name)


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
            _report_read_only(session, pair.name.text, pair.name.span)
        if field.name in values:
            word, span = pair.name.text, pair.name.span
            session.report("twice", '"{word}" stands here twice', span, word=word)
        target = path_to(Origin(Scope.RECORD, (), owner), field, pair.name.span)
        node = check_value(session, place, target, pair.value, takes_ids=any_field)
        if node is not None:
            values[field.name] = node
    return tuple(values.items())


def _field(session: Session, owner: ObjectType, name: tree.Name) -> FieldType | None:
    field = find_field(owner, name.text)
    if field is None:
        report_unknown_field(session, owner, name)
    else:
        session.mention("field", owner.name, field.name, name.span)
    return field


def own_field(session: Session, place: Place, path: tree.Path, *kinds: Kind) -> core.Path | None:
    """Gives a field of the record itself, of one of the kinds (none: any)."""
    node = session.check(place, path)
    if node is None:
        return None
    if not isinstance(node, core.Path) or node.hops or node.scope is not Scope.RECORD:
        template, title = "only a field of {object} can stand here", title_of(place.record.object)
        session.report("not_own_field", template, path.span, object=title)
        return None
    if kinds and node.type.kind not in kinds:
        session.report("wrong_type", "{found} cannot stand here", path.span, found=say(node))
        return None
    return node
