"""`create`: adds a record of any object."""

from __future__ import annotations

from metadata.json_text import mapping
from trellis.actions import Action, Arguments, Doing
from trellis.declared import ANY_OBJECT, declares


@declares(ANY_OBJECT, "create")
class Create(Action):
    """Adds the record, with all that its own rules make of that."""

    name = "create"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Adds it with the rule's values."""
        doing.writing.create(str(arguments["object"]), mapping(arguments["values"]))


ACTION = Create()
