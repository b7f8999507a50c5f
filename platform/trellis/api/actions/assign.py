"""`assign`: gives the record to another user, or to a queue."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.phrases import Sentence
from trellis.records.assign import assign_record


class Assign(RecordAction):
    """The one way to change an owner."""

    name = "assign"
    summary = Sentence("Give the record to another user or a queue")
    right = "assign"
    keys = (
        Key(
            "to",
            KeyType.TEXT,
            Sentence("The new owner: id or user name of a user, id or name of a queue"),
            required=True,
        ),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object have owners."""
        return definition.owner

    def run(self, call: Call) -> Answer:
        """Answers who owns the record now."""
        saved = assign_record(
            call.unit,
            call.object_name,
            call.record_id,
            call.text("to") or "",
            channel="api",
            expected_version=call.version,
        )
        held = {name: saved.record[name] for name in ("owner", "owner_queue")}
        return {"id": saved.id, "version": saved.version, **held}


ACTION = Assign()
