"""Finds fields by API name, else by an unambiguous label."""

from __future__ import annotations

from unicodedata import normalize

from rule_engine import tree
from rule_engine.check.habits import foreign_name
from rule_engine.check.session import Session
from rule_engine.messages import Phrase, Title
from rule_engine.spelling import did_you_mean
from rule_engine.types import FieldType, ObjectType

_NULLS = frozenset({"null", "none", "nil", "undefined", "nothing", "blank", "empty", "na"})


def title_of(object_type: ObjectType) -> Title:
    """Gives an object's label in the reader's language."""
    return Title(object_type.labels, object_type.name)


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
    session.mention("missing", object_type.name, name.text, name.span)
    title = title_of(object_type)
    ambiguous = _with_label(object_type, name.text)
    if len(ambiguous) > 1:
        session.report(
            "ambiguous_label",
            '{object} has several fields labelled "{name}"',
            name.span,
            "write one of the names: {names}",
            object=title,
            name=name.text,
            names=[one.name for one in ambiguous],
        )
        return
    known = [*object_type.fields, *object_type.links]
    known += [formula for owner, formula in session.formulas if owner == object_type.name]
    hint = did_you_mean(name.text, known)
    if name.text in {object_type.name, *object_type.labels.values()}:
        hint = Phrase("leave it out: names are fields of this record already")
    for package, formulas in session.packages.items():
        if package and (object_type.name, name.text) in formulas:
            hint = Phrase("write  {package}.{name}", {"package": package, "name": name.text})
    labels = [label for one in object_type.fields.values() for label in one.labels.values()]
    session.report(
        "unknown_field",
        '{object} has no field "{name}"',
        name.span,
        hint or did_you_mean(name.text, labels) or foreign_name(name.text),
        object=title,
        name=name.text,
    )


def report_unknown_formula(
    session: Session, object_type: ObjectType, package: str, name: tree.Name
) -> None:
    """Says that another package has no such formula and what was probably meant."""
    known = [one for owner, one in session.packages[package] if owner == object_type.name]
    session.report(
        "unknown_formula",
        'the package "{package}" defines no "{name}" on {object}',
        name.span,
        did_you_mean(name.text, known),
        package=package,
        name=name.text,
        object=title_of(object_type),
    )


def is_null(expression: tree.Expression) -> bool:
    """Says whether an expression is another language's word for an empty value."""
    return (
        isinstance(expression, tree.Path)
        and len(expression.parts) == 1
        and expression.parts[0].text.casefold() in _NULLS
    )
