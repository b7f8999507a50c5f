"""`depart`: locks a user out and hands over what she owned."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.departing.depart import depart
from trellis.phrases import Sentence


class Depart(RecordAction):
    """Only for users, and for who administers."""

    name = "depart"
    summary = Sentence("Lock a user out and hand over what she owned")
    right = "administer"
    keys = (
        Key(
            "rule",
            KeyType.TEXT,
            Sentence("To whom everything goes: manager, user, team (in turn) or queue"),
            required=True,
        ),
        Key("to", KeyType.TEXT, Sentence("The user, team or queue; none for manager")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == "user"

    def run(self, call: Call) -> Answer:
        """Answers what there was, and the job that hands it over."""
        rule, to = call.text("rule") or "", call.text("to")
        found = depart(call.unit, call.record_id, rule, to, channel="api")
        return {
            "user": found.user,
            "job": found.job,
            "owned": dict(found.owned),
            "shares": found.shares,
            "webhooks": dict(found.webhooks),
            "reports": list(found.reports),
        }


ACTION = Depart()
