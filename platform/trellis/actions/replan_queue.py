"""`replan_queue`: the terms of a queue changed: what is out of it is planned anew.

The payload: {"queue": its id, "version": of its record, "after": the last claim that was planned}.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.claim_log import REPLAN
from trellis.records.recycling import replan


@declares(ANY_OBJECT, "assign")
class ReplanQueue(Later):
    """Plans some, and leaves the rest to the next effect."""

    name = REPLAN
    title = Sentence("Plan a queue's times anew")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does it."""
        payload = effect.payload
        asked = str(payload["queue"]), int(str(payload["version"])), str(payload["after"])
        replan(surroundings.unit(), *asked)


ACTION = ReplanQueue()
