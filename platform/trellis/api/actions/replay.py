"""`replay`: delivers messages of a webhook again."""

from __future__ import annotations

from typing import ClassVar

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.phrases import Sentence
from trellis.records.webhooks import WEBHOOK
from trellis.webhooks.replay import replay


class Replay(RecordAction):
    """Delivers one message again, or all that were given up."""

    name = "replay"
    summary = Sentence("Deliver messages again")
    right = "administer"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("delivery", KeyType.TEXT, Sentence("One message; without, all that were given up")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are webhooks."""
        return definition.name == WEBHOOK

    def run(self, call: Call) -> Answer:
        """Answers how many messages are delivered again."""
        count = replay(call.unit, call.record_id, call.text("delivery"))
        return {"id": call.record_id, "messages": count}


ACTION = Replay()
