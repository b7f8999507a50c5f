"""Values of choice fields: are they options, and in which order do options stand?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from rule_engine import core
from rule_engine.check.session import Session
from rule_engine.check.words import list_words
from rule_engine.errors import Span
from rule_engine.messages import Phrase
from rule_engine.spelling import nearest
from rule_engine.types import Kind, Option, Type


def fit_option(
    session: Session, constant: core.Constant, choice: core.Node
) -> core.Constant | None:
    """Gives a text constant as an option of a choice's type; reports what is no option."""
    value, options = str(constant.value), choice.type.options
    kind = Type(Kind.CHOICE, options=options)
    _mention(session, value, constant.span, choice)
    if options is None or value in options:
        return replace(constant, type=kind)
    session.report(
        "unknown_option",
        '"{name}" is not a value of this field',
        constant.span,
        _hint(value, options, _options_of(session, choice)),
        name=value,
    )
    return None


def _mention(session: Session, value: str, span: Span, choice: core.Node) -> None:
    """Notes which option is meant, of each field that the choice can come from."""
    for path in core.walk(choice):
        field = session.field_of(path) if isinstance(path, core.Path) else None
        if isinstance(path, core.Path) and field is not None and field.options:
            labels = [name for name, o in field.options.items() if value in o.labels.values()]
            names = [value] if value in field.options else labels
            if len(names) == 1:
                session.mention("option", f"{path.object}.{path.field}", names[0], span)


def _options_of(session: Session, choice: core.Node) -> Mapping[str, Option]:
    field = session.field_of(choice) if isinstance(choice, core.Path) else None
    return {} if field is None else field.options


def _hint(value: str, names: tuple[str, ...], options: Mapping[str, Option]) -> Phrase:
    labels = {label: name for name, o in options.items() for label in o.labels.values()}
    meant = labels.get(value) or nearest(value, names) or labels.get(nearest(value, labels) or "")
    if meant:
        return Phrase('did you mean "{guess}"?', {"guess": meant})
    return Phrase("its values: {known}", {"known": list_words(names)})


def option_positions(
    session: Session, left: core.Node, right: core.Node
) -> tuple[core.Node, core.Node] | None:
    """Gives two choices as their places in one list of options, None without such a list."""
    options = left.type.options or right.type.options
    if options is None or not {left.type.options, right.type.options} <= {options, None}:
        return None
    places = {option: Decimal(place) for place, option in enumerate(options)}
    first, second = _position(left, places), _position(right, places)
    return None if first is None or second is None else (first, second)


def _position(node: core.Node, places: Mapping[str, Decimal]) -> core.Node | None:
    number = Type(Kind.NUMBER)
    if isinstance(node, core.Constant):
        place = places.get(str(node.value))
        return None if place is None else core.Constant(number, False, node.span, place)
    if isinstance(node, core.Path):
        values = tuple(places.items())
        return core.OptionAttribute(number, node.nullable, node.span, node, "position", values)
    return None
