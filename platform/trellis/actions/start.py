"""`start`: a rule submits its record for an approval."""

from __future__ import annotations

from dataclasses import replace

from trellis.actions import Action, Arguments, Doing
from trellis.approvals import start
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import RecordError


@declares(ANY_OBJECT, "approve")
class Start(Action):
    """Submits the record in the name of whose save set the rule off; without one, of its owner.

    A record that is submitted already is left alone. What keeps it from being submitted refuses
    the save.
    """

    name = "start"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Submits it, with no right but the rule's."""
        unit = doing.unit
        if unit.cause is not None and unit.cause.principal.user is not None:
            unit = replace(unit, principal=unit.cause.principal)
        try:
            start(unit, doing.definition, doing.record_id, str(arguments["process"]))
        except RecordError as error:
            raise doing.writing.refused(doing.definition, error) from error


ACTION = Start()
