"""`approve`: says yes to the record's open request."""

from __future__ import annotations

from typing import ClassVar

from rule_engine.services.approval_speaker import MAX_COMMENT
from rule_engine.services.approval_state import Verdict
from trellis import approvals
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.answers import request_json
from trellis.phrases import Sentence


class Decide(RecordAction):
    """Says a verdict on the record's open request, as one who is asked for it."""

    right = ""
    scope = "approve"
    verdict: ClassVar[Verdict]
    keys = (
        Key("comment", KeyType.TEXT, Sentence("Why; a rejection needs it"), limit=MAX_COMMENT),
        Key("files", KeyType.TEXTS, Sentence("Ids of uploaded files that are kept with it")),
        Key("revision", KeyType.NUMBER, Sentence("The revision of the request that was seen")),
    )

    def run(self, call: Call) -> Answer:
        """Answers the request as it stands then."""
        request = approvals.current_request(call.unit, call.object_name, call.record_id)
        moved = approvals.decide(
            call.unit,
            request,
            self.verdict,
            call.text("comment") or "",
            expected_revision=call.number("revision"),
            files=call.texts("files"),
        )
        return request_json(moved)


class Approve(Decide):
    """Says yes."""

    name = "approve"
    summary = Sentence("Approve the open request")
    verdict = "approve"


ACTION = Approve()
