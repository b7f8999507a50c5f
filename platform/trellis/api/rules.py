"""`/api/v1/meta/rule_states`: how rules stand, who turned them off and why, and how they run."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Response

from trellis.api.answers import instant, json_answer
from trellis.api.components import INSTANT, TEXT_OR_NULL, many, optional
from trellis.api.history import page_limit
from trellis.api.operations import (
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Body,
    Operation,
    Schema,
    closed,
    listed,
    made_of,
    meta_route,
)
from trellis.api.parameters import AFTER, LIMIT
from trellis.api.requests import read_optional_body, read_parameters
from trellis.automation.outbox import error_in
from trellis.automation.quarantine import failing_of
from trellis.automation.runs import runs_of
from trellis.designer.publishing import TextVersion, text_versions
from trellis.designer.rule_states import (
    RuleState,
    activate,
    let_go,
    retire,
    rule_state,
    rule_states,
)
from trellis.phrases import Sentence
from trellis.problem_json import language
from trellis.work import reading, writing_now

RULE = "/rule_states/<keyword>/<rule>"
FAILING_SHOWN = 20

STATE: Schema = made_of(
    {
        **dict.fromkeys(("keyword", "name", "label", "object", "file"), TEXT),
        "line": WHOLE,
        "state": {
            "enum": ["draft", "active", "scheduled", "ended", "retired", "quarantined"],
            "type": "string",
        },
        "effective": TEXT_OR_NULL,
        "until": TEXT_OR_NULL,
        **dict.fromkeys(("tests", "runs", "failing"), WHOLE),
        "last_run": optional(INSTANT),
        "retired": optional(OBJECT),
        "quarantine": optional(OBJECT),
    }
)
RUN: Schema = made_of(
    {
        **dict.fromkeys(("id", "object", "record", "by", "event"), TEXT),
        "at": INSTANT,
        **dict.fromkeys(("depth", "effects", "microseconds", "version"), WHOLE),
    }
)
WHY = Body(closed({"why": TEXT}, ("why",)))
STATES = Operation(
    Sentence("List all rules with how they stand"),
    {200: Answer(Sentence("All rules."), listed(STATE))},
)
SHOWN = Operation(
    Sentence("Get how a rule stands"), {200: Answer(Sentence("The rule."), STATE)}, refuses=(404,)
)
RUNS = Operation(
    Sentence("List the latest runs of a rule, and what of it fails"),
    {
        200: Answer(
            Sentence("A page of runs, the newest first."),
            made_of({"items": many(RUN), "next": TEXT_OR_NULL, "failing": many(OBJECT)}),
        )
    },
    (LIMIT, AFTER),
    refuses=(404,),
)
VERSION = {200: Answer(Sentence("The version in force now."), made_of({"version": WHOLE}))}
COUNT = {200: Answer(Sentence("How many effects that were."), made_of({"count": WHOLE}))}
RETIRED = Operation(
    Sentence("Have a rule run no more, at once"), VERSION, body=WHY, refuses=(404, 409)
)
ACTIVATED = Operation(
    Sentence("Have a retired rule run again"), VERSION, body=WHY, refuses=(404, 409)
)
RELEASED = Operation(
    Sentence("End a rule's quarantine and run what was held"), COUNT, body=WHY, refuses=(404, 409)
)
DROPPED = Operation(
    Sentence("End a rule's quarantine and cancel what was held"),
    COUNT,
    body=WHY,
    refuses=(404, 409),
)
TEXTS = Operation(
    Sentence("List the versions of a rule file, newest first, with the lines that changed"),
    {
        200: Answer(
            Sentence("All of them."),
            listed(
                made_of(
                    {
                        "version": WHOLE,
                        "at": INSTANT,
                        "by": TEXT,
                        "message": TEXT_OR_NULL,
                        "changes": many(OBJECT),
                        "text": TEXT_OR_NULL,
                    }
                )
            ),
        )
    },
    refuses=(404,),
)


@meta_route("/rule_states", "GET", operation=STATES)
def list_states() -> Response:
    """Answers all rules with how they stand."""
    read_parameters(())
    found = rule_states(reading())
    return json_answer({"items": [state_json(one) for one in found], "next": None})


@meta_route(RULE, "GET", operation=SHOWN)
def get_state(keyword: str, rule: str) -> Response:
    """Answers how one rule stands."""
    read_parameters(())
    return json_answer(state_json(rule_state(reading(), keyword, rule)))


@meta_route(f"{RULE}/runs", "GET", operation=RUNS)
def list_runs(keyword: str, rule: str) -> Response:
    """Answers a page of a rule's runs."""
    given = read_parameters(("limit", "after"))
    unit = reading()
    name = rule_state(unit, keyword, rule).name
    rows, following = runs_of(
        unit.connection, name, after=given.get("after"), limit=page_limit(given)
    )
    names = {one.id: one.name for one in unit.catalog.objects.values()}
    broken = failing_of(unit.connection, name, FAILING_SHOWN)
    return json_answer(
        {
            "items": [run_json(row, names.get(row["object"], row["object"])) for row in rows],
            "next": following,
            "failing": [failing_json(row) for row in broken],
        }
    )


