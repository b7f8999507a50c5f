"""`set_password`: gives a user a new password."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.phrases import Sentence
from trellis.records.accounts import give_password
from trellis.records.people import USER


class SetPassword(RecordAction):
    """What an administrator does for somebody who has forgotten hers."""

    name = "set_password"
    summary = Sentence("Give a user a new password")
    right = "administer"
    keys = (Key("password", KeyType.TEXT, Sentence("The new password"), required=True),)

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == USER

    def run(self, call: Call) -> Answer:
        """Answers whose password it is."""
        give_password(call.unit, call.record_id, call.text("password") or "")
        return {"id": call.record_id}


ACTION = SetPassword()
