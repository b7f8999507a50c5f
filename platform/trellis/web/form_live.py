"""What an open form asks while somebody types: the tests that the browser cannot decide."""

from __future__ import annotations

from flask import jsonify, request
from werkzeug.wrappers import Response

from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Missing
from trellis.web.doors import make_blueprint, object_for
from trellis.web.record_forms import Editing
from trellis.work import reading

blueprint = make_blueprint("form_live", "/o")


@blueprint.post("/<object_name>/live")
@declares(ANY_OBJECT, "read")
def live(object_name: str) -> Response:
    """Says which of the form's tests hold for what is typed, by their numbers.

    `id` names the record being edited, `record_type` the type of a new one.
    """
    definition, access = object_for(object_name)
    unit, record_id = reading(), request.args.get("id")
    record = None
    if record_id is not None:
        record = unit.records().get(object_name, record_id)
        if record is None or not unit.records().reaches(object_name, record_id, "update"):
            raise Missing
    elif not access.create:
        raise Missing
    editing = Editing(unit, definition, record, request.args.get("record_type"))
    return jsonify({"holds": editing.live(editing.sent_form(request.form)).holds})
