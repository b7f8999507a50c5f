"""`recall`: takes the record's open request back."""

from __future__ import annotations

from trellis import approvals
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.answers import request_json
from trellis.phrases import Sentence


class Recall(RecordAction):
    """Takes a request back, as the one who made it."""

    name = "recall"
    summary = Sentence("Take the open request back")
    right = ""
    scope = "approve"
    keys = (Key("revision", KeyType.NUMBER, Sentence("The revision of the request that was seen")),)

    def run(self, call: Call) -> Answer:
        """Answers the request as it stands then."""
        request = approvals.current_request(call.unit, call.object_name, call.record_id)
        revision = call.number("revision")
        return request_json(approvals.recall(call.unit, request, expected_revision=revision))


ACTION = Recall()
