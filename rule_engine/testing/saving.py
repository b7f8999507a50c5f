"""Saves in a test's world, as the platform makes them: rules, validations, what follows from both.

A refusal raises RefusedSaveError; `World.transaction` undoes what was done so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Assignment
from rule_engine.services.assign import (
    NO_TURNS,
    Assigned,
    Turns,
    assign,
    look_due,
    next_look,
    pick,
    reassign,
)
from rule_engine.services.automate import (
    AfterSave,
    Event,
    SaveEvent,
    after_save,
    before_delete,
    before_save,
)
from rule_engine.services.candidates import Candidates, How
from rule_engine.services.chain import Chain
from rule_engine.services.effects import Effect, own_values
from rule_engine.services.validate import validate
from rule_engine.testing.clocks import watch
from rule_engine.testing.people import People
from rule_engine.testing.world import RefusedSaveError, World

#: What an escalation is called among the notifications of a test.
ESCALATION = "escalation"


@dataclass(slots=True)
class Saver:
    """Writes records of a world."""

    world: World
    people: People = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.world)

    def create(self, record_id: str, user: str | None, chain: Chain | None = None) -> Chain:
        """Saves a record of the world as a new one."""
        values = self.world.values[record_id]
        return self._save(record_id, values, None, "create", user, chain)

    def update(
        self,
        record_id: str,
        changed: Mapping[str, object],
        user: str | None = None,
        chain: Chain | None = None,
    ) -> Chain:
        """Saves changed fields; gives the chain with all that this set off."""
        old = self.world.values[record_id]
        return self._save(record_id, {**old, **changed}, old, "update", user, chain)

    def delete(self, record_id: str, user: str | None) -> None:
        """Deletes a record, unless a rule is against it."""
        world = self.world
        record, environment = world.values[record_id], world.environment(user)
        rules = world.program.for_object(world.objects[record_id]).rules
        world.note(record_id, record, record, user)
        failures = before_delete(rules, record, environment)
        if failures:
            raise RefusedSaveError([failure.said for failure in failures])
        # The record stays known by its name: rules after the delete still speak of it.
        outcome = after_save(rules, "delete", record, record, environment, self.people)
        del world.values[record_id]
        world.recompute()
        self.follow(record_id, outcome, user)

    def _save(
        self,
        record_id: str,
        values: dict[str, object],
        old: dict[str, object] | None,
        event: SaveEvent,
        user: str | None,
        chain: Chain | None,
    ) -> Chain:
        world = self.world
        rules = world.program.for_object(world.objects[record_id])
        name, environment = world.objects[record_id], world.environment(user)
        values = world.filled(name, values)
        world.note(record_id, values, old, user)
        made = before_save(rules.rules, event, values, old, environment)
        result = world.filled(name, {**values, **made.values})
        world.note(record_id, result, old, user)
        broken = (*made.failures, *validate(rules.validations, result, old, environment))
        if broken:
            raise RefusedSaveError([violation.said for violation in broken])
        if old is not None and old.get("owner") != result.get("owner"):
            world.looks.pop(record_id, None)
        world.values[record_id] = result
        world.recompute()
        if made.locked is not None:
            self._lock(record_id, "lock" if made.locked else "unlock")
        return self._after(record_id, old, event, user, chain)

    def _after(
        self,
        record_id: str,
        old: Mapping[str, object] | None,
        event: Event,
        user: str | None,
        chain: Chain | None,
    ) -> Chain:
        """Assigns, then runs the rules after saving, then does what they ask for."""
        world = self.world
        rules = world.program.for_object(world.objects[record_id])
        for definition in rules.assignments:
            if definition.listens_to("after", event):
                self.assign(definition, record_id, old, user, chain)
        record, environment = world.values[record_id], world.environment(user)
        outcome = after_save(rules.rules, event, record, old, environment, self.people, chain)
        chain = self.follow(record_id, outcome, user)
        return self.watch(record_id, old, user, chain)

    def watch(
        self,
        record_id: str,
        old: Mapping[str, object] | None,
        user: str | None = None,
        chain: Chain | None = None,
    ) -> Chain:
        """Lets the service levels look at a save, and does what they ask for."""
        chain = chain or Chain()
        for fired in watch(self.world, self.people, record_id, old, user):
            chain = chain.knowing(self.carry_out(record_id, fired.effects, None, chain))
        return chain

    def follow(self, record_id: str, outcome: AfterSave, user: str | None) -> Chain:
        """Does what rules have asked for after a save or by the clock."""
        if outcome.failures:
            raise RefusedSaveError([failure.said for failure in outcome.failures])
        chain = outcome.chain
        for ran in outcome.ran:
            chain = chain.knowing(
                self.carry_out(record_id, ran.effects, user, ran.chain.knowing(chain))
            )
        return chain

    def carry_out(
        self,
        record_id: str,
        effects: Sequence[Effect],
        user: str | None,
        chain: Chain | None = None,
    ) -> Chain:
        """Does effects: those on the record itself in one write, the others in their order."""
        chain = chain or Chain()
        changed = own_values(effects)
        if changed and record_id in self.world.values:
            chain = chain.knowing(self.update(record_id, changed, user, chain))
        for effect in effects:
            chain = chain.knowing(self._do(record_id, effect, user, chain))
        return chain

    def _do(self, record_id: str, effect: Effect, user: str | None, chain: Chain) -> Chain:
        arguments = effect.arguments
        match effect.action:
            case "write":
                changed = {str(arguments["field"]): arguments["value"]}
                target = str(arguments["id"])
                known = target in self.world.values
                return self.update(target, changed, user, chain) if known else chain
            case "create":
                return self._create(arguments, user, chain)
            case "assign":
                self._assign_to(record_id, arguments, chain)
            case "give":
                self.update(record_id, {"owner": arguments["user"]}, user, chain)
            case "start":
                self.world.starting.append((record_id, str(arguments["process"])))
            case "lock" | "unlock":
                self._lock(record_id, effect.action)
            case "call":
                self.world.calls.append({"id": f"call {len(self.world.calls)}", **arguments})
            case "notify" | "escalate":
                self._tell(arguments)
        return chain

    def _create(self, arguments: Mapping[str, object], user: str | None, chain: Chain) -> Chain:
        world = self.world
        name = str(arguments["object"])
        record_id = f"created {name} {len(world.created) + 1}"
        values = arguments["values"]
        record: dict[str, object] = {"id": record_id, "created_at": world.now}
        if isinstance(values, Mapping):
            record |= values
        world.objects[record_id] = name
        world.values[record_id] = record
        world.created.append(record_id)
        return self.create(record_id, user, chain)

    def _lock(self, record_id: str, word: str) -> None:
        change = self.world.locked.add if word == "lock" else self.world.locked.discard
        change(record_id)

    def _tell(self, arguments: Mapping[str, object]) -> None:
        recipients = arguments["recipients"]
        addressees = arguments.get("addressees", ())
        people = list(recipients) if isinstance(recipients, Sequence) else []
        people += [one[1] for one in addressees] if isinstance(addressees, Sequence) else []
        for person in people:
            told = {
                "id": f"notification {len(self.world.notifications)}",
                "recipient": person,
                "template": arguments.get("template", ESCALATION),
                "channel": arguments.get("channel"),
            }
            self.world.notifications.append(told)

    # Assignments

    def assign(
        self,
        definition: Assignment,
        record_id: str,
        old: Mapping[str, object] | None,
        user: str | None,
        chain: Chain | None = None,
        *,
        line: int | None = None,
    ) -> None:
        """Gives a record to whom an assignment says; a `reassign` line takes it from who has it."""
        world = self.world
        record, environment = world.values[record_id], world.environment(user)
        world.note(record_id, record, record, user)
        turns = world.turns.get(definition.name, NO_TURNS)
        key = f"{definition.name}/{record_id}/{len(world.situations)}"
        around = environment, self.people, self.people
        if line is not None:
            decided = reassign(definition, line, record, *around, turns, key)
        else:
            decided = assign(definition, record, old, *around, turns, key)
        decision, effects, world.turns[definition.name] = decided
        world.reasons += reasons_of(decision)
        self.carry_out(record_id, effects, user, chain)
        if line is not None and not effects:
            due = next_look(definition, line, decision, record, environment)
            dues = {**world.looks[record_id][1], line: due}
            world.looks[record_id] = (definition.name, known_only(dues))
        elif effects and world.values[record_id].get("owner") == decision.user:
            lines = range(len(definition.reassign))
            dues = {one: look_due(definition, one, world.now, environment) for one in lines}
            world.looks[record_id] = (definition.name, known_only(dues))

    def _assign_to(self, record_id: str, arguments: Mapping[str, object], chain: Chain) -> None:
        """Does `assign to` of a rule."""
        world = self.world
        found = candidates_of(arguments)
        turns = world.turns.get(found.group, NO_TURNS)
        name = world.objects[record_id]
        user = None if found.queue else pick(found, name, self.people, turns)
        if user is not None and found.how == "round_robin":
            world.turns[found.group] = Turns(turns.given(found.group, user).last)
        if user is not None or found.queue:
            self.update(record_id, {"owner": user}, None, chain)


def known_only(dues: Mapping[int, datetime | None]) -> dict[int, datetime]:
    """Leaves out what is never due."""
    return {line: due for line, due in dues.items() if due is not None}


def candidates_of(arguments: Mapping[str, object]) -> Candidates:
    """Gives the candidates that an `assign` effect holds."""
    users = arguments["users"]
    how: How = "first"
    if arguments["how"] in ("round_robin", "least_busy"):
        how = "round_robin" if arguments["how"] == "round_robin" else "least_busy"
    queue = arguments["queue"]
    return Candidates(
        tuple(map(str, users)) if isinstance(users, Sequence) else (),
        how,
        str(arguments["group"]),
        None if queue is None else str(queue),
    )


def reasons_of(decision: Assigned) -> list[Phrase]:
    """Gives why somebody got a record, and why others did not."""
    queue = [verbatim(f'queue "{decision.queue}"')] if decision.queue else []
    return [decision.because, *queue, *(one.said for one in decision.skipped)]
