"""`escalate`: tells people that a record needs their attention."""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing, leave_message
from trellis.declared import ANY_OBJECT, declares
from trellis.wording import ESCALATION


@declares(ANY_OBJECT, "read")
class Escalate(Action):
    """Has the people notified, each in the way she prefers."""

    name = "escalate"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Leaves the message in the outbox."""
        leave_message(doing, arguments["recipients"], ESCALATION)


ACTION = Escalate()
