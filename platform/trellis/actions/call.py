"""`call`: a rule has a webhook told of something, or an action of a plug-in run.

The payload: {"target": the name the rule calls, "values": {key: value in wire form}}.
"""

from __future__ import annotations

import uuid_utils

from metadata.json_text import mapping
from trellis.actions import Action, Arguments, Callee, Doing, Later, Surroundings, load_actions
from trellis.automation.outbox import Effect, add
from trellis.declared import ANY_OBJECT, declares
from trellis.evaluation.wire import to_wire
from trellis.phrases import Sentence
from trellis.webhooks.calls import put_call


@declares(ANY_OBJECT, "read")
class Call(Action, Later):
    """Leaves the call in the outbox; after the commit it becomes one message of the webhook."""

    name = "call"
    title = Sentence("Call a webhook")
    is_quick = True

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Leaves it, for the plug-in's action of that name if there is one."""
        target = str(arguments["target"])
        is_plugins = isinstance(load_actions().get(target), Callee)
        values = {key: to_wire(value) for key, value in mapping(arguments["values"]).items()}
        add(
            doing.unit.connection,
            target if is_plugins else self.name,
            {"target": target, "values": values},
            f"rule/{doing.rule}/{uuid_utils.uuid7()}",
            object_name=doing.definition.name,
            record_id=doing.record_id,
            rule=doing.rule,
        )

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Puts the message among those to be delivered. Raises LookupError for no such webhook."""
        put_call(surroundings.unit(), effect)


ACTION = Call()
