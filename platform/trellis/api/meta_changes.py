"""`/api/v1/meta`: drafts, plans, publishing and versions."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response

from metadata.changes.impact import Impact
from metadata.changes.moved import keep_drafts
from metadata.json_text import mapping, pointer, sequence
from metadata.operations import Operation, read_operation
from metadata.problems import Problem, sentence
from trellis.api import meta_operations
from trellis.api.answers import instant, json_answer
from trellis.api.meta import KINDS
from trellis.api.open_clocks import clocks_json
from trellis.api.operations import meta_route
from trellis.api.problems import RequestError
from trellis.api.requests import read_number, read_optional_body, read_parameters
from trellis.designer.drafts import (
    author_of,
    discard,
    list_drafted,
    step_back,
    step_forth,
    steps_of,
)
from trellis.designer.publishing import (
    Planned,
    Replacements,
    differences,
    draft_differences,
    make_plan,
    make_rollback,
    publish_plan,
    version_of,
    versions,
)
from trellis.designer.samples import samples_json
from trellis.problem_json import error_of, language
from trellis.scoring.bound import read_token
from trellis.unit import Unit
from trellis.work import reading, writing_now

PLAN_KEYS = frozenset({"replace"})
PUBLISH_KEYS = frozenset({"token", "message", "confirm", "replace", "open_clocks"})


@meta_route("/draft", "GET", operation=meta_operations.DRAFT)
def get_draft() -> Response:
    """Answers what the caller's draft changes, part by part, and what publishing it would do."""
    read_parameters(())
    unit = reading()
    planned = make_plan(unit)
    changed = [one for kind in KINDS.values() for one in list_drafted(unit, kind) if one.is_changed]
    items = [{"kind": one.kind, "name": one.name, "body": one.body} for one in changed]
    changes = [one.to_json() for one in draft_differences(unit)]
    known = {"items": items, "changes": changes, **steps_json(unit)}
    return json_answer({**known, **plan_json(unit, planned)})


@meta_route("/draft", "DELETE", operation=meta_operations.DISCARDED)
def delete_draft() -> Response:
    """Forgets the caller's draft."""
    read_parameters(())
    with writing_now() as unit:
        discard(unit)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/draft/undo", "POST", operation=meta_operations.UNDONE)
def undo_step() -> Response:
    """Takes back the caller's last action."""
    read_parameters(())
    read_optional_body(())
    with writing_now() as unit:
        changed = step_back(unit)
        steps = steps_json(unit)
    return json_answer({"changed": changed, **steps})


@meta_route("/draft/redo", "POST", operation=meta_operations.REDONE)
def redo_step() -> Response:
    """Does again what the caller took back last."""
    read_parameters(())
    read_optional_body(())
    with writing_now() as unit:
        changed = step_forth(unit)
        steps = steps_json(unit)
    return json_answer({"changed": changed, **steps})


@meta_route("/draft/keep", "POST", operation=meta_operations.KEPT)
def keep_draft() -> Response:
    """Takes the caller's draft as it is, over what others have published since it was begun."""
    read_parameters(())
    read_optional_body(())
    with writing_now() as unit:
        keep_drafts(unit.connection, author_of(unit), unit.catalog.version)
    return Response(status=HTTPStatus.NO_CONTENT.value)


@meta_route("/plan", "POST", operation=meta_operations.PLANNED)
def plan_draft() -> Response:
    """Answers what publishing the caller's draft would do."""
    read_parameters(())
    body = read_optional_body(PLAN_KEYS)
    unit = reading()
    return json_answer(plan_json(unit, make_plan(unit, replacements(body))))


@meta_route("/rollback", "POST", operation=meta_operations.ROLLBACK)
def plan_rollback() -> Response:
    """Answers what going back to a version would do, with everything or one rule file; the token
    publishes it."""
    read_parameters(())
    body = read_optional_body(("version", "rules"))
    version, rules = body.get("version"), body.get("rules") or ""
    if not isinstance(version, int) or isinstance(version, bool):
        raise refused("version", "whole_number")
    if not isinstance(rules, str):
        raise refused("rules", "text_expected")
    unit = reading()
    return json_answer(plan_json(unit, make_rollback(unit, version, rules)))


