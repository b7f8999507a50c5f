"""Files that come with a form: stored first, so that a refused form does not lose them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from werkzeug.datastructures import FileStorage, MultiDict

from metadata.access import Access
from metadata.fields.file_inputs import UPLOAD, FilesField
from metadata.fields.files import StoredFile
from metadata.fields.types.file import File
from metadata.forms import RecordForm
from metadata.json_text import pointer
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem
from trellis import current
from trellis.errors import Refused
from trellis.files.access import may_have, rows_of
from trellis.files.tables import facts_of
from trellis.files.uploads import Stored, purpose_of, register, take_in
from trellis.unit import Unit
from trellis.work import writing_now


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form brought: its fields with the ids of new files, and what was wrong with files."""

    form: MultiDict[str, str]
    problems: tuple[Problem, ...] = ()


def bring_in(definition: ObjectDefinition, access: Access) -> Sent:
    """Stores the files of the form that was sent, each for the field that it came for.

    Call it before anything reads records: the request reads what it has written afterwards.
    """
    sent: list[tuple[FieldDefinition, FileStorage]] = [
        (field, file)
        for field in definition.own_fields
        if isinstance(field.type, File) and field.writable and access.edits(field.name)
        for file in request.files.getlist(f"{field.name}{UPLOAD}")
        if file.filename
    ]
    if not sent:
        return Sent(request.form)
    form = MultiDict(request.form)
    problems: list[Problem] = []
    stored: list[tuple[FieldDefinition, Stored]] = []
    here = current.platform()
    for field, file in sent:
        purpose = purpose_of(field, here.settings.max_upload_bytes, pointer([field.name]))
        try:
            stored.append((field, take_in(here.blobs, file.stream, file.filename, purpose)))
        except Refused as error:
            problems.extend(error.problems)
    with writing_now() as unit:
        for field, content in stored:
            facts = register(unit.connection, content, by=unit.principal.name, at=unit.moment.now)
            form.add(field.name, facts.id)
    return Sent(form, tuple(problems))


def know_files(unit: Unit, form: RecordForm) -> None:
    """Tells the inputs of files what is known of the ids that they hold."""
    inputs = [known for known in form if isinstance(known, FilesField) and known.data]
    ids = {one for known in inputs for one in ids_of(known.data)}
    rows = rows_of(unit, ids)
    for known in inputs:
        there = [rows[one] for one in ids_of(known.data) if one in rows]
        held = {file.id: file for file in known.files}
        known.know(
            [
                held.get(row["id"]) or StoredFile(facts_of(row))
                for row in there
                if row["id"] in held or may_have(unit, row)
            ]
        )


def ids_of(data: object) -> list[str]:
    """Gives the ids of an input's wire form."""
    items = data if isinstance(data, list) else [data]
    return [str(item["id"]) if isinstance(item, dict) else str(item) for item in items if item]
