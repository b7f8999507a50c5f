"""`assign`: a rule gives its record to one of some people, or into a queue."""

from __future__ import annotations

from typing import cast

from metadata.json_text import sequence
from rule_engine.services.assign import pick
from rule_engine.services.candidates import Candidates, How
from trellis.actions import Action, Arguments, Doing
from trellis.automation.assignments import keep_turns, take_turns
from trellis.automation.workload import OwnedRecords
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "assign")
class Assign(Action):
    """Picks one of the people as the rule says: in turns, the least busy, or the first."""

    name = "assign"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Picks and gives; where there is nobody the record stays where it is."""
        found = Candidates(
            tuple(map(str, sequence(arguments["users"]))),
            cast("How", arguments["how"]),
            str(arguments["group"]),
            None if arguments["queue"] is None else str(arguments["queue"]),
        )
        to = found.queue or self.picked(doing, found)
        if to is not None:
            doing.writing.give(doing.definition.name, doing.record_id, to)

    def picked(self, doing: Doing, found: Candidates) -> str | None:
        """Gives who gets it; in turns, everybody's turn is kept by the group."""
        unit, key = doing.unit, f"group {found.group}"
        turns = take_turns(unit.connection, key)
        workload = OwnedRecords(unit.connection, unit.catalog, unit.directory)
        user = pick(found, doing.definition.name, workload, turns)
        if user is not None and found.how == "round_robin":
            keep_turns(unit.connection, key, turns.given(found.group, user))
        return user


ACTION = Assign()
