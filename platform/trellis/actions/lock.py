"""`lock`: keeps people from changing the record."""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing
from trellis.automation.requests import take_hold
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "update")
class Lock(Action):
    """Locks the record; its pages name the rule as the cause."""

    name = "lock"

    def carry_out(self, doing: Doing, _arguments: Arguments) -> None:
        """Locks it; an older lock stays as it is."""
        unit, object_id = doing.unit, doing.definition.id
        take_hold(unit.connection, object_id, doing.record_id, doing.rule, unit.moment.now)


ACTION = Lock()
