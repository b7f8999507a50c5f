"""What rules make of one record, and why, line by line: `trellis rules explain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rule_engine.program import Program, Rule
from rule_engine.services.automate import before_save
from rule_engine.services.evaluate import Surroundings
from trellis.evaluation.instance import Instance
from trellis.evaluation.question import EvaluationError, Setting, unknown_object
from trellis.evaluation.records import load_record, load_user, memberships_of
from trellis.evaluation.telling import Line, Lines, World
from trellis.evaluation.told import Explained, explain_definition
from trellis.phrases import Sentence


def explain_record(
    program: Program,
    setting: Setting,
    object_name: str,
    wire: Mapping[str, object],
    wire_before: Mapping[str, object] | None = None,
    only: str | None = None,
    instance: Instance | None = None,
) -> list[Line]:
    """Gives what all rules of an object say of a record in wire form; `only` names one of them.

    Rules before saving run first, as when saving. With an instance, related records are its own
    and people are named. Raises EvaluationError for an unknown object or name, and for records that
    cannot be read.
    """
    if object_name not in setting.catalog.objects:
        raise unknown_object(object_name, setting.catalog)
    world = _read_world(program, setting, object_name, wire, wire_before, instance)
    told = _Told(program, world, only)
    if only and not any(one.name == only for one in told.definitions(object_name)):
        names = sorted(one.name for one in told.definitions(object_name))
        values = {"name": only, "object": object_name, "known": names}
        raise EvaluationError(Sentence("no rule '{name}' on {object}; there are: {known}", values))
    return list(told.lines(object_name))


def _read_world(
    program: Program,
    setting: Setting,
    object_name: str,
    wire: Mapping[str, object],
    wire_before: Mapping[str, object] | None,
    instance: Instance | None,
) -> World:
    loaded, record = load_record(setting, object_name, wire)
    old = None
    if wire_before is not None:
        _, old = load_record(setting, object_name, wire_before)
    around, user = load_user(setting)
    loaded.stored = around.stored = None if instance is None else instance.related
    environment = Surroundings(
        setting.now,
        setting.zone,
        user,
        program.business_time,
        setting.rates,
        loaded,
        memberships_of(user, around),
    )
    return World(record, old, environment, None if instance is None else instance.company)


@dataclass(frozen=True, slots=True)
class _Told:
    """One explanation of everything, or of one thing."""

    program: Program
    world: World
    only: str | None

    def definitions(self, object_name: str) -> list[Explained]:
        """Gives what can be explained of an object, in the order in which it runs."""
        program = self.program
        rules = sorted(program.rules, key=lambda rule: rule.running_order)
        first = [rule for rule in rules if rule.listens_to("before", self.world.event)]
        every: list[Explained] = [
            *first,
            *program.validations,
            *program.scores,
            *(rule for rule in rules if rule not in first),
            *program.assignments,
            *program.approvals,
            *program.service_levels,
        ]
        return [one for one in every if one.object == object_name]

    def lines(self, object_name: str) -> Lines:
        """Gives the explanations, a blank line between them."""
        every = self.definitions(object_name)
        early = [one for one in every if isinstance(one, Rule)]
        made = before_save(
            early, self.world.event, self.world.record, self.world.old, self.world.environment
        )
        after = {**self.world.record, **made.values}
        saved = replace(self.world, record=after)
        is_first = True
        for one in every:
            if self.only in (None, one.name):
                if not is_first:
                    yield Line()
                is_first = False
                world = self.world if _is_early(one, self.world) else saved
                yield from explain_definition(one, world)


def _is_early(one: Explained, world: World) -> bool:
    return isinstance(one, Rule) and one.listens_to("before", world.event)
