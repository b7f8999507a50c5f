"""`service_level_block`: an `at` block of a service level that could not be carried out when it was
due, and is tried again because somebody says so.

The payload: {"sla": its name, "run": which of the clock, "target": the promise, "percent": the
block}; the record is the outbox row's.
"""

from __future__ import annotations

from decimal import Decimal

from trellis.actions import Later, Surroundings
from trellis.automation.outbox import Effect
from trellis.automation.service_timers import BLOCK
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.records.save import WRITERS
from trellis.records.service_levels import do_late


@declares(ANY_OBJECT, "update")
class ServiceLevelBlock(Later):
    """Does what the block asks for, as things are now."""

    name = BLOCK
    title = Sentence("Do what a service level asks for")

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Does it; where the promise was met meanwhile, or the clock began anew, nothing."""
        said = effect.payload
        block = (int(str(said["run"])), str(said["target"]), Decimal(str(said["percent"])))
        about = str(effect.object), str(effect.record_id), str(said["sla"])
        do_late(surroundings.unit(), *about, block, WRITERS)


ACTION = ServiceLevelBlock()
