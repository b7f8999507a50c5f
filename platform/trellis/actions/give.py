"""`give`: what an assignment has decided: the record's new owner, or the queue where it waits."""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "assign")
class Give(Action):
    """Gives the record to a user, or into a queue."""

    name = "give"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Gives it."""
        user, queue = arguments["user"], arguments["queue"]
        doing.writing.give(doing.definition.name, doing.record_id, str(user or queue))


ACTION = Give()
