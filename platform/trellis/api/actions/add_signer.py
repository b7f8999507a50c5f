"""`add_signer`: has another person decide on the record's open request too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from rule_engine.services.approval_speaker import MAX_COMMENT
from rule_engine.services.approval_state import Place
from trellis import approvals
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.answers import request_json
from trellis.api.requests import unknown
from trellis.approvals.signers import add_signer
from trellis.errors import Refused
from trellis.phrases import Sentence

PLACES: Final[Mapping[str, Place]] = {"before": "before", "after": "after"}


class AddSigner(RecordAction):
    """As one who is asked."""

    name = "add_signer"
    summary = Sentence("Have another person decide on the open request too")
    right = ""
    scope = "approve"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("to", KeyType.TEXT, Sentence("Id or user name of the other person"), required=True),
        Key("place", KeyType.TEXT, Sentence("before (the default) or after oneself")),
        Key("reason", KeyType.TEXT, Sentence("Why"), required=True, limit=MAX_COMMENT),
        Key("revision", KeyType.NUMBER, Sentence("The revision of the request that was seen")),
    )

    def run(self, call: Call) -> Answer:
        """Answers the request as it stands then."""
        named = call.text("place") or "before"
        place = PLACES.get(named)
        if place is None:
            raise Refused([unknown("/place", "unknown_value", named[:40], PLACES)])
        request = approvals.current_request(call.unit, call.object_name, call.record_id)
        moved = add_signer(
            call.unit,
            request,
            call.text("to") or "",
            place,
            call.text("reason") or "",
            expected_revision=call.number("revision"),
        )
        return request_json(moved)


ACTION = AddSigner()
