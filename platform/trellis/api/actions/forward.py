"""`forward`: has another person decide on the record's open request instead."""

from __future__ import annotations

from typing import ClassVar

from rule_engine.services.approval_speaker import MAX_COMMENT
from trellis import approvals
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.answers import request_json
from trellis.approvals.signers import forward
from trellis.phrases import Sentence


class Forward(RecordAction):
    """As one who is asked."""

    name = "forward"
    summary = Sentence("Have another person decide on the open request instead")
    right = ""
    scope = "approve"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("to", KeyType.TEXT, Sentence("Id or user name of the other person"), required=True),
        Key("reason", KeyType.TEXT, Sentence("Why"), required=True, limit=MAX_COMMENT),
        Key("revision", KeyType.NUMBER, Sentence("The revision of the request that was seen")),
    )

    def run(self, call: Call) -> Answer:
        """Answers the request as it stands then."""
        request = approvals.current_request(call.unit, call.object_name, call.record_id)
        moved = forward(
            call.unit,
            request,
            call.text("to") or "",
            call.text("reason") or "",
            expected_revision=call.number("revision"),
        )
        return request_json(moved)


ACTION = Forward()
