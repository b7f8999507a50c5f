"""Messages of webhooks in setup: what was delivered, what failed, and delivering it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from trellis.declared import declares
from trellis.records.webhooks import WEBHOOK
from trellis.web.addresses import record_address
from trellis.web.doors import make_blueprint
from trellis.web.setup.documents import changes
from trellis.web.words import gettext, ngettext
from trellis.webhooks.replay import deliveries, replay
from trellis.webhooks.tables import DEAD, DONE, RUNNING, WAITING
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_webhooks", "/setup/webhooks")

HUES = {DONE: "green", WAITING: "amber", RUNNING: "blue", DEAD: "red"}
UNKNOWN_HUE = "gray"


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the page shows it."""

    id: str
    webhook: str
    title: str
    href: str
    at: datetime
    what: str
    state: str
    hue: str
    attempts: int
    answer: str
    may_repeat: bool


def state_words() -> dict[str, str]:
    """Gives the states in the reader's language."""
    return {
        DONE: gettext("Delivered"),
        WAITING: gettext("Waiting"),
        RUNNING: gettext("Under way"),
        DEAD: gettext("Given up"),
    }


@blueprint.get("")
@declares("", "administer")
def messages() -> str:
    """Shows the newest messages, in one state only when asked so."""
    unit, words = reading(), state_words()
    chosen = request.args.get("state", "")
    found = deliveries(unit, state=chosen if chosen in words else None)
    known = WEBHOOK in unit.catalog.objects
    titles = unit.records().names(WEBHOOK, {str(one["webhook"]) for one in found}) if known else {}
    lines = tuple(
        Line(
            id=one["id"],
            webhook=one["webhook"],
            title=titles.get(one["webhook"], "–"),
            href=record_address(WEBHOOK, one["webhook"]),
            at=one["created_at"],
            what=f"{one['object']}.{one['op']}",
            state=words.get(one["state"], one["state"]),
            hue=HUES.get(one["state"], UNKNOWN_HUE),
            attempts=one["attempts"],
            answer=told(one["error"] or "") or (str(one["status"]) if one["status"] else ""),
            may_repeat=one["state"] in (DONE, DEAD) and one["webhook"] in titles,
        )
        for one in found
    )
    dead = {one["webhook"]: titles[one["webhook"]] for one in found if is_dead(one, titles)}
    return render_template(
        "setup/webhooks.html",
        lines=lines,
        states=words,
        chosen=chosen,
        dead=sorted(dead.items()),
        changes=changes(unit),
    )


def told(error: str) -> str:
    """Gives what kept a message from its way in the reader's language; texts of others stay."""
    known = {
        "the webhook is not active": gettext("The webhook is not active"),
        "nobody acts for the webhook": gettext("Nobody acts for it"),
        "the webhook has no secret": gettext("The webhook has no secret"),
        "not to be told": gettext("Its person or its condition left it out"),
    }
    return known.get(error, error)


def is_dead(message: Mapping[str, Any], titles: Mapping[str, str]) -> bool:
    """Says whether a message was given up whose webhook is still there."""
    return message["state"] == DEAD and message["webhook"] in titles


@blueprint.post("/<webhook_id>/replay")
@declares("", "administer")
def repeat(webhook_id: str) -> Response:
    """Delivers one message again, or all that were given up."""
    with writing_now() as unit:
        count = replay(unit, webhook_id, request.form.get("delivery") or None)
    text = ngettext("%(num)s message is sent again", "%(num)s messages are sent again", count)
    flash(text, "success")
    return redirect("/setup/webhooks")
