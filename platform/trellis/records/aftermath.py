"""What rules have against a deletion, and what they do after a save or a deletion.

All of it happens in the transaction of the save: what a rule writes is there when the save is, and
a rule that fails refuses the save. What a rule writes runs the rules of what it wrote, in one
chain in which no rule runs twice for the same cause (`rule_engine.services.chain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final

from metadata.catalog import Translated
from metadata.objects import ObjectDefinition
from metadata.prepared import write_all
from metadata.problems import Problem, Said
from rule_engine.program import Rule
from rule_engine.services.automate import AfterSave, Event, after_save, before_delete
from rule_engine.services.chain import Chain
from rule_engine.services.effects import Effect, own_values
from trellis.actions import Doing, rule_action
from trellis.automation.environment import environment_of
from trellis.automation.runs import keep_runs, run_row
from trellis.errors import Missing, RecordError, Refused
from trellis.records.history import history_write
from trellis.records.holders import holder_named
from trellis.records.judge import violation_problem
from trellis.records.reach import definition_of
from trellis.records.writers import Writers
from trellis.unit import Cause, Unit

RULE_FAILED: Final = "rule_failed"

Record = Mapping[str, object]
OWN = ("set", "clear")


def rules_after(unit: Unit, object_name: str, event: Event) -> tuple[Rule, ...]:
    """Gives the rules that run after an event."""
    if unit.silent:
        return ()

    def found() -> tuple[Rule, ...]:
        rules = unit.catalog.rules_of(object_name).rules
        return tuple(one for one in rules if one.listens_to("after", event))

    return unit.catalog.queries.get(("rules after", object_name, event), tuple, found)


def refuse_deletion(unit: Unit, definition: ObjectDefinition, record: Record) -> None:
    """Raises Refused with what rules have against deleting a record."""
    rules = unit.catalog.rules_of(definition.name).rules
    if unit.silent or not any(one.listens_to("before", "delete") for one in rules):
        return
    failures = before_delete(rules, record, environment_of(unit))
    if failures:
        raise Refused(violation_problem(unit.catalog, one) for one in failures)


def run_after(
    unit: Unit,
    definition: ObjectDefinition,
    event: Event,
    record: Record,
    old: Record | None,
    writers: Writers,
) -> bool:
    """Runs the rules after an event and does what they ask for; says whether they asked.

    `old` is None on create. Raises Refused when a rule refuses the save, or cannot do what it is
    to do.
    """
    rules = rules_after(unit, definition.name, event)
    if not rules:
        return False
    cause = unit.cause or first_cause(unit, definition, record)
    chain = replace(cause.chain, ran=frozenset(cause.ran))
    around = environment_of(unit), unit.directory, chain
    outcome = after_save(rules, event, record, old, *around)
    follow(replace(unit, cause=cause), definition, record, event, outcome, writers)
    return bool(outcome.effects)


def first_cause(unit: Unit, definition: ObjectDefinition, record: Record) -> Cause:
    """Gives why rules write that nothing but a save, or the time, set off."""
    return Cause(Chain(), set(), unit.principal, (definition.id, str(record["id"])))


def follow(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    event: str,
    outcome: AfterSave,
    writers: Writers,
) -> None:
    """Does what rules asked for, each in its chain, and keeps that they ran. Raises Refused when
    one of them said so."""
    if outcome.failures:
        raise Refused(violation_problem(unit.catalog, one) for one in outcome.failures)
    cause = unit.cause or first_cause(unit, definition, record)
    cause.ran.update(outcome.chain.ran)
    record_id, rows = str(record["id"]), []
    for one in outcome.ran:
        inside = replace(unit.as_automation(), cause=replace(cause, chain=one.chain))
        begun = perf_counter()
        carry_out(inside, definition, record_id, one.rule, one.effects, writers)
        row = run_row(
            inside,
            one.rule,
            (definition.id, record_id),
            event,
            depth=one.chain.depth,
            effects=len(one.effects),
            seconds=perf_counter() - begun,
        )
        rows.append(row)
    keep_runs(unit.connection, rows)


def do_effects(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    name: str,
    effects: Sequence[Effect],
    writers: Writers,
) -> None:
    """Does what something other than a rule asks for, in the chain that led there."""
    cause = unit.cause or first_cause(unit, definition, {"id": record_id})
    inside = replace(unit.as_automation(), cause=replace(cause, chain=cause.chain.caused_by(name)))
    carry_out(inside, definition, record_id, name, effects, writers)


def carry_out(
    unit: Unit,
    definition: ObjectDefinition,
    record_id: str,
    rule: str,
    effects: Sequence[Effect],
    writers: Writers,
) -> None:
    """Does what one rule asks for: the fields of the record itself in one write, then the rest."""
    writing = RuleWriting(unit, rule, writers)
    values = own_values(effects)
    if values:
        writing.change(definition.name, record_id, values)
    doing = Doing(unit, definition, record_id, rule, writing)
    for effect in effects:
        if effect.action not in OWN:
            rule_action(effect.action).carry_out(doing, effect.arguments)


@dataclass(frozen=True, slots=True)
class RuleWriting:
    """Writes records because a rule says so; implements `trellis.actions.Writing`."""

    unit: Unit
    rule: str
    writers: Writers

    def create(self, object_name: str, values: Record) -> None:
        """Adds a record. Raises Refused."""
        definition = definition_of(self.unit, object_name)
        try:
            self.writers.create(
                self.unit, definition, values, channel="rule", why=None, source=None, given={}
            )
        except RecordError as error:
            raise self.refused(definition, error) from error

    def change(self, object_name: str, record_id: str, values: Record) -> None:
        """Changes a record; one that is deleted is left alone. Raises Refused."""
        definition = definition_of(self.unit, object_name)
        try:
            self.writers.change(self.unit, definition, record_id, values, channel="rule", why=None)
        except Missing:
            return
        except RecordError as error:
            raise self.refused(definition, error) from error

    def give(self, object_name: str, record_id: str, to: str) -> None:
        """Gives a record to a user or a queue. Raises Refused, also for nobody."""
        definition = definition_of(self.unit, object_name)
        try:
            given = holder_named(self.unit, definition, to)
            change = self.writers.change
            change(self.unit, definition, record_id, {}, channel="rule", why=None, given=given)
        except RecordError as error:
            raise self.refused(definition, error) from error

    def note(self, object_name: str, record_id: str, why: str) -> None:
        """Adds an entry without changes; to the history of one that is deleted none."""
        unit, definition = self.unit, definition_of(self.unit, object_name)
        record = unit.records().get(object_name, record_id, ["version"])
        if record is not None:
            about = unit, definition, record_id, int(str(record["version"]))
            entry = history_write(*about, {}, channel="rule", why=why, rules=unit.led_by)
            write_all(unit.connection, entry)

    def refused(self, definition: ObjectDefinition, error: RecordError) -> Refused:
        """Gives what to tell the person whose save it was: the problem is not in her record.

        Of an object or a field that she does not know she is told nothing. Of rules that woke each
        other the last one is named: it is the one that cannot do its work.
        """
        if all(one.code == RULE_FAILED for one in error.problems):
            return Refused(error.problems)
        person = self.unit.cause.principal if self.unit.cause else self.unit.principal
        access = person.access(definition.name)
        fields = {f"/{name}": field for name, field in definition.fields.items()}
        named = [fields[one.path] for one in error.problems if one.path in fields]
        values: dict[str, object] = {"rule": self.rule}
        if access.exists and all(access.sees(field.name) for field in named):
            values["object"] = Translated(definition.labels)
            values["reasons"] = [
                Said(one, Translated(fields[one.path].labels) if one.path in fields else None)
                for one in error.problems
            ]
        return Refused([Problem("", RULE_FAILED, values)])
