"""`service_level_time`: an `at` block of a service level has come due.

The payload: {"sla": its name}; the record is the outbox row's.
"""

from __future__ import annotations

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.automation.service_levels import TIME
from trellis.declared import ANY_OBJECT, declares
from trellis.records.save import WRITERS
from trellis.records.service_levels import look_at_level


@declares(ANY_OBJECT, "update")
class ServiceLevelTime(Later):
    """Has the service level do what its time asks for."""

    name = TIME

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Looks at the clock; one that was paused or met meanwhile asks for nothing."""
        unit, name = surroundings.unit(), str(effect.payload["sla"])
        look_at_level(unit, str(effect.object), str(effect.record_id), name, WRITERS)


ACTION = ServiceLevelTime()
