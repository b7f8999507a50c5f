"""`/api/v1/<object>`: records over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from flask import Response

from metadata.problems import Problem
from metadata.query.answers import Count
from trellis.api import record_operations
from trellis.api.answers import (
    find_expand,
    json_answer,
    record_answer,
    record_json,
    records_json,
)
from trellis.api.explain import ACCESS, EXPLANATIONS, access_json
from trellis.api.heavy import heavy
from trellis.api.operations import route
from trellis.api.parameters import DEFAULT_LIMIT
from trellis.api.problems import RequestError
from trellis.api.requests import (
    etag,
    find_number,
    find_parameters,
    read_body,
    read_list,
    read_parameters,
    read_version,
    told_with,
    unknown,
)
from trellis.api.wire import name_path
from trellis.audit.requests import witness
from trellis.duplicates.check import Finding
from trellis.duplicates.doors import candidate_ids, guard_new
from trellis.errors import Missing
from trellis.problem_json import language
from trellis.records.delete import delete_record, restore_record
from trellis.records.read import read_record
from trellis.records.save import Saved, save_record
from trellis.unit import Unit
from trellis.work import reading, writing_now

LIST_PARAMETERS = frozenset(
    {"filter", "sort", "fields", "limit", "after", "count", "search", "expand"}
)
HIDDEN = "hidden"  # what stands for records that the caller may not read
RECORD_PARAMETERS = frozenset({"fields", "expand"})


@route("/<object_name>", "GET", action="read", operation=record_operations.LISTED)
def list_records(object_name: str) -> Response:
    """Answers one page of the records that the caller may read."""
    parameters, problems = find_parameters(LIST_PARAMETERS)
    unit = reading()
    expand = find_expand(unit, object_name, parameters.get("expand"), problems)
    limit = find_number("limit", parameters.get("limit", str(DEFAULT_LIMIT)), problems)
    with heavy(unit), told_with(problems):
        page = unit.records().list(
            object_name,
            fields=chosen_fields(unit, object_name, parameters, expand),
            filter=parameters.get("filter"),
            sort=read_list(parameters.get("sort")),
            after=parameters.get("after"),
            limit=limit,
            count=cast("Count", parameters.get("count", "none")),
            search=parameters.get("search"),
        )
    items = records_json(unit, object_name, page.items, expand)
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

    def choose() -> list[str]:
        chosen = seen_fields(unit, object_name, nested=nested) if fields is None else fields
        return [*chosen, *expand, *readable_names(unit, object_name, expand)]

    asked = (None if fields is None else tuple(fields), tuple(expand), nested)
    key = ("chosen", unit.principal.profile, object_name, asked)
    return unit.catalog.queries.get(key, list, choose)


def seen_fields(unit: Unit, object_name: str, *, nested: bool) -> list[str]:
    """Gives the fields that the caller sees, those of rows and links only with `nested`."""
    access = unit.principal.access(object_name)
    known = unit.catalog.objects[object_name].fields.values()
    return [one.name for one in known if access.sees(one.name) and (nested or not one.nested)]


def readable_names(unit: Unit, object_name: str, expand: list[str]) -> list[str]:
    """Gives the paths of the expanded records' names that the caller may read."""
    fields = unit.catalog.objects[object_name].fields
    paths = (name_path(unit, object_name, name) for name in expand if not fields[name].nested)
    return [path for path in paths if not unit.records().check(object_name, fields=[path])]


@route("/<object_name>", "POST", action="create", operation=record_operations.CREATED)
def create_record(object_name: str) -> Response:
    """Creates a record and answers it as the caller may see it."""
    read_parameters(())
    values = read_body(exact=True)
    with writing_now() as unit:
        saved = save_record(unit, object_name, None, values, channel="api")
        found = guard_new(unit, object_name, saved)
        answer = saved_answer(unit, object_name, saved, HTTPStatus.CREATED)
    return with_duplicates(answer, found)


