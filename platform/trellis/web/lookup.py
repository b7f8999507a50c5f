"""What relation pickers find."""

from __future__ import annotations

from flask import jsonify, request
from werkzeug.wrappers import Response

from metadata.coerce import coerce
from metadata.json_text import mapping, read_json
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.query import QueryProblem, This
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.records.lookups import lookup_target
from trellis.unit import Unit
from trellis.web.doors import make_blueprint, object_for
from trellis.web.form_logic import new_record
from trellis.work import reading

blueprint = make_blueprint("lookup")

PICKED = 20


@blueprint.get("/o/<object_name>/lookup")
@declares(ANY_OBJECT, "read")
def lookup(object_name: str) -> Response:
    """Gives records whose name is found by a text, as JSON.

    `for` names the reference that wants them, as `object.field`: then only those that its filter
    lets through. `id` is the record being edited, `values` what its form holds, as JSON.
    """
    object_for(object_name)
    text = request.args.get("q", "")[:200]
    unit = reading()
    records = unit.records()
    asking = asking_field(request.args.get("for", ""), object_name)
    if asking is None:
        rows = records.lookup(object_name, text, PICKED)
    else:
        definition, field = asking
        this = This(definition.name, edited_record(unit, definition))
        try:
            wanted = field.text("filter")
            rows = records.lookup(object_name, text, PICKED, filter=wanted, this=this)
        except QueryProblem:  # it names what the reader may not see: nothing can be told
            rows = ()
    return jsonify({"items": [{"id": key, "name": name or "–"} for key, name in rows]})


def asking_field(name: str, target: str) -> tuple[ObjectDefinition, FieldDefinition] | None:
    """Gives the filtered reference that a picker stands for; None for a plain search."""
    object_name, _, field_name = name.partition(".")
    definition = current.catalog().objects.get(object_name)
    access = current.principal().access(object_name)
    if definition is None or not access.exists or not access.sees(field_name):
        return None
    field = definition.fields.get(field_name)
    if field is None or lookup_target(field) != target or field.text("filter") is None:
        return None
    return definition, field


def edited_record(unit: Unit, definition: ObjectDefinition) -> dict[str, object]:
    """Gives the record that is being edited as the reader sees it, with what the form holds."""
    record_id = request.args.get("id")
    stored = unit.records().get(definition.name, record_id) if record_id else None
    given, _ = read_json(request.args.get("values", "{}"))
    access = unit.principal.access(definition.name)
    wire = {name: value for name, value in mapping(given).items() if access.edits(name)}
    values, _ = coerce(definition, wire, partial=True, zone=unit.moment.zone)
    return {**new_record(unit, definition), **(stored or {}), **values}
