"""`write`: sets or clears a field of a record that the saved one refers to."""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "update")
class Write(Action):
    """Changes the other record, with all that its own rules make of that."""

    name = "write"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Writes the one field."""
        values = {str(arguments["field"]): arguments["value"]}
        doing.writing.change(str(arguments["object"]), str(arguments["id"]), values)


ACTION = Write()
