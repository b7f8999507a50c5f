"""Who may do what with one record and why; sharing it, and taking it from its queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.fields.base import Refused as RefusedValue
from metadata.fields.times import read_date
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.query import QueryProblem
from metadata.shares import LEVELS, READ
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused
from trellis.records.assign import assign_record
from trellis.records.claim import claim_record, claimable
from trellis.records.explain_access import AccessExplained, Reason, explain_access
from trellis.records.incoming import find_record
from trellis.records.readers import Readers, readers_of
from trellis.records.sharing import Share, may_share, share_record, shares_of, unshare_record
from trellis.security.standing import Standing
from trellis.unit import Unit
from trellis.web.addresses import list_address, record_address, with_query
from trellis.web.doors import make_blueprint, object_for, words
from trellis.web.ownership import Turn, turns_of
from trellis.web.people import name_of, names_of
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("record_access", "/o")

NOTHING_GIVEN: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One action or field with its reasons in words; `state` is yes, no or a right."""

    label: str
    state: str
    allowed: bool
    reasons: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class AccessPage:
    """What the page shows; `refused` is the status when the person asked about is not told of.

    `in_claims_way` says why the reader may not take the record from its queue now; None when it
    does not wait in one of hers.
    """

    object: ObjectDefinition
    address: str
    title: str
    who: str
    asked: str
    may_ask: bool
    actions: tuple[Verdict, ...]
    fields: tuple[Verdict, ...]
    shares: tuple[Share, ...]
    may_share: bool
    may_assign: bool
    in_claims_way: tuple[str, ...] | None
    turns: tuple[Turn, ...]
    levels: tuple[tuple[str, str], ...]
    readers: tuple[tuple[str, str, tuple[str, ...]], ...]
    more_href: str | None
    given: Mapping[str, str]
    problems: tuple[str, ...]
    refused: int


@blueprint.get("/<object_name>/<record_id>/access")
@declares(ANY_OBJECT, "read")
def show(object_name: str, record_id: str) -> str | tuple[str, int]:
    """Shows with whom the record is shared, and what somebody may do with it and why."""
    page = page_of(object_name, record_id)
    html = render_template("record_access.html", page=page)
    return (html, page.refused) if page.refused else html


@blueprint.post("/<object_name>/<record_id>/access/share")
@declares(ANY_OBJECT, "share")
def share(object_name: str, record_id: str) -> Response | tuple[str, int]:
    """Shares the record."""
    given = {name: request.form.get(name, "").strip() for name in ("to", "level", "until", "why")}

    def do(unit: Unit) -> None:
        share_record(
            unit,
            object_name,
            record_id,
            given["to"],
            level=given["level"] or READ,
            until=end_of(unit, given["until"]),
            why=given["why"] or None,
        )

    return done(object_name, record_id, do, gettext("Shared"), given)


@blueprint.post("/<object_name>/<record_id>/access/unshare")
@declares(ANY_OBJECT, "share")
def unshare(object_name: str, record_id: str) -> Response | tuple[str, int]:
    """Takes a share back."""
    to = request.form.get("to", "")

    def do(unit: Unit) -> None:
        unshare_record(unit, object_name, record_id, to)

    return done(object_name, record_id, do, gettext("Shared no more"))


@blueprint.post("/<object_name>/<record_id>/access/assign")
@declares(ANY_OBJECT, "assign")
def assign(object_name: str, record_id: str) -> Response | tuple[str, int]:
    """Gives the record to somebody else, or to a queue."""
    to = request.form.get("to", "").strip()

    def do(unit: Unit) -> None:
        assign_record(unit, object_name, record_id, to, channel="page")

    return done(object_name, record_id, do, gettext("Given to %(name)s", name=to))


@blueprint.post("/<object_name>/<record_id>/access/claim")
@declares(ANY_OBJECT, "read")
def claim(object_name: str, record_id: str) -> Response | tuple[str, int]:
    """Takes the record from its queue."""

    def do(unit: Unit) -> None:
        claim_record(unit, object_name, record_id, channel="page")

    return done(object_name, record_id, do, gettext("It is yours now"))


def done(
    object_name: str,
    record_id: str,
    do: Callable[[Unit], None],
    said: str,
    given: Mapping[str, str] = NOTHING_GIVEN,
) -> Response | tuple[str, int]:
    """Does something and leads back; shows the page with what stood in the way."""
    try:
        with writing_now() as unit:
            do(unit)
    except (Refused, Conflict) as error:
        problems = tuple(words(problem) for problem in error.problems)
        page = page_of(object_name, record_id, given, problems)
        return render_template("record_access.html", page=page), 422
    flash(said, "success")
    if not reading().records().by_ids(object_name, [record_id], []):
        return redirect(list_address(object_name))
    return redirect(f"{record_address(object_name, record_id)}/access")


