"""Puts defines and decision tables in place of their names."""

from __future__ import annotations

from dataclasses import replace
from unicodedata import normalize

from rule_engine import core, tree
from rule_engine.check.session import (
    MAX_FORMULAS,
    Formula,
    FormulaCycleError,
    FormulaDepthError,
    Origin,
    Place,
    Session,
    is_kind,
)
from rule_engine.check.tables import check_table, table_value
from rule_engine.core import Scope
from rule_engine.errors import Span
from rule_engine.messages import NOTHING, Phrase
from rule_engine.types import Kind, ObjectType

MAX_PARTS = 20_000
MAX_DEPTH = 100  # visitors and Python's compiler recurse


def formula_of(session: Session, owner: ObjectType, name: str) -> Formula | None:
    """Gives the define or table of an object by its name, else by its label."""
    known = session.formulas.get((owner.name, name))
    if known is not None:
        return known
    name = normalize("NFC", name)
    labelled = [
        formula
        for (object_name, _), formula in session.formulas.items()
        if object_name == owner.name and formula.head.label == name
    ]
    return labelled[0] if len(labelled) == 1 else None


def inline(
    session: Session, origin: Origin, formula: Formula, rest: tuple[tree.Name, ...], span: Span
) -> core.Node | None:
    """Gives a formula's node as seen from an origin, at the place that names it.

    What is wrong inside the formula is reported where it is written, not here; a circle is.
    """
    name = _full_name(session, formula)
    if name in session.inlining:
        raise FormulaCycleError((*session.inlining, name))
    if len(session.inlining) >= MAX_FORMULAS:
        raise FormulaDepthError
    output = _output(session, formula, rest)
    if output is None:
        return None
    key = (f"{name}/{output}", origin.scope, origin.hops, origin.object.name)
    if key not in session.known:
        try:
            node = _build(session.quiet(name), origin, formula, output)
        except FormulaCycleError as cycle:
            if session.inlining:
                raise
            _report_cycle(session, cycle, span)
            return None
        except FormulaDepthError:
            if session.inlining:
                raise
            report_too_big(session, span)
            return None
        session.known[key] = node
    node = session.known[key]
    return None if node is None else replace(node, span=span)


def _full_name(session: Session, formula: Formula) -> str:
    """Gives a formula's name with that of its package, if it has one."""
    name = formula.head.name.text
    return f"{session.package}.{name}" if session.package else name


def find_foreign(
    session: Session, owner: ObjectType, rest: tuple[tree.Name, ...]
) -> tuple[Session, Formula] | None:
    """Gives what `package.name` means: a formula, and the session in which its names are known."""
    if len(rest) < 2 or rest[0].text not in session.packages:
        return None
    inside = session.inside(rest[0].text)
    formula = formula_of(inside, owner, rest[1].text)
    return None if formula is None else (inside, formula)


def _report_cycle(session: Session, cycle: FormulaCycleError, span: Span) -> None:
    names = " → ".join(cycle.names[cycle.names.index(cycle.names[-1]) :])
    session.report("formula_cycle", "this formula needs itself: {names}", span, names=names)


def _output(session: Session, formula: Formula, rest: tuple[tree.Name, ...]) -> int | None:
    """Gives which output of a table is named; 0 for a define."""
    if len(rest) == 1:
        return 0
    wanted, hint = rest[1], NOTHING
    if isinstance(formula, tree.Table) and len(rest) == 2:
        names = [name.text for name in formula.outputs]
        if wanted.text in names:
            return names.index(wanted.text)
        hint = Phrase("it has: {known}", {"known": names})
    session.report(
        "unknown_output",
        '"{formula}" has no "{name}"',
        wanted.span,
        hint,
        formula=rest[0].text,
        name=wanted.text,
    )
    return None


def _build(session: Session, origin: Origin, formula: Formula, output: int) -> core.Node | None:
    place = Place(origin, origin)
    if isinstance(formula, tree.Define):
        node = session.check(place, formula.body)
    else:
        node = table_value(session, place, formula, output)
    if node is not None and is_too_big(node):
        return None
    return node


def is_too_big(node: core.Node) -> bool:
    """Says whether an expression with its formulas is too much to compile."""
    parts, levels = core.size(node)
    return parts > MAX_PARTS or levels > MAX_DEPTH


def report_too_big(session: Session, span: Span) -> None:
    """Says that formulas in formulas have grown beyond measure."""
    session.report(
        "too_big",
        "with its formulas this has over {parts} parts, or over {levels} levels",
        span,
        "keep a part of it in a field",
        parts=f"{MAX_PARTS:,}",
        levels=MAX_DEPTH,
    )


def check_formula(session: Session, formula: Formula) -> list[core.Node]:
    """Checks a define or a table where it is written; gives its values, one for each output."""
    owner = session.object(formula.head.object)
    if owner is None:
        return []
    name = formula.head.name
    if name.text in owner.fields or name.text in owner.links:
        template, hint = 'there is a field "{name}" already', "take another name"
        session.report("name_taken", template, name.span, hint, name=name.text)
    place = Place(Origin(Scope.RECORD, (), owner), Origin(Scope.RECORD, (), owner))
    own = replace(session, inlining=(_full_name(session, formula),))
    try:
        if isinstance(formula, tree.Define):
            built = [own.check(place, formula.body)]
            whole = (node for node in built if node is not None and is_kind(node, Kind.BOOLEAN))
            own.conditions.extend(whole)
        else:
            built = check_table(own, place, formula)
    except FormulaCycleError as cycle:
        _report_cycle(session, cycle, name.span)
        return []
    except FormulaDepthError:
        report_too_big(session, name.span)
        return []
    values = [node for node in built if node is not None]
    if any(map(is_too_big, values)):
        report_too_big(session, name.span)
    return values
