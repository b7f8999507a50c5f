"""`service_level_time`: an `at` block of a service level has come due.

The payload: {"sla": its name, "due": the instant for which the look was planned}; the record is the
outbox row's.
"""

from __future__ import annotations

from datetime import datetime

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.automation.service_timers import TIME
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.save import WRITERS
from trellis.records.service_levels import look_at_level


@declares(ANY_OBJECT, "update")
class ServiceLevelTime(Later):
    """Has the service level do what its time asks for."""

    name = TIME
    title = Sentence("Look after the clock of a service level")
    is_quick = True  # many may come due at the same time

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Looks at the clock; one that was paused or met meanwhile asks for nothing."""
        unit, name = surroundings.unit(), str(effect.payload["sla"])
        due = effect.payload.get("due")  # rows of an older product have none
        since = None if due is None else datetime.fromisoformat(str(due))
        look_at_level(unit, str(effect.object), str(effect.record_id), name, WRITERS, since)


ACTION = ServiceLevelTime()
