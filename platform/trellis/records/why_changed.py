"""Why an entry of a record's history came about: which rules, set off by whom, on what condition.

Nothing is kept for it but the names: the rules are those of the version that was in force then, and
their conditions are evaluated again on the record as it was. What does not come out again as it
must have been is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from metadata.elements import is_of_tests
from metadata.fields.base import FieldDefinition
from metadata.objects import ObjectDefinition
from metadata.programs import make_program
from metadata.store import elements_at
from rule_engine.backends.python import trace_node
from rule_engine.backends.python.trace import Trace
from rule_engine.errors import RuleError
from rule_engine.program import OnEvent, Program, Rule
from rule_engine.services.automate import SaveEvent, before_save, changed_fields
from rule_engine.services.evaluate import as_of
from trellis.automation.environment import RelatedRecords, environment_of
from trellis.automation.readable import Reader
from trellis.records.history import (
    Written,
    entry_of,
    place_in_history,
    record_history,
    told_again,
)
from trellis.unit import Unit

Record = Mapping[str, Any]

RULE, SCORE, FORMULA = "rule", "score", "formula"


@dataclass(frozen=True, slots=True)
class Involved:
    """A rule that took part. `condition` is None where it has none, where the reader may not see
    what it looks at, or where it cannot be told any more.

    `is_of_today` where it looks at other records, which are
    as they are now. `file`, `line` and `version` are there for those who may see rules.
    """

    name: str
    label: str
    object: str = ""
    condition: Trace | None = None
    is_of_today: bool = False
    file: str | None = None
    line: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What a field has its new value from: a rule, a score or a formula, by name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Because:
    """Why an entry came about.

    `by` is whose save set it off, `object` and `record` of what, where the reader may know.
    `chain` are the rules that led there, outermost first; `rules` all that took part in the write
    itself; `fields` say of changed fields what gave them their values, where it is known.
    """

    written: Written
    by: str
    object: str | None
    record: str | None
    chain: tuple[str, ...]
    rules: tuple[Involved, ...]
    fields: Mapping[str, Source]


def explain_entry(
    unit: Unit, object_name: str, record_id: str, entry_id: str, parts: tuple[str, ...] = ()
) -> Because:
    """Gives why an entry came about. Raises Missing for one that the principal does not see."""
    written = entry_of(unit, object_name, record_id, entry_id, parts)
    definition = unit.catalog.objects[object_name]
    found = Found(unit, definition, written)
    object_of, record_of = found.origin()
    return Because(
        written=written,
        by=written.by or written.entry.by,
        object=object_of,
        record=record_of,
        chain=written.chain,
        rules=tuple(found.involved(name) for name in dict.fromkeys(written.entry.rules)),
        fields=dict(found.sources()),
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """A save that rules looked at: the record before it (None: it was made) and after it."""

    object: str
    old: Record | None
    new: Record


class Found:
    """What can be found out about one entry, for one reader."""

    def __init__(self, unit: Unit, definition: ObjectDefinition, written: Written) -> None:
        self.unit, self.object, self.written = unit, definition, written
        self.program = program_then(unit, written.definitions)
        self.reader = Reader(unit)
        entry = written.entry
        old, new = states(unit, definition, entry.record, entry.id)
        self.save = Moment(definition.name, old, new)
        self.environment = as_of(environment_of(unit.as_automation()), entry.at)
        self.seen = replace(self.environment, related=RelatedRecords(unit.records()))

    def origin(self) -> tuple[str | None, str | None]:
        """Gives the object and the record whose save set it off, as far as the reader sees them."""
        definition = self.origin_object()
        if definition is None or self.written.record is None:
            return None, None
        record_id = self.written.record[1]
        seen = self.unit.records().names(definition.name, {record_id})
        return (definition.name, record_id) if record_id in seen else (None, None)

    def origin_object(self) -> ObjectDefinition | None:
        """Gives the object whose save set it off, if the reader knows it."""
        object_id = self.written.record[0] if self.written.record else None
        objects = self.unit.catalog.objects.values()
        found = next((one for one in objects if one.id == object_id), None)
        return found if found and self.unit.principal.access(found.name).exists else None

    def rule(self, name: str) -> Rule | None:
        """Gives a rule as it was then."""
        rules = self.program.rules if self.program else ()
        return next((one for one in rules if one.name == name), None)

    def involved(self, name: str) -> Involved:
        """Gives a rule that took part."""
        rule = self.rule(name)
        if rule is None:
            return Involved(name, name)
        condition = self.condition(rule)
        elsewhere = condition is not None and self.reader.looks_elsewhere(rule)
        told = Involved(name, rule.label, rule.object, condition, elsewhere)
        if not self.unit.principal.may_administer:
            return told
        version = self.written.definitions
        return replace(told, file=rule.source, line=rule.span.line, version=version)

    def condition(self, rule: Rule) -> Trace | None:
        """Gives a rule's condition with the values that made it true; None where what it looks at
        is not all the reader's to see, or where it does not come out true again."""
        if rule.guard is None or not self.reader.may_see_rule(rule):
            return None
        moment = self.moment_of(rule)
        if moment is None or moment.object != rule.object:
            return None
        trace = trace_node(rule.guard, moment.new, self.environment, moment.old)
        hers = trace_node(rule.guard, moment.new, self.seen, moment.old)
        return trace if trace.value is True and trace == hers else None

    def moment_of(self, rule: Rule) -> Moment | None:
        """Gives the save that a rule looked at, or the record as it was when its time came."""
        trigger = rule.trigger
        if not isinstance(trigger, OnEvent):
            return Moment(self.save.object, None, self.save.old) if self.save.old else None
        if trigger.timing == "before":
            return self.save
        return self.first_save() if len(self.written.chain) == 1 else None

    def first_save(self) -> Moment | None:
        """Gives the save that set all of it off, where the reader sees its record."""
        name, record_id = self.origin()
        definition = self.unit.catalog.objects[name] if name else None
        if definition is None or record_id is None:
            return None
        table = record_history.c
        query = sa.select(table.id).where(
            table.object == definition.id,
            table.record_id == record_id,
            table.at == self.written.entry.at,
            table.channel != "rule",
        )
        last = query.order_by(table.version.desc(), table.id.desc()).limit(1)
        found = self.unit.connection.execute(last).scalar()
        if found is None:
            return None
        return Moment(definition.name, *states(self.unit, definition, record_id, found))

    def sources(self) -> Iterator[tuple[str, Source]]:
        """Gives of changed fields what gave them their values."""
        entry, fields = self.written.entry, self.object.fields
        writer = entry.rules[0] if self.written.chain and entry.rules else None
        scores = self.program.for_object(self.object.name).scores if self.program else ()
        scored = {place: one.name for one in scores for place in (one.into, one.grade_into)}
        set_by = {
            name: rule.name
            for rule in map(self.rule, entry.rules)
            if rule is not None and rule.name != writer
            for name in self.set_by(rule)
        }
        for name in entry.changes:
            if name in scored:
                yield name, Source(SCORE, scored[name])
            elif name in fields and fields[name].computed:
                yield name, Source(FORMULA, name)
            elif name in set_by or writer is not None:
                yield name, Source(RULE, set_by.get(name, writer or ""))

    def set_by(self, rule: Rule) -> Iterator[str]:
        """Gives the fields that a rule before the save gives the values that they got."""
        if rule.object != self.object.name:
            return
        old, new = self.save.old, self.save.new
        event: SaveEvent = "create" if old is None else "update"
        made = before_save((rule,), event, new, old, self.environment).values
        for name in changed_fields(new, old):
            if name in made and made[name] == new.get(name):
                yield name