@meta_route("/publish", "POST", operation=meta_operations.PUBLISHED)
def publish_draft() -> Response:
    """Publishes the plan of a token."""
    read_parameters(())
    body = read_optional_body(PUBLISH_KEYS)
    token, message = body.get("token"), body.get("message") or ""
    if not isinstance(token, str):
        raise refused("token", "text_expected")
    if not isinstance(message, str):
        raise refused("message", "text_expected")
    with writing_now(publishing=True) as unit:
        plan_token, check = read_token(unit, token)
        version = publish_plan(
            unit,
            plan_token,
            message=message,
            confirm=confirmed(body),
            replace_options=replacements(body),
            open_clocks=[str(name) for name in sequence(body.get("open_clocks"))],
            check=check,
        )
    return json_answer({"version": version})


@meta_route("/versions", "GET", operation=meta_operations.VERSIONS)
def list_versions() -> Response:
    """Answers the published versions, newest first."""
    read_parameters(())
    items = [
        {
            "version": one.version,
            "at": instant(one.at),
            "by": one.by,
            "message": one.message,
            "operations": one.operations,
        }
        for one in versions(reading())
    ]
    return json_answer({"items": items, "next": None})


@meta_route("/versions/<int:version>", "GET", operation=meta_operations.VERSION)
def get_version(version: int) -> Response:
    """Answers one version with what it did, in words."""
    read_parameters(())
    entry = version_of(reading(), version)
    operations = [told(read_operation(one)) for one in entry.operations]
    return json_answer(
        {
            "version": entry.version,
            "at": instant(entry.at),
            "by": entry.by,
            "message": entry.message,
            "operations": operations,
        }
    )


@meta_route("/versions/<int:version>/diff", "GET", operation=meta_operations.DIFFERENCES)
def diff_versions(version: int) -> Response:
    """Answers what is different from `from` (the version before, when it is not given)."""
    given = read_parameters(("from",)).get("from", str(version - 1))
    earlier = read_number("from", given)
    found = differences(reading(), earlier, version)
    return json_answer(
        {"from": earlier, "to": version, "changes": [one.to_json() for one in found]}
    )


def confirmed(body: Mapping[str, object]) -> list[str]:
    """Gives the names that the caller confirms to lose."""
    return [str(name) for name in sequence(body.get("confirm"))]


def replacements(body: Mapping[str, object]) -> Replacements:
    """Gives by `object.field` the options that take the place of removed ones."""
    return {
        place: {str(was): str(option) for was, option in mapping(moved).items()}
        for place, moved in mapping(body.get("replace")).items()
    }


def steps_json(unit: Unit) -> dict[str, object]:
    """Gives how many actions can be taken back and done again."""
    found = steps_of(unit)
    return {"undo": found.undo, "redo": found.redo}


def told(operation: Operation) -> dict[str, object]:
    """Gives an operation with its sentence."""
    return {**operation.to_json(), "text": operation.sentence(language())}


def plan_json(unit: Unit, planned: Planned) -> dict[str, object]:
    """Gives a plan with its operations and problems in words."""
    reader = language()
    impacts = planned.impacts or tuple(Impact() for _ in planned.operations)
    return {
        "token": planned.token,
        "base_version": planned.base_version,
        "operations": [
            {**told(operation), **impact_json(unit, operation, impact)}
            for operation, impact in zip(planned.operations, impacts, strict=True)
        ],
        "problems": [error_of(problem, reader) for problem in planned.problems],
        "destructive": list(planned.destructive),
        "clocks": [clocks_json(unit, one) for one in planned.clocks],
        "requests": planned.requests.to_json(),
    }


def impact_json(unit: Unit, operation: Operation, impact: Impact) -> dict[str, object]:
    """Gives what an operation means for rows and for whatever names what it changes."""
    found: dict[str, object] = {
        "rows": impact.rows,
        "values": impact.lost,
        "mentions": [mention.to_json() for mention in impact.mentions],
    }
    if impact.later is not None:
        found["later"] = sentence(impact.later, language())
    if impact.tally is not None:
        found["conversion"] = {
            "converted": impact.tally.converted,
            "changed": impact.tally.changed,
            "lost": impact.tally.lost,
            "samples": samples_json(unit, operation, impact.tally),
        }
    return found


def refused(key: str, code: str) -> RequestError:
    """Gives the error for a key whose value cannot be used."""
    problem = Problem(pointer((key,)), code, {"field": key, "value": ""})
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
