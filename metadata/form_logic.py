"""What an open form does while it is filled in: the same answers on the server and in a browser.

A form has numbered tests; all that it does follows from which of them hold (`state_of`). The
browser runs `frontend/src/form_logic.js`, which settles in the same rounds as `settle`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from metadata.conditions import READ_ONLY, REQUIRED, VISIBLE, Conditions, Test
from metadata.layouts import LayoutDefinition
from metadata.objects import ObjectDefinition
from metadata.offers import kept_options
from metadata.stages import leads_on
from rule_engine.types import Environment

Record = Mapping[str, object]
What = Literal["visible", "required", "fixed", "option", "part"]

KINDS: Final[Mapping[str, What]] = {
    VISIBLE: "visible",
    REQUIRED: "required",
    READ_ONLY: "fixed",
}
ROUNDS: Final = 10
"""How often hidden fields may hide others before a form takes what it has."""


@dataclass(frozen=True, slots=True)
class FormTest:
    """One test of a form: of a field, of one of its options, or of a part of the layout."""

    what: What
    test: Test
    field: str = ""
    option: str = ""
    part: int = 0


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form does. `parts` are the hidden parts of the layout by number, `hidden` all fields
    that are not shown, `held_back` the options that are not offered."""

    hidden: frozenset[str] = frozenset()
    parts: frozenset[int] = frozenset()
    required: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    held_back: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def away(self) -> frozenset[str]:
        """Gives the fields of which nothing is sent."""
        return self.hidden | self.fixed


@dataclass(frozen=True, slots=True)
class FormLogic:
    """The tests of one form, and the fields that each part of its layout shows."""

    tests: tuple[FormTest, ...]
    parts: tuple[tuple[str, ...], ...]
    required: frozenset[str]

    def state_of(self, holds: Sequence[bool]) -> FormState:
        """Gives what the form does when these of its tests hold."""
        found = list(zip(self.tests, holds, strict=True))
        parts = frozenset(one.part for one, yes in found if one.what == "part" and not yes)
        unseen = {name for number in parts for name in self.parts[number]}
        hidden = unseen | {one.field for one, yes in found if one.what == "visible" and not yes}
        demanded = {one.field for one, yes in found if one.what == "required" and yes}
        held: dict[str, frozenset[str]] = {}
        for one, yes in found:
            if one.what == "option" and not yes:
                held[one.field] = held.get(one.field, frozenset()) | {one.option}
        return FormState(
            hidden=frozenset(hidden),
            parts=parts,
            required=(self.required | demanded) - hidden,
            fixed=frozenset(one.field for one, yes in found if one.what == "fixed" and yes),
            held_back=held,
        )

    def run(self, record: Record, environment: Environment) -> tuple[bool, ...]:
        """Gives which tests hold for a record."""
        return tuple(one.test.holds(record, environment) for one in self.tests)

    def settle(self, base: Record, typed: Record, environment: Environment) -> tuple[bool, ...]:
        """Gives which tests hold for what is typed over a record.

        What a hidden or fixed field holds is not typed: it counts as it is in `base`.
        """
        away: frozenset[str] = frozenset()
        holds = self.run({**base, **typed}, environment)
        for _ in range(ROUNDS):
            now = self.state_of(holds).away
            if now == away:
                break
            away = now
            free = {name: value for name, value in typed.items() if name not in away}
            holds = self.run({**base, **free}, environment)
        return holds


def form_logic(
    definition: ObjectDefinition,
    conditions: Conditions,
    layout: LayoutDefinition,
    compiled: Callable[[str], Test],
    names: Sequence[str],
    old: Record | None,
    environment: Environment,
) -> FormLogic:
    """Gives the logic of a form with some fields, for a record (`old`) or a new one.

    `compiled` gives the test of a text.
    What can never apply to the record is left out: a field that is not fixed before the save is
    not fixed after it, and an option that the record has against its condition may stay.
    """
    tests = [
        FormTest(KINDS[one.keyword], one.test, one.field.name)
        for one in conditions.fields
        if one.field.name in names
        if one.keyword != READ_ONLY or old is None or one.test.holds(old, environment)
    ]
    for choice in conditions.options:
        if choice.field.name not in names:
            continue
        if choice.option not in kept_options(conditions, choice.field, old, environment):
            tests.append(FormTest("option", choice.test, choice.field.name, choice.option))
    if old is not None:
        tests += exit_tests(conditions, compiled, names, old)
    seen: set[str] = set()
    parts: list[tuple[str, ...]] = []
    for number, part in enumerate(layout.parts):
        parts.append(tuple(name for name in part.fields if name in names and name not in seen))
        seen.update(part.fields)
        if part.visible_when is not None:
            tests.append(FormTest("part", compiled(part.visible_when), part=number))
    required = {one.name for one in definition.own_fields if one.required and not one.computed}
    return FormLogic(tuple(tests), tuple(parts), frozenset(required.intersection(names)))


def exit_tests(
    conditions: Conditions, compiled: Callable[[str], Test], names: Sequence[str], old: Record
) -> Iterator[FormTest]:
    """Gives what is asked for once a form moves the record on from the option it has."""
    for exit_ in conditions.exits:
        field, criteria = exit_.field, exit_.option.exit
        if criteria is None or field.name not in names or old.get(field.name) != exit_.option.value:
            continue
        values = [option.value for option in field.options]
        later = [value for value in values if leads_on(field, exit_.option.value, value)]
        if later:
            moved = compiled(f"{field.name} in {json.dumps(later)}")
            wanted = (name for name in criteria.requires if name in names)
            yield from (FormTest("required", moved, name) for name in wanted)
