"""Finds fields by API name, else by an unambiguous label."""

from __future__ import annotations

from unicodedata import normalize

from rule_engine import tree
from rule_engine.check.session import Session
from rule_engine.spelling import did_you_mean
from rule_engine.types import FieldType, ObjectType

_NULLS = frozenset({"null", "none", "nil", "undefined", "nothing", "NULL", "None", "Null"})


def title_of(object_type: ObjectType) -> str:
    """Gives an object's English label; its API name when there is none."""
    return object_type.labels.get("en") or object_type.name


def find_field(object_type: ObjectType, text: str) -> FieldType | None:
    """Gives the field of a name: API name first, else the only field with such a label."""
    if (known := object_type.fields.get(text)) is not None:
        return known
    found = _with_label(object_type, text)
    return found[0] if len(found) == 1 else None


def _with_label(object_type: ObjectType, text: str) -> list[FieldType]:
    wanted = normalize("NFC", text)
    return [
        one
        for one in object_type.fields.values()
        if wanted in {normalize("NFC", label) for label in one.labels.values()}
    ]


def report_unknown_field(session: Session, object_type: ObjectType, name: tree.Name) -> None:
    """Says that an object has no such field and what was probably meant."""
    title = title_of(object_type)
    ambiguous = _with_label(object_type, name.text)
    if len(ambiguous) > 1:
        session.report(
            "ambiguous_label",
            f'{title} has several fields labelled "{name.text}"',
            name.span,
            f"write one of the names: {', '.join(one.name for one in ambiguous)}",
            name=name.text,
        )
        return
    known = [*object_type.fields, *object_type.links]
    known += [formula for owner, formula in session.formulas if owner == object_type.name]
    hint = did_you_mean(name.text, known)
    if name.text in {object_type.name, *object_type.labels.values()}:
        hint = "leave it out: names are fields of this record already"
    labels = [label for one in object_type.fields.values() for label in one.labels.values()]
    session.report(
        "unknown_field",
        f'{title} has no field "{name.text}"',
        name.span,
        hint or did_you_mean(name.text, labels),
        object=object_type.name,
        name=name.text,
    )


def is_null(expression: tree.Expression) -> bool:
    """Says whether an expression is another language's word for an empty value."""
    return (
        isinstance(expression, tree.Path)
        and len(expression.parts) == 1
        and expression.parts[0].text in _NULLS
    )
