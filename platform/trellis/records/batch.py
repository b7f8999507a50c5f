"""Many writes to records of one object in one transaction, each with its own outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.errors import RecordError
from trellis.records.assign import assign_record
from trellis.records.delete import delete_record, restore_record
from trellis.records.reach import definition_of
from trellis.records.save import save_record
from trellis.records.together import (
    MOST,
    Asking,
    InParts,
    NotTogether,
    fields_apart,
    works_together,
    write_together,
)
from trellis.unit import Channel, Unit

Kind = Literal["create", "update", "delete", "restore"]
Mode = Literal["all", "each"]


@dataclass(frozen=True, slots=True)
class Op:
    """One write: `values` are in wire form or text, without `version` the newest state counts.

    `to` is whose the record is to be after it (`holders.holder_named`); None leaves that as it is.
    """

    op: Kind
    id: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    version: int | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write: the record's id and version, or why it was refused.

    `error` is what `save_record` would have raised; its class says the status (Refused, Stale, …).
    """

    id: str | None = None
    version: int | None = None
    error: RecordError | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Gives what is wrong; nothing for a write that was done."""
        return () if self.error is None else self.error.problems


class BatchRefused(RecordError):  # noqa: N818  # reads as an answer
    """Some writes of a batch of which all or none are done; `outcomes` has them in their order."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(problem for outcome in outcomes for problem in outcome.problems)


def save_batch(
    unit: Unit,
    object_name: str,
    ops: Sequence[Op],
    *,
    channel: Channel,
    mode: Mode,
    why: str | None = None,
    source: str | None = None,
) -> list[Outcome]:
    """Does writes in their order, with rules, rights and checks of single ones; gives an outcome
    for each.

    In mode "each" a write that is refused leaves the others as they are; in mode "all" it raises
    BatchRefused when all were tried, and whoever catches that rolls the transaction back. Raises
    Missing for an object that does not exist for the principal.
    """
    definition = definition_of(unit, object_name)
    writing = Writing(unit, object_name, channel, why, source)
    if works_together(unit, definition):
        outcomes = in_groups(writing, definition, ops)
    else:
        outcomes = [writing.one(op) for op in ops]
    if mode == "all" and any(outcome.error is not None for outcome in outcomes):
        raise BatchRefused(outcomes)
    return outcomes


def in_groups(writing: Writing, definition: ObjectDefinition, ops: Sequence[Op]) -> list[Outcome]:
    """Does writes that stand side by side together, as far as they go together."""
    apart, outcomes = fields_apart(definition), list[Outcome]()
    group: list[Op] = []
    ids: set[str] = set()
    for op in ops:
        alone = op.op in ("delete", "restore") or not apart.isdisjoint(op.values)
        alone |= op.to is not None
        if alone or len(group) == MOST or op.id in ids:
            outcomes += together(writing, definition, group)
            group, ids = [], set()
        if alone:
            outcomes.append(writing.one(op))
            continue
        group.append(op)
        if op.op == "update":
            ids.add(str(op.id))
    return outcomes + together(writing, definition, group)


def together(writing: Writing, definition: ObjectDefinition, ops: Sequence[Op]) -> list[Outcome]:
    """Does writes together, in halves when something speaks against one of them, and one by one
    where each has to see what the ones before it did."""
    if len(ops) < 2:
        return [writing.one(op) for op in ops]
    asked = [Asking(None if op.op == "create" else str(op.id), op.values, op.version) for op in ops]
    unit = writing.unit
    try:
        with unit.connection.begin_nested():
            done = write_together(
                unit,
                definition,
                asked,
                channel=writing.channel,
                why=writing.why,
                source=writing.source,
            )
    except NotTogether:
        return [writing.one(op) for op in ops]
    except (InParts, RecordError):
        half = len(ops) // 2
        first = together(writing, definition, ops[:half])
        return first + together(writing, definition, ops[half:])
    return [
        Outcome(op.id, None, came) if isinstance(came, RecordError) else Outcome(*came)
        for op, came in zip(ops, done, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Writing:
    """How the writes of one batch are done, and told."""

    unit: Unit
    object_name: str
    channel: Channel
    why: str | None
    source: str | None

    def one(self, op: Op) -> Outcome:
        """Does one write under a savepoint."""
        try:
            with self.unit.connection.begin_nested():
                return self.done(op)
        except RecordError as error:
            return Outcome(op.id, None, error)

    def done(self, op: Op) -> Outcome:
        """Does one write."""
        unit, object_name, channel = self.unit, self.object_name, self.channel
        record_id = str(op.id)
        if op.op == "delete":
            version = op.version
            delete_record(
                unit,
                object_name,
                record_id,
                channel=channel,
                expected_version=version,
                why=self.why,
            )
            return Outcome(record_id)
        if op.op == "restore":
            restore_record(unit, object_name, record_id, channel=channel, why=self.why)
            return Outcome(record_id)
        saved = save_record(
            unit,
            object_name,
            None if op.op == "create" else record_id,
            op.values,
            channel=channel,
            expected_version=op.version,
            why=self.why,
            source=self.source,
        )
        if op.to is not None and op.to != saved.record["owner"]:
            about = unit, object_name, saved.id, op.to
            saved = assign_record(*about, channel=channel, why=self.why, name="owner")
        return Outcome(saved.id, saved.version)
