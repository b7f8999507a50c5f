"""`recycle`: a record in somebody's hands is looked at: it may be time to warn, or to give it back.

The payload: {"claim": its id, "at": when it was to be looked at}.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.claim_log import RECYCLE
from trellis.records.recycling import look_at_claim
from trellis.records.save import WRITERS


@declares(ANY_OBJECT, "assign")
class Recycle(Later):
    """Warns whose it is, gives it back, or waits."""

    name = RECYCLE
    title = Sentence("Give a record back to its queue")
    keeps_time = True

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does it."""
        at = datetime.fromisoformat(str(effect.payload["at"]))
        look_at_claim(surroundings.unit(), str(effect.payload["claim"]), at, WRITERS)


ACTION = Recycle()
