"""`reassign`: the time in which somebody was to take a record up is over.

The payload: {"assignment": its name, "at": when the record was assigned}.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.assignments import REASSIGN
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.records.assigning import assign_again
from trellis.records.save import WRITERS


@declares(ANY_OBJECT, "assign")
class Reassign(Later):
    """Gives the record to somebody else, if what was said about that holds."""

    name = REASSIGN

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Asks again whether it is to be given on."""
        at = datetime.fromisoformat(str(effect.payload["at"]))
        record = str(effect.object), str(effect.record_id)
        name = str(effect.payload["assignment"])
        assign_again(surroundings.unit(), *record, name, at, WRITERS)


ACTION = Reassign()