@meta_route(f"{RULE}/retire", "POST", operation=RETIRED)
def retire_rule(keyword: str, rule: str) -> Response:
    """Has a rule run no more."""
    why = read_why()
    with writing_now(publishing=True) as unit:
        version = retire(unit, keyword, rule, why)
    return json_answer({"version": version})


@meta_route(f"{RULE}/activate", "POST", operation=ACTIVATED)
def activate_rule(keyword: str, rule: str) -> Response:
    """Has a retired rule run again."""
    why = read_why()
    with writing_now(publishing=True) as unit:
        version = activate(unit, keyword, rule, why)
    return json_answer({"version": version})


@meta_route(f"{RULE}/release", "POST", operation=RELEASED)
def release_rule(keyword: str, rule: str) -> Response:
    """Runs what a rule in quarantine left."""
    why = read_why()
    with writing_now() as unit:
        count = let_go(unit, keyword, rule, why, dropping=False)
    return json_answer({"count": count})


@meta_route(f"{RULE}/drop", "POST", operation=DROPPED)
def drop_rule(keyword: str, rule: str) -> Response:
    """Cancels what a rule in quarantine left."""
    why = read_why()
    with writing_now() as unit:
        count = let_go(unit, keyword, rule, why, dropping=True)
    return json_answer({"count": count})


@meta_route("/rule_texts/<path:name>/versions", "GET", operation=TEXTS)
def list_texts(name: str) -> Response:
    """Answers the versions of a rule file."""
    read_parameters(())
    found = text_versions(reading(), name)
    return json_answer({"items": [text_json(one) for one in found], "next": None})


def read_why() -> str:
    """Gives the reason that was sent; "" for none, which is refused by what needs it."""
    read_parameters(())
    why = read_optional_body(("why",)).get("why")
    return why if isinstance(why, str) else ""


def state_json(one: RuleState) -> dict[str, object]:
    """Gives how a rule stands in wire form."""
    since, until, wild = one.period.since, one.period.until, one.quarantine
    return {
        "keyword": one.keyword,
        "name": one.name,
        "label": one.label,
        "object": one.object,
        "file": one.file,
        "line": one.line,
        "state": one.state,
        "effective": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "tests": one.tests,
        "runs": one.runs,
        "failing": one.failing,
        "last_run": None if one.last_run is None else instant(one.last_run),
        "retired": None if one.retired is None else dict(one.retired),
        "quarantine": None
        if wild is None
        else {
            "since": instant(wild.since),
            "cause": wild.cause,
            "number": wild.number,
            "held": wild.held,
        },
    }


def run_json(row: sa.RowMapping, object_name: str) -> dict[str, object]:
    """Gives a run in wire form."""
    return {
        "id": row["id"],
        "object": object_name,
        "record": row["record_id"],
        "at": instant(row["at"]),
        "by": row["by"],
        "event": row["event"],
        "depth": row["depth"],
        "effects": row["effects"],
        "microseconds": row["microseconds"],
        "version": row["definitions"],
    }


def failing_json(row: sa.RowMapping) -> dict[str, object]:
    """Gives an effect that fails in wire form."""
    return {
        "id": row["id"],
        "action": row["action"],
        "object": row["object"],
        "record": row["record_id"],
        "state": row["state"],
        "attempts": row["attempts"],
        "error": error_in(row, language()),
    }


def text_json(one: TextVersion) -> dict[str, object]:
    """Gives a version of a rule file in wire form."""
    return {
        "version": one.published.version,
        "at": instant(one.published.at),
        "by": one.published.by,
        "message": one.published.message,
        "changes": [part.to_json() for part in one.parts],
        "text": one.text,
    }
