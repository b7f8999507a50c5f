"""`submit`: starts an approval of the record."""

from __future__ import annotations

from trellis import approvals
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.answers import request_json
from trellis.phrases import Sentence


class Submit(RecordAction):
    """Starts the approval that is named, else the first that the record may enter."""

    name = "submit"
    summary = Sentence("Submit the record for approval")
    right = "read"
    scope = "approve"
    keys = (
        Key(
            "approval", KeyType.TEXT, Sentence("Name of the approval; the first that fits without")
        ),
    )

    def run(self, call: Call) -> Answer:
        """Answers the request."""
        name = call.text("approval")
        return request_json(approvals.submit(call.unit, call.object_name, call.record_id, name))


ACTION = Submit()
