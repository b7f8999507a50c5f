"""`escalate`: tells people that a record needs their attention, and its history whom."""

from __future__ import annotations

from metadata.json_text import sequence
from trellis.actions import Action, Arguments, Doing, leave_message
from trellis.declared import ANY_OBJECT, declares
from trellis.wording import ESCALATED, ESCALATION


@declares(ANY_OBJECT, "read")
class Escalate(Action):
    """Has the people notified, each in the way she prefers."""

    name = "escalate"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Leaves the message in the outbox, and an entry in the history."""
        people = sequence(arguments["recipients"])
        leave_message(doing, people, ESCALATION)
        why = " ".join((ESCALATED, *map(str, people)))
        doing.writing.note(doing.definition.name, doing.record_id, why)


ACTION = Escalate()
