"""`end_sessions`: ends whatever a user is logged in with."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, RecordAction
from trellis.phrases import Sentence
from trellis.records.accounts import end_logins
from trellis.records.people import USER


class EndSessions(RecordAction):
    """What an administrator does when a device is lost: she may log in again."""

    name = "end_sessions"
    summary = Sentence("End all sessions and tokens of a user")
    right = "administer"

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == USER

    def run(self, call: Call) -> Answer:
        """Answers how many sessions there were."""
        return {"id": call.record_id, "ended": end_logins(call.unit, call.record_id)}


ACTION = EndSessions()
