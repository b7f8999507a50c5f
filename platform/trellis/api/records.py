"""`/api/v1/<object>`: records over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import cast

from flask import Response

from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT, Count
from trellis.api.answers import (
    entry_json,
    json_answer,
    name_path,
    read_expand,
    record_answer,
    record_json,
)
from trellis.api.blueprint import route
from trellis.api.explain import EXPLANATIONS
from trellis.api.problems import RequestError
from trellis.api.requests import (
    etag,
    read_body,
    read_list,
    read_number,
    read_parameters,
    read_version,
    unknown,
)
from trellis.errors import Missing
from trellis.records.delete import delete_record, restore_record
from trellis.records.history import history_of
from trellis.records.read import read_record
from trellis.records.save import save_record
from trellis.unit import Unit
from trellis.work import reading, writing_now

LIST_PARAMETERS = frozenset(
    {"filter", "sort", "fields", "limit", "after", "count", "search", "expand"}
)
RECORD_PARAMETERS = frozenset({"fields", "expand"})
DEFAULT_LIMIT = 50


@route("/<object_name>", "GET", action="read")
def list_records(object_name: str) -> Response:
    """Answers one page of the records that the caller may read."""
    parameters = read_parameters(LIST_PARAMETERS)
    unit = reading()
    expand = read_expand(unit, object_name, read_list(parameters.get("expand")))
    page = unit.records().list(
        object_name,
        fields=chosen_fields(unit, object_name, parameters, expand),
        filter=parameters.get("filter"),
        sort=read_list(parameters.get("sort")),
        after=parameters.get("after"),
        limit=read_number("limit", parameters.get("limit", str(DEFAULT_LIMIT))),
        count=cast("Count", parameters.get("count", "none")),
        search=parameters.get("search"),
    )
    items = [record_json(unit, object_name, record, expand) for record in page.items]
    envelope = {"items": items, "next": page.next, "count": page.count, "count_is": page.count_is}
    return json_answer(envelope)


def chosen_fields(
    unit: Unit,
    object_name: str,
    parameters: Mapping[str, str],
    expand: list[str],
    *,
    nested: bool = False,
) -> list[str] | None:
    """Gives the paths to read; None for all that the caller sees.

    Rows and links are among all only with `nested`: lists show them when they are asked for.
    """
    fields = read_list(parameters["fields"]) if "fields" in parameters else None
    if not expand:
        return fields
    if fields is None:
        access = unit.principal.access(object_name)
        known = unit.catalog.objects[object_name].fields.values()
        seen = (one for one in known if access.sees(one.name))
        fields = [one.name for one in seen if nested or not one.nested]
    return [*fields, *expand, *readable_names(unit, object_name, expand)]


def readable_names(unit: Unit, object_name: str, expand: list[str]) -> list[str]:
    """Gives the paths of the expanded records' names that the caller may read."""
    fields = unit.catalog.objects[object_name].fields
    paths = (name_path(unit, object_name, name) for name in expand if not fields[name].nested)
    return [path for path in paths if not unit.records().check(object_name, fields=[path])]


@route("/<object_name>", "POST", action="create")
def create_record(object_name: str) -> Response:
    """Creates a record and answers it as the caller may see it."""
    read_parameters(())
    values = read_body(exact=True)
    with writing_now() as unit:
        saved = save_record(unit, object_name, None, values, channel="api")
    return saved_answer(object_name, saved.id, saved.version, HTTPStatus.CREATED)


@route("/<object_name>/<record_id>", "GET", action="read")
def get_record(object_name: str, record_id: str) -> Response:
    """Answers one record."""
    parameters = read_parameters(RECORD_PARAMETERS)
    unit = reading()
    expand = read_expand(unit, object_name, read_list(parameters.get("expand")))
    fields = chosen_fields(unit, object_name, parameters, expand, nested=True)
    record = read_record(unit, object_name, record_id, fields)
    headers = {"ETag": etag(record_id, int(str(record["version"])))}
    return json_answer(record_json(unit, object_name, record, expand), headers=headers)


@route("/<object_name>/<record_id>", "PATCH", action="update")
def change_record(object_name: str, record_id: str) -> Response:
    """Changes the fields that are named, if the record is still in the state of `If-Match`."""
    read_parameters(())
    version = read_version(record_id)
    values = read_body(exact=True)
    with writing_now() as unit:
        saved = save_record(
            unit, object_name, record_id, values, expected_version=version, channel="api"
        )
    return saved_answer(object_name, saved.id, saved.version, HTTPStatus.OK)


@route("/<object_name>/<record_id>", "DELETE", action="delete")
def remove_record(object_name: str, record_id: str) -> Response:
    """Deletes a record, if it is still in the state of `If-Match`."""
    read_parameters(())
    version = read_version(record_id)
    with writing_now() as unit:
        delete_record(unit, object_name, record_id, expected_version=version, channel="api")
    return Response(status=HTTPStatus.NO_CONTENT.value)


@route("/<object_name>/<record_id>/restore", "POST", action="delete")
def bring_back_record(object_name: str, record_id: str) -> Response:
    """Brings a deleted record back."""
    read_parameters(())
    with writing_now() as unit:
        restore_record(unit, object_name, record_id, channel="api")
    unit = reading()
    return record_answer(unit, object_name, read_record(unit, object_name, record_id))


def saved_answer(object_name: str, record_id: str, version: int, status: HTTPStatus) -> Response:
    """Answers a record after a write; where it is now out of the caller's sight only its id."""
    unit = reading()
    try:
        record = read_record(unit, object_name, record_id)
    except Missing:
        record = {"id": record_id, "version": version}
    return record_answer(unit, object_name, record, status)


@route("/<object_name>/<record_id>/history", "GET", action="read")
def record_history(object_name: str, record_id: str) -> Response:
    """Answers what happened to a record, newest first."""
    parameters = read_parameters(("limit", "after"))
    limit = page_limit(parameters)
    entries, following = history_of(
        reading(), object_name, record_id, after=parameters.get("after"), limit=limit
    )
    return json_answer({"items": [entry_json(entry) for entry in entries], "next": following})


def page_limit(parameters: Mapping[str, str]) -> int:
    """Gives the length of a page of the history."""
    limit = read_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)))
    if not 1 <= limit <= MAX_LIMIT:
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY, [Problem("limit", "bad_limit", {"limit": MAX_LIMIT})]
        )
    return limit


@route("/<object_name>/<record_id>/explain", "GET", action="read")
def explain_record(object_name: str, record_id: str) -> Response:
    """Answers why: `what=score`, `what=approval` or both."""
    parameters = read_parameters(("what",))
    wanted = read_list(parameters.get("what", ",".join(EXPLANATIONS)))
    problems = [
        unknown("what", "unknown_value", name, EXPLANATIONS)
        for name in wanted
        if name not in EXPLANATIONS
    ]
    if problems:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
    unit = reading()
    read_record(unit, object_name, record_id, ["id"])
    return json_answer({name: EXPLANATIONS[name](unit, object_name, record_id) for name in wanted})
