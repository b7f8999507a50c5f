"""`approval_time`: a reminder or the end of a step's time has come.

The payload: {"request": the approval request's id}.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.approvals import keep_time
from trellis.automation.approval_store import TIME
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence


@declares(ANY_OBJECT, "approve")
class ApprovalTime(Later):
    """Has the request reminded, escalated or decided, as its rules say."""

    name = TIME
    title = Sentence("Look after an approval in its time")
    keeps_time = True

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Looks at the request; one that went on meanwhile is looked at again in its own time."""
        keep_time(surroundings.unit(), str(effect.payload["request"]))


ACTION = ApprovalTime()
