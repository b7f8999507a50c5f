"""`reassign`: the time in which somebody was to take a record up is over.

The payload is a `Look`.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.assignments import REASSIGN, Look
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.assigning import assign_again, look_anew
from trellis.records.save import WRITERS


@declares(ANY_OBJECT, "assign")
class Reassign(Later):
    """Gives the record to somebody else, if what was said about that holds."""

    name = REASSIGN
    title = Sentence("Assign a record again")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Asks again whether it is to be given on."""
        unit, record = surroundings.unit(), (str(effect.object), str(effect.record_id))
        if "line" in effect.payload:
            assign_again(unit, *record, Look.from_json(effect.payload), WRITERS)
        else:  # rows of an older product stand for all lines
            at = datetime.fromisoformat(str(effect.payload["at"]))
            look_anew(unit, *record, str(effect.payload["assignment"]), at)


ACTION = Reassign()
