"""`away`: notes when a user is away, and who stands in."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.api.absences import absence_json
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.errors import Refused
from trellis.phrases import Sentence
from trellis.records.absences import enter_absence
from trellis.records.people import USER


class Away(RecordAction):
    """For oneself; for others as an administrator."""

    name = "away"
    summary = Sentence("Note when a user is away and who stands in")
    right = ""
    scope = "approve"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("from", KeyType.TEXT, Sentence("The first day; today without")),
        Key("until", KeyType.TEXT, Sentence("The last day"), required=True),
        Key(
            "substitute",
            KeyType.TEXT,
            Sentence("Who decides meanwhile: id or user name; without, the administrators"),
        ),
        Key("why", KeyType.TEXT, Sentence("Why, for administrators and substitutes")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == USER

    def run(self, call: Call) -> Answer:
        """Answers the absence."""
        first, last = read_day(call, "from"), read_day(call, "until")
        entered = enter_absence(
            call.unit,
            call.record_id,
            first,
            last,
            substitute=call.text("substitute"),
            why=call.text("why"),
        )
        return absence_json(entered)


def read_day(call: Call, name: str) -> date | None:
    """Gives a day; raises Refused for a text that is none."""
    text = call.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        values = {"field": name, "value": str(text)[:40]}
        raise Refused([Problem(pointer((name,)), "date", values)]) from error


ACTION = Away()