def end_of(unit: Unit, typed: str) -> datetime | None:
    """Gives the end of a typed last day, in the organisation's zone. Raises Refused."""
    if not typed:
        return None
    try:
        day = read_date(typed)
    except RefusedValue as refused:
        values = {"field": "until", **refused.values}
        raise Refused([Problem("/until", refused.code, values)]) from refused
    return datetime.combine(day + timedelta(days=1), time(), unit.moment.zone)


def page_of(
    object_name: str,
    record_id: str,
    given: Mapping[str, str] = NOTHING_GIVEN,
    problems: tuple[str, ...] = (),
) -> AccessPage:
    """Gives the page; in place of somebody of whom it is not told it tells of the reader."""
    definition, access = object_for(object_name)
    unit = reading()
    asked = request.args.get("user", "").strip()
    found, error = explained(unit, object_name, record_id, asked)
    refused = () if error is None else tuple(words(problem) for problem in error.problems)
    record = unit.records().get(object_name, record_id) or {}
    claims = claimable(unit, definition, record)
    language = current.language()
    readers = readers_at(unit, object_name, record_id)
    address = record_address(object_name, record_id)
    return AccessPage(
        object=definition,
        address=address,
        title=unit.records().names(object_name, [record_id]).get(record_id) or record_id,
        who=name_of(names_of(unit, {found.user}), found.user),
        asked=asked,
        may_ask=may_ask(unit),
        actions=action_verdicts(found),
        fields=tuple(
            Verdict(
                definition.fields[one.field].label(language),
                right_label(str(one.right)),
                one.right.rank > 0,
                in_words(one.reasons),
            )
            for one in found.fields
        ),
        shares=shares_of(unit, object_name, record_id),
        may_share=may_share(unit, definition, record_id),
        may_assign=access.may("assign")
        and unit.records().reaches(object_name, record_id, "assign"),
        in_claims_way=None if claims is None else tuple(map(words, claims)),
        turns=turns_of(unit, object_name, record_id, language),
        levels=tuple((level, level_label(level)) for level in LEVELS),
        readers=tuple(
            (one.user, one.name, tuple(words(why.because) for why in one.reasons))
            for one in readers.items
        ),
        more_href=with_query(f"{address}/access", {"after": readers.next})
        if readers.next
        else None,
        given=given,
        problems=(*problems, *refused),
        refused=0 if error is None else 404 if isinstance(error, Missing) else 403,
    )


def explained(
    unit: Unit, object_name: str, record_id: str, asked: str
) -> tuple[AccessExplained, RecordError | None]:
    """Gives what the person who is asked about may do, or the reader with why it is not told."""
    if asked:
        try:
            user_id = find_record(unit, "user", asked) or asked
            return explain_access(unit, user_id, object_name, record_id), None
        except (Missing, NotAllowed) as error:
            return explain_access(unit, None, object_name, record_id), error
    return explain_access(unit, None, object_name, record_id), None


def may_ask(unit: Unit) -> bool:
    """Says whether the reader is told of anybody but herself."""
    if unit.principal.may_administer or unit.user_id is None:
        return unit.principal.may_administer
    standing = Standing(unit.connection, unit.catalog, unit.moment.today)
    return len(standing.people_below(unit.user_id)) > 1


def readers_at(unit: Unit, object_name: str, record_id: str) -> Readers:
    """Gives the page of readers that is asked for; the first one when the cursor is none."""
    try:
        return readers_of(unit, object_name, record_id, request.args.get("after") or None)
    except QueryProblem:
        return readers_of(unit, object_name, record_id)


def action_verdicts(found: AccessExplained) -> tuple[Verdict, ...]:
    """Gives the actions in words."""
    labels = action_labels()
    return tuple(
        Verdict(
            labels[one.action],
            gettext("yes") if one.allowed else gettext("no"),
            one.allowed,
            in_words(one.reasons),
        )
        for one in found.actions
    )


def in_words(reasons: tuple[Reason, ...]) -> tuple[tuple[bool, str], ...]:
    """Gives reasons as sentences, with whether they grant."""
    return tuple((reason.grants, words(reason.because)) for reason in reasons)


def action_labels() -> Mapping[str, str]:
    """Gives what actions are called."""
    return {
        "create": gettext("Create"),
        "read": gettext("See"),
        "update": gettext("Change"),
        "delete": gettext("Delete"),
        "assign": gettext("Give away"),
        "share": gettext("Share"),
        "export": gettext("Export"),
        "import": gettext("Import"),
        "report": gettext("Report on"),
        "approve": gettext("Approve"),
        "run": gettext("Run actions"),
    }


def right_label(right: str) -> str:
    """Gives what a right on a field is called."""
    return {
        "hidden": gettext("hidden"),
        "masked": gettext("in part"),
        "read": gettext("seen"),
        "edit": gettext("changed"),
    }[right]


def level_label(level: str) -> str:
    """Gives what a level of sharing is called."""
    return gettext("May see it") if level == READ else gettext("May change it")
