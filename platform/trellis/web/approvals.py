"""Approvals: the inbox, and what is decided there or on a record's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.files import FileFacts
from metadata.objects import ObjectDefinition
from metadata.query import QueryProblem
from rule_engine.services.approval_state import Verdict
from rule_engine.values import Money
from trellis import current
from trellis.approvals import decide, of_record, recall, submit
from trellis.approvals.inbox import Page, Pending, pending_page
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Conflict, NotAllowed, RecordError, Refused
from trellis.files.requests import takes_files
from trellis.unit import Unit
from trellis.web.addresses import APPROVALS, record_address, with_query
from trellis.web.columns import Column, Columns
from trellis.web.decision_files import SentFiles, bring_files
from trellis.web.doors import flash_problems, make_blueprint, object_for, words
from trellis.web.people import name_of, names_of
from trellis.web.record_page import Extra
from trellis.web.records import Answer, answer
from trellis.web.shell import counts
from trellis.web.why import StepCard, approval_card, people_in, waited_for
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("approvals")

FACTS = 4
Record = Mapping[str, object]

VERDICTS: Mapping[str, Verdict] = {"approve": "approve", "reject": "reject"}


@dataclass(frozen=True, slots=True)
class RequestCard:
    """One request that waits for the reader."""

    key: str
    object: ObjectDefinition
    title: str
    label: str
    href: str
    decide_href: str
    submitter: str
    at: datetime
    amount: Money | None
    facts: tuple[Column, ...]
    record: Record
    steps: tuple[StepCard, ...]
    step_label: str
    reason: str
    rule: str
    revision: int
    absent: str = ""
    comment: str = ""
    comment_error: str = ""
    files: tuple[FileFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of the inbox, of the `number` of requests that wait. `here` is the query that leads
    back to it, `more_href` the address of the next one."""

    requests: tuple[RequestCard, ...]
    number: int
    here: str
    more_href: str | None


@blueprint.get(APPROVALS)
@declares("", "")
def inbox() -> str:
    """Shows a page of what waits for who asks."""
    unit, found = reading(), page_asked_for(reading())
    return shown(unit, found, cards(unit, found.items))


def page_asked_for(unit: Unit) -> Page:
    """Gives the page of the address; the first one where nothing of that is left."""
    try:
        found = pending_page(unit, after=request.args.get("after"))
    except QueryProblem:  # a cursor that no page gave
        return pending_page(unit)
    return found if found.items else pending_page(unit)


def shown(unit: Unit, found: Page, requests: Sequence[RequestCard]) -> str:
    """Renders a page of the inbox."""
    page = InboxPage(
        requests=tuple(requests),
        number=counts(unit.user_id)[1] if unit.user_id else 0,
        here=here().removeprefix(APPROVALS),
        more_href=with_query(APPROVALS, {"after": found.next}) if found.next else None,
    )
    return render_template("approvals.html", page=page)


def here() -> str:
    """Gives the address of the page on which somebody decides."""
    return with_query(APPROVALS, {"after": request.args.get("after")})


def cards(unit: Unit, found: Sequence[Pending]) -> list[RequestCard]:
    """Gives requests that wait for who asks, in their order."""
    people = names_of(unit, people_in([one.request for one in found]))
    seen = visible_records(unit, found)
    return [card(unit, one, people, seen) for one in found]


def visible_records(unit: Unit, found: Sequence[Pending]) -> frozenset[str]:
    """Gives the ids of the records that who asks may open: deciding needs no right to."""
    wanted: dict[str, set[str]] = {}
    for one in found:
        wanted.setdefault(one.request.object, set()).add(one.request.record_id)
    readable = {name: ids for name, ids in wanted.items() if unit.principal.access(name).exists}
    records = unit.records()
    return frozenset(key for name, ids in readable.items() for key in records.names(name, ids))


def card(
    unit: Unit, pending: Pending, people: Mapping[str, str], seen: frozenset[str]
) -> RequestCard:
    """Gives one request with its reasons."""
    asked, language = pending.request, current.language()
    definition = unit.catalog.objects[asked.object]
    rules = unit.catalog.written.for_object(definition.name).approvals
    rule = next((one for one in rules if one.name == asked.approval), None)
    made = approval_card(unit, asked, rule, people, definition, language)
    amounts = [value for value in pending.summary.values() if isinstance(value, Money)]
    columns = Columns(unit.catalog, unit.records(), language)
    return RequestCard(
        key=asked.id,
        object=definition,
        title=pending.record_name,
        label=made.label,
        href=record_address(definition.name, asked.record_id) if asked.record_id in seen else "",
        decide_href=f"{APPROVALS}/{asked.id}",
        submitter=name_of(people, asked.submitted_by),
        at=asked.submitted_at,
        amount=amounts[0] if amounts else None,
        facts=facts_of(columns.of(definition.name, pending.summary), pending.summary),
        record=pending.summary,
        steps=made.steps,
        step_label=made.step_label,
        reason=made.reason,
        rule=made.rule,
        revision=asked.revision,
        absent=gettext(", ").join(waited_for(unit, people, user) for user in pending.absent),
    )


