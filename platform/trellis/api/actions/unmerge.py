"""`unmerge`: takes a merge back, for thirty days."""

from __future__ import annotations

from typing import ClassVar

from metadata.objects import ObjectDefinition
from metadata.parse import SYSTEM
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.duplicates.unmerge import unmerge_records
from trellis.phrases import Sentence


class Unmerge(RecordAction):
    """Brings the merged records back with what belonged to them."""

    name = "unmerge"
    summary = Sentence("Take a merge back")
    right = "delete"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("merge", KeyType.TEXT, Sentence("Which one; the last one of the record without it")),
        Key("why", KeyType.TEXT, Sentence("Why, for the history")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object can be merged."""
        return definition.package != SYSTEM and not definition.append_only

    def run(self, call: Call) -> Answer:
        """Answers what came back, and what stays as it is."""
        done = unmerge_records(
            call.unit,
            call.object_name,
            call.record_id,
            call.text("merge"),
            channel="api",
            why=call.text("why"),
        )
        return {
            "id": done.survivor,
            "merge": done.id,
            "restored": list(done.restored),
            "moved": done.moved,
            "fields": list(done.fields),
            "kept": [
                {"object": one.object, "id": one.record, "field": one.field} for one in done.kept
            ],
        }


ACTION = Unmerge()
