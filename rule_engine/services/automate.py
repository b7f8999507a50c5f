"""Before-save rules: one pass over the record that is about to be saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rule_engine.program import OnEvent, Rule
from rule_engine.services.actions import Run
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.validate import Violation
from rule_engine.types import Environment

SaveEvent = Literal["create", "update"]


@dataclass(frozen=True, slots=True)
class BeforeSave:
    """What the rules made of a record.

    `values` are the fields that were set or cleared (None); `failures` refuse the save; `fired`
    names the rules whose guard held, in running order; `locked` is None when no rule says.
    """

    values: dict[str, object]
    failures: tuple[Violation, ...]
    fired: tuple[str, ...]
    locked: bool | None


def before_save(
    rules: Sequence[Rule],
    event: SaveEvent,
    record: Record,
    old: Record | None,
    environment: Environment,
) -> BeforeSave:
    """Runs the rules by order, then name; each sees what earlier ones set; each runs once.

    `old` is None on create: every field with a value counts as changed. A `fail` ends its rule,
    later rules run on so that all failures show; a `stop` ends the pass.
    """
    current = dict(record)
    effects: list[Effect] = []
    failures: list[Violation] = []
    fired: list[str] = []
    for rule in sorted((r for r in rules if _listens(r, event)), key=_running_order):
        if not holds(rule.guard, current, environment, old):
            continue
        run = Run(current, environment, old)
        run.perform(rule.actions)
        current = run.record
        effects += run.effects
        fired.append(rule.name)
        if run.failure:
            failure = run.failure
            failures.append(Violation(rule.name, failure.message, failure.field, failure.span))
        if run.stopped:
            break
    return BeforeSave(_values(effects), tuple(failures), tuple(fired), _lock(effects))


def _listens(rule: Rule, event: SaveEvent) -> bool:
    trigger = rule.trigger
    if not isinstance(trigger, OnEvent) or trigger.timing != "before":
        return False
    return event in trigger.events or "save" in trigger.events


def _running_order(rule: Rule) -> tuple[bool, object, str]:
    return rule.order is None, rule.order or 0, rule.name


def _values(effects: Sequence[Effect]) -> dict[str, object]:
    return {
        str(effect.arguments["field"]): effect.arguments.get("value")
        for effect in effects
        if effect.action in ("set", "clear")
    }


def _lock(effects: Sequence[Effect]) -> bool | None:
    said = [effect.action for effect in effects if effect.action in ("lock", "unlock")]
    return said[-1] == "lock" if said else None
