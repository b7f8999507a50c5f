"""Messages of others in setup: what became of each, and working it through again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from trellis import current
from trellis.declared import declares
from trellis.records.webhooks import SOURCE
from trellis.web.addresses import record_address
from trellis.web.doors import make_blueprint
from trellis.web.setup.documents import changes
from trellis.web.setup.webhooks import HUES, UNKNOWN_HUE
from trellis.web.words import gettext
from trellis.webhooks.inbox import error_in, messages, receive_again
from trellis.webhooks.tables import DEAD, DONE, WAITING
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_webhook_inbox", "/setup/webhooks/received")

MAX_BODY_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One message that came; `record_href` leads to the record that was made of it."""

    id: str
    title: str
    href: str
    at: datetime
    state: str
    hue: str
    error: str
    body: str
    record_href: str | None
    may_repeat: bool


def state_words() -> dict[str, str]:
    """Gives the states in the reader's language."""
    return {
        DONE: gettext("Taken in"),
        WAITING: gettext("Waiting"),
        DEAD: gettext("Given up"),
    }


@blueprint.get("")
@declares("", "administer")
def received() -> str:
    """Shows the newest messages, in one state only when asked so."""
    unit, words = reading(), state_words()
    chosen = request.args.get("state", "")
    found = messages(unit, state=chosen if chosen in words else None)
    sources = unit.catalog.objects.get(SOURCE)
    keys = {str(one["source"]) for one in found}
    titles = unit.records().names(SOURCE, keys) if sources is not None else {}
    made = unit.records().by_ids(SOURCE, keys, ["object"]) if sources is not None else {}
    lines = tuple(
        Line(
            id=one["id"],
            title=titles.get(one["source"], "–"),
            href=record_address(SOURCE, one["source"]),
            at=one["received_at"],
            state=words.get(one["state"], one["state"]),
            hue=HUES.get(one["state"], UNKNOWN_HUE),
            error=error_in(one["error"] or "", current.language()),
            body=one["body"][:MAX_BODY_SHOWN],
            record_href=record_address(str(made[one["source"]]["object"]), one["record_id"])
            if one["record_id"] and one["source"] in made
            else None,
            may_repeat=one["state"] == DEAD,
        )
        for one in found
    )
    return render_template(
        "setup/webhook_inbox.html",
        lines=lines,
        states=words,
        chosen=chosen,
        changes=changes(unit),
    )


@blueprint.post("/<message_id>/again")
@declares("", "administer")
def again(message_id: str) -> Response:
    """Has a message worked through again."""
    with writing_now() as unit:
        receive_again(unit, message_id)
    flash(gettext("The message is worked through again"), "success")
    return redirect("/setup/webhooks/received")
