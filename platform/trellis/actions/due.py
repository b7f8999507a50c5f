"""`due`: a rule by the clock on one record whose time has come.

The payload: {"rule": name, "due": instant}; the record is the outbox row's.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.clock import DUE
from trellis.automation.outbox import Effect
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.timed import run_timed


@declares(ANY_OBJECT, "update")
class Due(Later):
    """Runs the rule if it still holds; one that is gone meanwhile is let go."""

    name = DUE
    title = Sentence("Do what is due at a record's date")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Runs it on the record."""
        due = datetime.fromisoformat(str(effect.payload["due"]))
        run_timed(surroundings.unit(), str(effect.payload["rule"]), str(effect.record_id), due)


ACTION = Due()
