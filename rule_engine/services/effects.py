"""What rules ask the platform to do, in order; the engine itself does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do. `arguments` hold Python values; ids are texts.

    To the record at hand: set(field, value) · clear(field) · lock · unlock · start(process) ·
    assign(users, how, group, queue: pick one by services.assign.pick) · give(user, queue: the new
    owner, or the queue where it waits).
    To others: write(object, id, field, value: None clears) · create(object, values) · call(target,
    values) · notify(recipients: user ids, addressees: (object, id) of people without a login,
    template, channel: None is each person's own choice) · escalate(recipients).
    Of approvals: waiting(step, users): these approvers are asked now and want to be told ·
    remind(step, users, due, at: the share of the time that is over) · overdue(step, users).
    """

    action: str
    arguments: Mapping[str, object] = field(default_factory=dict)


def own_values(effects: Sequence[Effect]) -> dict[str, object]:
    """Gives what the effects leave in the fields of the record at hand; None is cleared."""
    return {
        str(effect.arguments["field"]): effect.arguments.get("value")
        for effect in effects
        if effect.action in ("set", "clear")
    }


def lock_of(effects: Sequence[Effect]) -> bool | None:
    """Says whether the record is locked after the effects; None when none speaks of it."""
    said = [effect.action for effect in effects if effect.action in ("lock", "unlock")]
    return said[-1] == "lock" if said else None
