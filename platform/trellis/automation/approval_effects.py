"""What a step of an approval does to its record and whom it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, Protocol

from metadata.json_text import sequence
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.services.approval_state import Refusal
from rule_engine.services.effects import Effect
from trellis.automation import outbox
from trellis.automation.approval_store import Request
from trellis.automation.requests import release, take_hold
from trellis.unit import Channel, Unit
from trellis.wording import TOLD

Word = Literal[
    "submitted",
    "approved",
    "rejected",
    "recalled",
    "restarted",
    "signer added",
    "forwarded",
    "handed over",
    "its time was over",
]
"""What happened to a request, as histories keep it (worded by `records.causes`)."""

WRITTEN: Final = frozenset({"approval", "label", "text"})
"""The places of the engine's refusals that hold a name or a sentence of the rules' author."""


class Change(Protocol):
    """The way to write a record: `records.save.change`."""

    def __call__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        record_id: str,
        values: Mapping[str, object],
        *,
        channel: Channel,
        why: str | None = None,
    ) -> object:
        """Changes fields of a record."""


def problem_of(unit: Unit, refusal: Refusal) -> Problem:
    """Gives the engine's refusal as a problem; it brings its own words, and what the author of the
    rules wrote is worded as the rules' translations say."""
    values = refusal.said.values
    named = {name: unit.catalog.rule_text(str(values[name])) for name in WRITTEN & values.keys()}
    said = replace(refusal.said, values={**values, **named})
    return Problem("", f"approval_{refusal.code}", {"message": said})


def carry_out(
    unit: Unit,
    definition: ObjectDefinition,
    request: Request,
    effects: Sequence[Effect],
    word: Word,
    change: Change,
) -> None:
    """Does what a step asks for: changes of the record in one write, locks, messages.

    `change` writes the record (`records.save.change`); `word` says in the history what happened.
    """
    values: dict[str, object] = {}
    for number, effect in enumerate(effects):
        match effect.action:
            case "set":
                values[str(effect.arguments["field"])] = effect.arguments["value"]
            case "clear":
                values[str(effect.arguments["field"])] = None
            case "lock":
                cause = request.label
                take_hold(unit.connection, definition.id, request.record_id, cause, unit.moment.now)
            case "unlock":
                release(unit.connection, definition.id, request.record_id)
            case _:
                tell(unit, definition, request, effect, number)
    if values:
        why = f"{request.label}: {word}"
        own = replace(unit.as_automation(), deciding=unit.deciding | {request.id})
        change(own, definition, request.record_id, values, channel="rule", why=why)


def tell(
    unit: Unit, definition: ObjectDefinition, request: Request, effect: Effect, number: int
) -> None:
    """Leaves a message for people in the outbox; the same step of a request tells once."""
    asked = TOLD.get(effect.action)
    people = effect.arguments["users" if asked else "recipients"]
    others = effect.arguments.get("addressees")
    payload = {
        "recipients": [str(user) for user in sequence(people)],
        "addressees": [list(map(str, sequence(one))) for one in sequence(others)],
        "kind": asked or str(effect.arguments["template"]),
        "title": "",
        "values": {"approval": request.label, "request": request.id, "record": request.record_id},
        "channel": effect.arguments.get("channel"),
    }
    outbox.add(
        unit.connection,
        "notify",
        payload,
        f"approval/{request.id}/{request.revision}/{number}",
        object_name=definition.name,
        record_id=request.record_id,
    )