def with_duplicates(answer: Response, findings: Sequence[Finding]) -> Response:
    """Gives an answer with the ids of records that may be the same as the new one."""
    if findings:
        answer.headers["Trellis-Duplicates"] = ", ".join(candidate_ids(findings)) or HIDDEN
    return answer


@route("/<object_name>/<record_id>", "GET", action="read", operation=record_operations.SHOWN)
def get_record(object_name: str, record_id: str) -> Response:
    """Answers one record."""
    parameters, problems = find_parameters(RECORD_PARAMETERS)
    unit = reading()
    expand = find_expand(unit, object_name, parameters.get("expand"), problems)
    fields = chosen_fields(unit, object_name, parameters, expand, nested=True)
    with told_with(problems):
        record = read_record(unit, object_name, record_id, fields)
    headers = {"ETag": etag(record_id, int(str(record["version"])))}
    return json_answer(record_json(unit, object_name, record, expand), headers=headers)


@route("/<object_name>/<record_id>", "PATCH", action="update", operation=record_operations.CHANGED)
def change_record(object_name: str, record_id: str) -> Response:
    """Changes the fields that are named, if the record is still in the state of `If-Match`."""
    read_parameters(())
    version = read_version(record_id)
    values = read_body(exact=True)
    with writing_now() as unit:
        saved = save_record(
            unit, object_name, record_id, values, expected_version=version, channel="api"
        )
        return saved_answer(unit, object_name, saved, HTTPStatus.OK)


@route("/<object_name>/<record_id>", "DELETE", action="delete", operation=record_operations.DELETED)
def remove_record(object_name: str, record_id: str) -> Response:
    """Deletes a record, if it is still in the state of `If-Match`."""
    read_parameters(())
    version = read_version(record_id)
    with writing_now() as unit:
        delete_record(unit, object_name, record_id, expected_version=version, channel="api")
    return Response(status=HTTPStatus.NO_CONTENT.value)


@route(
    "/<object_name>/<record_id>/restore",
    "POST",
    action="delete",
    operation=record_operations.RESTORED,
)
def bring_back_record(object_name: str, record_id: str) -> Response:
    """Brings a deleted record back."""
    read_parameters(())
    with writing_now() as unit:
        restore_record(unit, object_name, record_id, channel="api")
        record = unit.as_automation().records().get(object_name, record_id, ["version"]) or {}
        saved = Saved(record_id, int(str(record["version"])), record)
        return saved_answer(unit, object_name, saved, HTTPStatus.OK)


def saved_answer(unit: Unit, object_name: str, saved: Saved, status: HTTPStatus) -> Response:
    """Answers a record in the transaction that wrote it; where it is now out of the caller's sight
    only its id."""
    unit = replace(unit, witness=witness())
    try:
        record = read_record(unit, object_name, saved.id)
    except Missing:
        record = {"id": saved.id, "version": saved.version}
    return record_answer(unit, object_name, record, status)


@route(
    "/<object_name>/<record_id>/explain",
    "GET",
    action="read",
    operation=record_operations.EXPLAINED,
)
def explain_record(object_name: str, record_id: str) -> Response:
    """Answers why: the parts that `what` names; without it all but `access`."""
    parameters = read_parameters(("what", "user"))
    wanted = read_list(parameters.get("what", ",".join(EXPLANATIONS)))
    problems = [
        unknown("what", "unknown_value", name, {*EXPLANATIONS, ACCESS})
        for name in wanted
        if name not in {*EXPLANATIONS, ACCESS}
    ]
    if "user" in parameters and ACCESS not in wanted:
        problems.append(Problem("user", "user_of_access_only"))
    if problems:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, problems)
    unit = reading()
    read_record(unit, object_name, record_id, ["id"])
    answer: dict[str, object] = {
        name: EXPLANATIONS[name](unit, object_name, record_id) for name in wanted if name != ACCESS
    }
    if ACCESS in wanted:
        user = parameters.get("user")
        answer[ACCESS] = access_json(unit, object_name, record_id, user, language())
    return json_answer(answer)
