"""`notify`: tells people something over a channel.

The payload: {"recipients": [user ids], "kind": "approval_waiting", "title": plain text or "",
"values": {name: JSON}, "channel": name or null}; the record it is about is the outbox row's.
Sentences for the known kinds are made in the reader's language when the notification is shown.
"""

from __future__ import annotations

from trellis.actions import Action, Arguments, Doing, Later, Surroundings, leave_message
from trellis.automation.outbox import Effect
from trellis.channels import Message
from trellis.declared import ANY_OBJECT, declares

DEFAULT_CHANNEL = "in_app"


@declares(ANY_OBJECT, "read")
class Notify(Action, Later):
    """Hands one message per recipient to a channel; the same person is told once."""

    name = "notify"

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Leaves the message in the outbox; the rule's template names what is said."""
        template, channel = str(arguments["template"]), arguments.get("channel")
        leave_message(doing, arguments["recipients"], template, channel)

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Delivers the message to each recipient."""
        payload = effect.payload
        channel = surroundings.channels[str(payload.get("channel") or DEFAULT_CHANNEL)]
        recipients = payload.get("recipients") or []
        values = payload.get("values") or {}
        if not isinstance(recipients, list) or not isinstance(values, dict):
            raise TypeError("notify: recipients are a list and values an object")
        for user_id in dict.fromkeys(map(str, recipients)):
            message = Message(
                key=f"{effect.key}/{user_id}",
                user_id=user_id,
                kind=str(payload.get("kind") or "message"),
                title=str(payload.get("title") or ""),
                values=values,
                object=effect.object,
                record_id=effect.record_id,
                at=surroundings.now,
            )
            channel.deliver(surroundings.connection, message)


ACTION = Notify()
