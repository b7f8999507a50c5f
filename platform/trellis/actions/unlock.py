"""`unlock`: lets people change the record again."""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing
from trellis.automation.requests import release
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "update")
class Unlock(Action):
    """Takes the lock away, whoever set it."""

    name = "unlock"

    def carry_out(self, doing: Doing, _arguments: Arguments) -> None:
        """Unlocks the record."""
        release(doing.unit.connection, doing.definition.id, doing.record_id)


ACTION = Unlock()
