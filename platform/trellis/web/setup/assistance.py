"""Live help for the inspector: what is wrong with a field as typed, and what can be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from flask import Response, jsonify, request

from metadata.catalog import build_catalog
from metadata.checks import check_elements
from metadata.drafts import Draft, drafts, with_drafts
from metadata.elements import Element
from metadata.json_text import pointer
from metadata.problems import Problem
from rule_engine.editor import complete
from trellis import current
from trellis.declared import declares
from trellis.designer.drafts import author_of
from trellis.designer.publishing import plan_elements
from trellis.errors import Refused
from trellis.unit import Unit
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.controls import Form
from trellis.web.setup.documents import ObjectDraft
from trellis.web.setup.plan_lines import PlanLine, detailed
from trellis.web.setup.properties import Sent, read_field, write_field
from trellis.work import reading

blueprint = make_blueprint("setup_assistance", "/setup/objects")

MOST: Final = 40
CONVERSION: Final = "convert_field"


@blueprint.post("/<name>/assistance")
@declares("", "administer")
def assist(name: str) -> Response:
    """Answers what can be written at `offset` of the control `at`; without one, what is wrong."""
    unit = reading()
    author_of(unit)
    if "offset" in request.form:
        return jsonify(offers(unit, name, request.form))
    return jsonify({"problems": list(wrong(unit, name, request.form))})


def offers(unit: Unit, name: str, form: Form) -> dict[str, Any]:
    """Gives what can be written at a place of an expression."""
    owner = form.get("about") or name
    schema = build_catalog(0, elements(unit), previous=unit.catalog).schema
    text, start = form.get("text", ""), f"define expression on {owner} as "
    offset = len(start) + min(form.get("offset", 0, int), len(text))
    found = complete(start + text, offset, schema, language=current.language())
    named = [one for one in found if one.kind not in {"keyword", "mark"}]
    others = [one for one in found if one.kind in {"keyword", "mark"}]
    return {
        "items": [
            {
                "label": one.label,
                "insert": one.insert,
                "kind": one.kind,
                "detail": one.detail,
                "documentation": one.documentation,
            }
            for one in (*named, *others)[:MOST]
        ]
    }


def wrong(unit: Unit, name: str, form: Form) -> Iterator[dict[str, object]]:
    """Gives what is wrong with a field as it was typed, by the names of the controls."""
    draft = ObjectDraft(unit, name)
    sent = read_field(draft, form)
    place = pointer(("properties", sent.name))
    for problem in problems_of(unit, draft, sent):
        if problem.path == place or problem.path.startswith(f"{place}/"):
            below = control_name(sent, problem.path.removeprefix(place))
            yield {
                "at": below,
                "text": words(problem),
                "line": problem.line,
                "column": problem.column,
            }


def problems_of(unit: Unit, draft: ObjectDraft, sent: Sent) -> Sequence[Problem]:
    """Gives what is wrong with the object once the field is as it was typed."""
    try:
        write_field(draft, sent)
    except Refused as error:
        return error.problems
    wanted = elements(unit, Draft("object", draft.name, draft.body))
    return check_elements(wanted, unit.catalog).get(("object", draft.name), [])


def control_name(sent: Sent, place: str) -> str:
    """Gives the control that a place in the field's document belongs to."""
    rows = sent.fields().options()
    if rows is None or not place.startswith(f"{rows.name}/"):
        return place
    for number, key, _ in rows.read_rows(sent.form):
        start = rows.name + pointer((key,))
        if place == start or place.startswith(f"{start}/"):
            return f"{rows.name}/{number}{place.removeprefix(start)}"
    return place


def elements(unit: Unit, *more: Draft) -> list[Element]:
    """Gives all definitions as their author sees them, with what is not saved yet."""
    mine = drafts(unit.connection, author_of(unit))
    return with_drafts(unit.catalog.elements, (*mine, *more))


def conversion_of(unit: Unit, draft: ObjectDraft, sent: Sent) -> PlanLine | None:
    """Says how the values that are there fare when the field has the type that was chosen."""
    if sent.was not in draft.published_fields():
        return None
    changed = ObjectDraft(unit, draft.name)
    try:
        write_field(changed, sent)
    except Refused:
        return None
    planned = plan_elements(unit, elements(unit, Draft("object", draft.name, changed.body)))
    lines = detailed(unit, planned.operations, planned.impacts)
    places = {f"{draft.name}.{sent.was}", f"{draft.name}.{sent.name}"}
    return next(
        (
            lines.get(number)
            for number, operation in enumerate(planned.operations)
            if operation.kind == CONVERSION and operation.place in places
        ),
        None,
    )
