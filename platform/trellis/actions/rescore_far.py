"""`rescore_far`: a score is computed for records that look at what has changed elsewhere.

The payload: {"score": [object, name], "object", "ids", "fields", "left": what has changed of which
records, "after": the last record that was looked at, "depth": how many changes led here}.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.scoring.far import rescore_far
from trellis.scoring.watching import FAR


@declares(ANY_OBJECT, "update")
class RescoreFar(Later):
    """Computes it for some, and leaves the rest to the next effect."""

    name = FAR
    title = Sentence("Compute scores that look at a record")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does it."""
        rescore_far(surroundings.unit(), effect.payload)


ACTION = RescoreFar()
