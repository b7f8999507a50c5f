"""`approver_gone`: somebody may log in no more, and others are asked for what waited for her.

The payload: {"user": her id}; for each request then {"request": its id}.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.approvals.relief import relieve, waiting_for
from trellis.automation.outbox import Effect, add_all
from trellis.automation.relief import RELIEF
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence


@declares(ANY_OBJECT, "approve")
class ApproverGone(Later):
    """Has each request ask others by an effect of its own: one that is held up holds up no more."""

    name = RELIEF
    title = Sentence("Ask others in the place of an approver")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Looks for the requests, or at one of them."""
        unit = surroundings.unit()
        if "request" in effect.payload:
            relieve(unit, str(effect.payload["request"]))
            return
        asked = waiting_for(unit, str(effect.payload["user"]))
        row = {"action": RELIEF, "available_at": surroundings.now}
        rows = [
            {**row, "payload": {"request": one}, "effect_key": f"{effect.key}/{one}"}
            for one in asked
        ]
        if rows:
            add_all(surroundings.connection, rows)


ACTION = ApproverGone()
