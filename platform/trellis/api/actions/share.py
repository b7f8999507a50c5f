"""`share`: lets a person or a team see or change the record, for a time or until taken back."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from metadata.fields.base import Refused as ValueRefused
from metadata.fields.times import read_instant
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.shares import READ
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.api.shares import share_json
from trellis.errors import Refused
from trellis.phrases import Sentence
from trellis.records.sharing import share_record


class Share(RecordAction):
    """Gives no more than the caller has."""

    name = "share"
    summary = Sentence("Share the record with a person or a team")
    right = "share"
    keys: ClassVar[tuple[Key, ...]] = (
        Key(
            "to",
            KeyType.TEXT,
            Sentence("With whom: id or user name of a user, id or name of a team"),
            required=True,
        ),
        Key("level", KeyType.TEXT, Sentence("For what: read (the default) or update")),
        Key("until", KeyType.TEXT, Sentence("The instant at which it ends; without, no end")),
        Key("why", KeyType.TEXT, Sentence("Why, for whoever asks")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object have rights of their own."""
        return definition.link_of is None

    def run(self, call: Call) -> Answer:
        """Answers the share."""
        shared = share_record(
            call.unit,
            call.object_name,
            call.record_id,
            call.text("to") or "",
            level=call.text("level") or READ,
            until=read_until(call),
            why=call.text("why"),
        )
        return share_json(shared)


def read_until(call: Call) -> datetime | None:
    """Gives the end of a share; raises Refused for a text that is no instant."""
    text = call.text("until")
    try:
        return read_instant(text.strip(), call.unit.moment.zone) if text else None
    except ValueRefused as refused:
        problem = Problem(pointer(("until",)), refused.code, {"field": "until", **refused.values})
        raise Refused([problem]) from refused


ACTION = Share()
