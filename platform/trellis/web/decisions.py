"""`/decide/<token>`: where the link in a letter about an approval leads: deciding without a login.

The link is a secret of who got the letter, good for two weeks and only for that request while the
user is asked. It only shows what she may read, and nothing is decided by opening it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Flask, abort, render_template, request

from metadata.access import SYSTEM
from rule_engine.services.approval_state import Verdict
from trellis import current
from trellis.approvals import decide
from trellis.approvals.inbox import Pending, pending_one
from trellis.current import platform, public
from trellis.declared import declares
from trellis.errors import Conflict, NotAllowed, RecordError, Refused
from trellis.mail.decisions import DECISIONS, read_decision_token
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.web.doors import words
from trellis.web.people import name_of, names_of
from trellis.web.words import gettext
from trellis.work import unit_for, writing

blueprint = Blueprint("decisions", __name__)

USER = "user"
FACTS = 8


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """What the page shows; `done` says what became of it, and then there is nothing to click."""

    title: str
    label: str
    submitter: str
    facts: tuple[tuple[str, str], ...]
    revision: int
    done: str = ""
    comment: str = ""
    error: str = ""


@blueprint.get(f"{DECISIONS}/<token>")
@public
@declares("", "")
def ask(token: str) -> str:
    """Shows what is to be decided: programs follow links by themselves."""
    return shown(*who_asks(token))


@blueprint.post(f"{DECISIONS}/<token>")
@public
@declares("", "")
def answer(token: str) -> str | tuple[str, int]:
    """Decides as the user of the link, on the state that she has seen."""
    request_id, user_id = who_asks(token)
    verdict, comment = request.form.get("verdict", ""), request.form.get("comment", "")
    revision = request.form.get("revision", "")
    if verdict not in ("approve", "reject") or not revision.isdecimal():
        abort(400)
    try:
        with writing(platform(), account_of(user_id)) as unit:
            decide(
                unit,
                request_id,
                cast("Verdict", verdict),
                comment,
                expected_revision=int(revision),
            )
    except Refused as refused:
        return shown(request_id, user_id, comment=comment, error=said(refused)), 422
    except (Conflict, NotAllowed) as error:
        return shown(request_id, user_id, error=said(error)), 409
    done = gettext("Approved") if verdict == "approve" else gettext("Rejected")
    return render_template("decision.html", page=DecisionPage("", "", "", (), 0, done=done))


def who_asks(token: str) -> tuple[str, str]:
    """Gives the request and the user of a link; answers 404 to one that is not ours or too old."""
    return read_decision_token(platform().settings.secret_key, token) or abort(404)


def account_of(user_id: str) -> int:
    """Gives a user's account; answers 404 where there is none."""
    here, connection = platform(), current.connection()
    unit = unit_for(here, connection, current.catalog(), SYSTEM)
    user = unit.records().get(USER, user_id, ["account"])
    if user is None or user["account"] is None:
        abort(404)
    return int(str(user["account"]))


@contextmanager
def eyes_of(here: Platform, user_id: str) -> Iterator[Unit]:
    """Gives a unit that reads as a user; answers 404 where she may not log in any more."""
    connection, snapshot = current.connection(), current.snapshot()
    principal = here.accounts.principal_for(connection, snapshot, account_of(user_id), None)
    if principal is None:
        abort(404)
    yield unit_for(here, connection, snapshot.catalog, principal)


def shown(request_id: str, user_id: str, *, comment: str = "", error: str = "") -> str:
    """Renders what waits for the user, or that it does not wait any more."""
    with eyes_of(platform(), user_id) as unit:
        found = pending_one(unit, request_id)
        if found is None:
            gone = DecisionPage("", "", "", (), 0, done=gettext("It does not wait for you"))
            return render_template("decision.html", page=gone)
        submitter = found.request.submitted_by
        page = DecisionPage(
            title=found.record_name,
            label=unit.catalog.message(found.request.label, current.language()),
            submitter=name_of(names_of(unit, [submitter]), submitter),
            facts=facts_of(unit, found),
            revision=found.request.revision,
            comment=comment,
            error=error,
        )
    return render_template("decision.html", page=page)


def facts_of(unit: Unit, found: Pending) -> tuple[tuple[str, str], ...]:
    """Gives the labels and values of some filled fields that the user may read."""
    fields = unit.catalog.objects[found.request.object].fields
    access, zone = unit.principal.access(found.request.object), current.zone()
    language = current.language()
    told = []
    for name, value in found.summary.items():
        field = fields.get(name)
        if value is None or field is None or field.system or field.target or not access.reads(name):
            continue
        told.append((field.label(language), field.type.display(value, field, language, zone)))
    return tuple(told[:FACTS])


def said(error: RecordError) -> str:
    """Words what stood in the way."""
    return " ".join(map(words, error.problems))


def install(app: Flask) -> None:
    """Adds the pages. What stands in the letter is the token that forms have."""
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(blueprint)
