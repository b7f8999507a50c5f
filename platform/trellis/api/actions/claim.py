"""`claim`: takes the record from the queue in which it waits."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, RecordAction
from trellis.phrases import Sentence
from trellis.records.claim import claim_record


class Claim(RecordAction):
    """Makes the caller, a member of the queue, the owner."""

    name = "claim"
    summary = Sentence("Take the record from its queue")
    right = "read"
    scope = "assign"

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object have owners."""
        return definition.owner

    def run(self, call: Call) -> Answer:
        """Answers who owns the record now."""
        saved = claim_record(
            call.unit,
            call.object_name,
            call.record_id,
            channel="api",
            expected_version=call.version,
        )
        return {"id": saved.id, "version": saved.version, "owner": saved.record["owner"]}


ACTION = Claim()
