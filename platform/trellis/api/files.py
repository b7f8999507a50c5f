"""`/api/v1/files`: taking files in, before a record names them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, request

from metadata.fields.base import FieldDefinition
from metadata.fields.files import FileLimits, StoredFile, file_to_wire
from metadata.fields.types.file import File
from metadata.problems import Problem
from trellis import current
from trellis.api.answers import json_answer
from trellis.api.blueprint import FILES
from trellis.api.components import STORED_FILE
from trellis.api.operations import FILE, TEXT, Answer, Body, Operation, Parameter, closed, describes
from trellis.api.problems import RequestError
from trellis.api.requests import read_parameters
from trellis.declared import declares
from trellis.files.requests import takes_files
from trellis.files.uploads import Purpose, purpose_of, register, take_in
from trellis.phrases import Sentence
from trellis.unit import Unit
from trellis.work import reading, writing_now

PART = "file"
FIELD = "field"


UPLOADED = Operation(
    Sentence("Take a file in, before a record names it"),
    {201: Answer(Sentence("The file as records name it."), STORED_FILE, headers=("Location",))},
    (Parameter(FIELD, Sentence("What the file is for: object and field, as `contact.photo`.")),),
    Body(closed({PART: FILE, FIELD: TEXT}, (PART,)), "multipart/form-data"),
)


@FILES.post("")
@describes(UPLOADED)
@declares("", "")
@takes_files
def upload() -> Response:
    """Stores a file (part `file`) for a day; `field=contact.photo` says what it is for.

    With `field` its limits hold at once, and pictures are made ready; a record that names the file
    judges it again.
    """
    parameters = read_parameters({FIELD})
    wanted = parameters.get(FIELD) or request.form.get(FIELD)
    most_bytes = current.platform().settings.max_upload_bytes
    purpose = Purpose(FileLimits(most_bytes))
    if wanted is not None:
        purpose = purpose_of(file_field(reading(), wanted), most_bytes, "/file")
    sent = request.files.get(PART)
    if sent is None:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [Problem("/file", "upload_expected")])
    stored = take_in(current.platform().blobs, sent.stream, sent.filename, purpose)
    with writing_now() as unit:
        facts = register(unit.connection, stored, by=unit.principal.name, at=unit.moment.now)
    wire = file_to_wire(StoredFile(facts))
    return json_answer(wire, HTTPStatus.CREATED, {"Location": str(wire["url"])})


def file_field(unit: Unit, path: str) -> FieldDefinition:
    """Gives the field `object.field` that the caller may write files into.

    Raises RequestError: an unknown one and a hidden one give the same problem.
    """
    object_name, _, name = path.partition(".")
    access = unit.principal.access(object_name)
    definition = unit.catalog.objects.get(object_name)
    field = definition.fields.get(name) if definition is not None and access.exists else None
    may_write = access.create or access.may("update")
    if field is None or not may_write or not access.edits(name) or not isinstance(field.type, File):
        problem = Problem(FIELD, "unknown_file_field", {"value": path})
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
    return field