def program_then(unit: Unit, version: int | None) -> Program | None:
    """Gives the rules as they were published with a version of the definitions; None where they
    fit the objects no more."""
    catalog = unit.catalog
    if version is None or version == catalog.version:
        return catalog.written
    found = catalog.queries.get(
        ("rules then", version), tuple, lambda: (compiled_then(unit, version),)
    )
    program: Program | None = found[0]
    return program


def compiled_then(unit: Unit, version: int) -> Program | None:
    """Compiles the rules of an older version, unless they are those in force."""
    rules = [one for one in elements_at(unit.connection, version) if one.kind == "rules"]
    living = [one for one in rules if one.body.get("retired") is not True]
    texts = {one.name: str(one.body.get("text") or "") for one in living if not is_of_tests(one)}
    packages = {one.name: one.package for one in living}
    if (texts, packages) == unit.catalog.rule_texts:
        return unit.catalog.written
    try:
        return make_program(texts, unit.catalog.schema, packages)
    except RuleError:
        return None


def states(
    unit: Unit, definition: ObjectDefinition, record_id: str, entry_id: str
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Gives a record before an entry (None: it made the record) and after it, whatever of it the
    principal may see; fields whose history is not kept are as they are today."""
    table = record_history.c
    query = sa.select(table.id, table.changes).where(
        table.object == definition.id, table.record_id == record_id
    )
    fields = definition.fields.values()
    by_id = {origin: one for one in fields for origin in definition.origins(one)}
    today = unit.as_automation().records().get(definition.name, record_id) or {}
    now = {name: value for name, value in today.items() if name not in definition.tracked_fields}
    record: dict[str, Any] = {**dict.fromkeys(definition.fields), **now, "id": record_id}
    old: dict[str, Any] | None = None
    for row in unit.connection.execute(query.order_by(table.version, table.id)):
        after = dict(record)
        for key, pair in row.changes.items():
            if key in by_id:
                field = by_id[key]
                after[field.name] = value_of(unit, definition, field, record_id, key, pair[1])
        if row.id == entry_id:
            return old, after
        old = record = after
    return old, record


def value_of(
    unit: Unit,
    definition: ObjectDefinition,
    field: FieldDefinition,
    record_id: str,
    key: str,
    kept: object,
) -> object:
    """Gives a value of the history as rules see it."""
    wire = told_again(unit, place_in_history(definition, key, record_id), kept)
    return None if wire is None else field.type.from_wire(wire, field)
