"""`scheduled`: a rule on a schedule, on some of its object's records; more follow by the next row.

The payload: {"rule": name, "due": instant, "after": the cursor behind which to go on, or ""}.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.clock import SCHEDULED
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.timed import run_scheduled


@declares(ANY_OBJECT, "update")
class Scheduled(Later):
    """Runs the rule on each record on which its condition holds."""

    name = SCHEDULED
    title = Sentence("Run a rule by its schedule")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Runs it on some records, and plans the rest."""
        payload = effect.payload
        due = datetime.fromisoformat(str(payload["due"]))
        run_scheduled(surroundings.unit(), str(payload["rule"]), due, str(payload["after"]))


ACTION = Scheduled()
