"""`stand_in`: somebody's absence begins: who stands in is told what already waits.

The payload: {"absence": its id}.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.approvals.standing_in import tell_substitutes
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.absences import STAND_IN


@declares(ANY_OBJECT, "read")
class StandIn(Later):
    """Tells the substitute, unless the absence was taken back."""

    name = STAND_IN
    title = Sentence("Tell a substitute what waits")
    keeps_time = True

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Tells her."""
        tell_substitutes(surroundings.unit(), str(effect.payload["absence"]))


ACTION = StandIn()
