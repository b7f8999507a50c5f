"""`back`: takes an absence of a user back."""

from __future__ import annotations

from typing import ClassVar

from metadata.objects import ObjectDefinition
from trellis.api.absences import absence_json
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.phrases import Sentence
from trellis.records.absences import end_absence
from trellis.records.people import USER


class Back(RecordAction):
    """For oneself; for others as an administrator."""

    name = "back"
    summary = Sentence("Take an absence of a user back")
    right = ""
    scope = "approve"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("absence", KeyType.TEXT, Sentence("The id of the absence"), required=True),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == USER

    def run(self, call: Call) -> Answer:
        """Answers the absence there was."""
        return absence_json(end_absence(call.unit, call.record_id, call.text("absence") or ""))


ACTION = Back()