def facts_of(columns: list[Column], record: Record) -> tuple[Column, ...]:
    """Gives the fields worth a look: filled ones of the object's own, without amount and links."""
    shown = [
        column
        for column in columns
        if record.get(column.path) is not None
        and not (column.is_reference or column.field.system or column.cell == "money")
    ]
    return tuple(shown[:FACTS])


@blueprint.post(f"{APPROVALS}/<request_id>")
@takes_files
@declares("", "approve")
def decide_in_inbox(request_id: str) -> Response | tuple[str, int]:
    """Decides from the inbox; a refusal comes back with what was typed."""
    verdict = verdict_sent()
    comment, sent = request.form.get("comment", ""), bring_files()
    try:
        sent.demand()
        with writing_now() as unit:
            decide(unit, request_id, verdict, comment, files=sent.ids)
    except Refused as error:
        message = " ".join(map(words, error.problems))
        return inbox_with(request_id, comment, message, sent), 422
    except (Conflict, NotAllowed) as error:
        flash_problems(error)
        return redirect(here())
    flash(gettext("Approved") if verdict == "approve" else gettext("Rejected"), "success")
    return redirect(here())


def inbox_with(request_id: str, comment: str, message: str, sent: SentFiles) -> str:
    """Gives the page with an error at one request."""
    typed = {"comment": comment, "comment_error": message, "files": sent.facts()}
    unit, found = reading(), page_asked_for(reading())
    requests = [
        replace(one, **typed) if one.key == request_id else one  # type: ignore[arg-type]  # by name
        for one in cards(unit, found.items)
    ]
    return shown(unit, found, requests)


def verdict_sent() -> Verdict:
    """Gives the verdict of the form; answers 400 for anything else."""
    verdict = VERDICTS.get(request.form.get("verdict", ""))
    if verdict is None:
        abort(400)
    return verdict


@blueprint.post("/o/<object_name>/<record_id>/actions/<action>")
@takes_files
@declares(ANY_OBJECT, "approve")
def act(object_name: str, record_id: str, action: str) -> Answer:
    """Submits, decides or recalls on the record's own page."""
    object_for(object_name)
    comment = request.form.get("comment", "")
    name = verdict_sent() if action == "decide" else action
    sent = bring_files() if name in VERDICTS else SentFiles()
    try:
        message = carry_out(object_name, record_id, name, comment, sent)
    except Refused as error:
        text = " ".join(map(words, error.problems))
        if name in VERDICTS:
            typed = Extra(comment=comment, comment_error=text, files=sent.facts())
            return answer(object_name, record_id, typed)
        return answer(object_name, record_id, Extra(problems=tuple(map(words, error.problems))))
    except (Conflict, NotAllowed) as error:
        return told_off(object_name, record_id, error)
    flash(message, "success")
    return answer(object_name, record_id)


def told_off(object_name: str, record_id: str, error: RecordError) -> Answer:
    """Gives the record as it is now, with the reason why nothing happened."""
    flash_problems(error)
    return answer(object_name, record_id)


def carry_out(object_name: str, record_id: str, action: str, comment: str, sent: SentFiles) -> str:
    """Does what was asked for and gives the message that says so."""
    sent.demand()
    if action == "submit":
        with writing_now() as unit:
            submit(unit, object_name, record_id)
        return gettext("Submitted for approval")
    requests = of_record(reading(), object_name, record_id)
    newest = next((one for one in requests if one.status == "open"), None)
    if newest is None or action not in {"recall", *VERDICTS}:
        abort(404)
    with writing_now() as unit:
        if action == "recall":
            recall(unit, newest.id)
        else:
            decide(unit, newest.id, VERDICTS[action], comment, files=sent.ids)
    done = {"recall": gettext("Recalled"), "approve": gettext("Approved")}
    return done.get(action) or gettext("Rejected")
