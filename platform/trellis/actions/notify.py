"""`notify`: tells people something over a channel.

The payload: {"recipients": [user ids], "addressees": [[object, record id]] of people without a
login, "kind": "approval_waiting", "title": plain text or "", "values": {name: JSON}, "channel":
name or null}; the record it is about is the outbox row's. Without a channel users have it in the
bell, and by mail too where they wish so; people without a login by mail.
Sentences for the known kinds are made in the reader's language when they are read or sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from metadata.json_text import mapping, sequence
from trellis.actions import Action, Arguments, Doing, Later, Surroundings, leave_message
from trellis.automation.outbox import Effect
from trellis.channels import Message
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence
from trellis.unit import Unit

IN_APP, EMAIL = "in_app", "email"
USER, WISH = "user", "notify_by"


@declares(ANY_OBJECT, "read")
class Notify(Action, Later):
    """Hands one message per recipient to a channel; the same person is told once."""

    name = "notify"
    title = Sentence("Tell somebody")
    is_quick = True

    def carry_out(self, doing: Doing, arguments: Arguments) -> None:
        """Leaves the message in the outbox; the rule's template names what is said."""
        leave_message(
            doing,
            arguments["recipients"],
            str(arguments["template"]),
            channel=arguments.get("channel"),
            addressees=arguments.get("addressees"),
        )

    def run(self, effect: Effect, surroundings: Surroundings) -> None:
        """Delivers the message to each recipient. Raises LookupError for an unknown channel."""
        unit = surroundings.unit()
        for name, message in messages_of(unit, effect):
            channel = surroundings.channels.get(name)
            if channel is None:
                there = ", ".join(sorted(surroundings.channels))
                raise LookupError(f"no channel {name!r}; there are: {there}")
            channel.deliver(unit, message)


def messages_of(unit: Unit, effect: Effect) -> Iterator[tuple[str, Message]]:
    """Gives what is told, each with the name of its channel."""
    payload, chosen = effect.payload, effect.payload.get("channel")
    users = list(dict.fromkeys(map(str, sequence(payload.get("recipients")))))
    by_mail = set() if chosen else wishing_mail(unit, users)
    for user_id in users:
        message = message_of(unit, effect, user_id, user_id=user_id)
        yield str(chosen or IN_APP), message
        if user_id in by_mail:
            yield EMAIL, message
    for one in sequence(payload.get("addressees")):
        object_name, record_id = map(str, sequence(one))
        person = (object_name, record_id)
        yield str(chosen or EMAIL), message_of(unit, effect, "/".join(person), addressee=person)


def message_of(
    unit: Unit,
    effect: Effect,
    who: str,
    *,
    user_id: str | None = None,
    addressee: tuple[str, str] | None = None,
) -> Message:
    """Gives the message for one person."""
    payload = effect.payload
    return Message(
        key=f"{effect.key}/{who}",
        user_id=user_id,
        addressee=addressee,
        kind=str(payload.get("kind") or "message"),
        title=str(payload.get("title") or ""),
        values=mapping(payload.get("values") or {}),
        object=effect.object,
        record_id=effect.record_id,
        at=unit.moment.now,
    )


def wishing_mail(unit: Unit, users: list[str]) -> set[str]:
    """Gives the users who want to be told by mail too."""
    if WISH not in unit.catalog.objects[USER].fields:
        return set()
    found = unit.records().by_ids(USER, users, [WISH])
    return {user_id for user_id, one in found.items() if one[WISH] == EMAIL}


ACTION = Notify()
