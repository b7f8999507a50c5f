"""`unshare`: takes back what was shared."""

from __future__ import annotations

from typing import ClassVar

from trellis.api.actions import Answer, Call, Key, KeyType
from trellis.api.actions.share import Share
from trellis.phrases import Sentence
from trellis.records.sharing import unshare_record


class Unshare(Share):
    """Takes a share back; who got it may give it back."""

    name = "unshare"
    summary = Sentence("Share the record no more")
    right = "read"
    scope = "share"
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "to",
            KeyType.TEXT,
            Sentence("With whom: id or user name of a user, id or name of a team"),
            required=True,
        ),
    )

    def run(self, call: Call) -> Answer:
        """Answers the record's id."""
        unshare_record(call.unit, call.object_name, call.record_id, call.text("to") or "")
        return {"id": call.record_id}


ACTION = Unshare()
