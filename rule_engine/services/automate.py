"""Rules before and after saving and deleting, and rules by the clock.

Before a save rules make one pass over the record. After it they give effects; the saves that
these make run the rules again, in the same chain, where no rule runs twice for the same cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rule_engine.messages import verbatim
from rule_engine.program import OnDate, Rule
from rule_engine.program.listening import listened_fields
from rule_engine.services.actions import Run
from rule_engine.services.chain import Chain, Link
from rule_engine.services.effects import Effect, lock_of, own_values
from rule_engine.services.evaluate import Record, holds
from rule_engine.services.schedule import due_of
from rule_engine.services.validate import Violation
from rule_engine.types import Directory, Environment

SaveEvent = Literal["create", "update"]
Event = Literal["create", "update", "delete"]


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


@dataclass(frozen=True, slots=True)
class Ran:
    """One rule that ran after a save: what it asks for, and the chain for the saves this makes."""

    rule: str
    effects: tuple[Effect, ...]
    chain: Chain


@dataclass(frozen=True, slots=True)
class AfterSave:
    """What rules ask for after a save. With `failures` the save is refused, with all it set off.

    `ran` are the rules whose guard held, in running order, those without effects too.
    """

    chain: Chain
    ran: tuple[Ran, ...] = ()
    failures: tuple[Violation, ...] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All effects in order."""
        return tuple(effect for one in self.ran for effect in one.effects)


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
    for rule in _in_order(r for r in rules if r.listens_to("before", event)):
        if not holds(rule.guard, current, environment, old):
            continue
        run = Run(current, environment, old)
        run.perform(rule.actions)
        effects += run.effects
        fired.append(rule.name)
        failures += _failures(rule, run)
        if run.stopped:
            break
    return BeforeSave(own_values(effects), tuple(failures), tuple(fired), lock_of(effects))


def before_delete(
    rules: Sequence[Rule], record: Record, environment: Environment
) -> tuple[Violation, ...]:
    """Gives what rules have against deleting a record."""
    failures: list[Violation] = []
    for rule in _in_order(r for r in rules if r.listens_to("before", "delete")):
        if holds(rule.guard, record, environment, record):
            run = Run(dict(record), environment, record)
            run.perform(rule.actions)
            failures += _failures(rule, run)
            if run.stopped:
                break
    return tuple(failures)


def after_save(
    rules: Sequence[Rule],
    event: Event,
    record: Record,
    old: Record | None,
    environment: Environment,
    directory: Directory,
    chain: Chain | None = None,
) -> AfterSave:
    """Runs the rules after a create, an update or a delete, by order, then name.

    `old` is None on create. Without a `chain` the save is a person's own. In a chain a rule is
    woken by an update only when a field that it listens to has changed, and runs at most once for
    each set of them. A `fail` refuses the save; a `stop` ends the pass.
    """
    chain = (chain or Chain()).deeper()
    current = dict(record)
    ran: list[Ran] = []
    failures: list[Violation] = []
    for rule in _in_order(r for r in rules if r.listens_to("after", event)):
        link = _link(rule, event, current, old, chain)
        if link is None or link in chain.ran:
            continue
        if not holds(rule.guard, current, environment, old):
            continue
        problem = chain.too_deep(rule.name, rule.max_depth)
        if problem:
            failures.append(Violation(rule.name, problem, None, rule.span))
            break
        chain = chain.with_run(link)
        run = Run(current, environment, old, directory)
        run.perform(rule.actions)
        ran.append(Ran(rule.name, tuple(run.effects), chain.caused_by(rule.name)))
        failures += _failures(rule, run)
        if run.stopped or run.failure:
            break
    return AfterSave(chain, tuple(ran), tuple(failures))


def run_due(
    rule: Rule,
    record: Record,
    due: datetime,
    environment: Environment,
    directory: Directory,
    chain: Chain | None = None,
) -> AfterSave | None:
    """Runs a rule by the clock on a record; None when its condition does not hold any more.

    Nor does it run when the record's date has moved since `due` was computed. The caller keeps
    `schedule.due_key`, so that a rule runs once for each (rule, record, due instant).
    """
    if isinstance(rule.trigger, OnDate) and due_of(rule.trigger, record, environment) != due:
        return None
    if not holds(rule.guard, record, environment):
        return None
    link = Link(rule.name, rule.object, str(record.get("id") or ""), frozenset())
    chain = (chain or Chain()).deeper().with_run(link)
    run = Run(dict(record), environment, None, directory)
    run.perform(rule.actions)
    ran = Ran(rule.name, tuple(run.effects), chain.caused_by(rule.name))
    return AfterSave(chain, (ran,), tuple(_failures(rule, run)))


def changed_fields(record: Record, old: Record | None) -> frozenset[str]:
    """Gives the fields whose values differ; on create all that have one."""
    if old is None:
        return frozenset(name for name, value in record.items() if value is not None)
    names = {*record, *old}
    return frozenset(name for name in names if record.get(name) != old.get(name))


def _in_order(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=lambda rule: rule.running_order)


def _failures(rule: Rule, run: Run) -> list[Violation]:
    if run.failure is None:
        return []
    said = verbatim(run.failure.message)
    return [Violation(rule.name, said, run.failure.field, run.failure.span)]


def _link(
    rule: Rule, event: Event, record: Record, old: Record | None, chain: Chain
) -> Link | None:
    """Gives what a rule would run for; None when nothing that it listens to has changed."""
    listened = listened_fields(rule)
    changed = changed_fields(record, old) if event != "delete" else frozenset()
    heard = frozenset() if listened is None else listened & changed
    if chain.depth > 1 and event == "update" and listened is not None and not heard:
        return None
    return Link(rule.name, rule.object, str(record.get("id") or ""), heard)
