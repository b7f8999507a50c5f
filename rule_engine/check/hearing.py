"""What definitions write, and what they listen to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rule_engine import core, program
from rule_engine.backends.python import compile_node
from rule_engine.program.listening import listened_fields, own_fields
from rule_engine.types import Kind

EVERY_FIELD = "*"


@dataclass(frozen=True, slots=True)
class Write:
    """A field that a definition sets; of a record that it creates all of them (`*`).

    `own` says that the record is the definition's own. `value` is what the field is set to, where
    that is always the same; else None.
    """

    object: str
    field: str
    own: bool = True
    creates: bool = False
    value: core.Constant | None = None


@dataclass(frozen=True, slots=True)
class Ear:
    """What a definition listens to: `fields` of its object, None for all of them.

    `tests` are the parts of its condition that look at one field alone; when one of them does not
    hold for a value, the definition does not act.
    """

    creates: bool
    updates: bool
    fields: frozenset[str] | None
    tests: Mapping[str, tuple[core.Node, ...]]

    def hears(self, write: Write) -> bool:
        """Says whether a write can make the definition act."""
        if write.creates:
            return self.creates
        if not self.updates or (self.fields is not None and write.field not in self.fields):
            return False
        tests = self.tests.get(write.field, ())
        return write.value is None or all(_can_hold(test, write) for test in tests)


def ear_of(definition: program.Definition) -> Ear:
    """Gives what a definition listens to."""
    match definition:
        case program.Rule(trigger=program.OnEvent(timing=timing) as trigger, guard=guard):
            creates, updates = trigger.wakes(timing, "create"), trigger.wakes(timing, "update")
            return Ear(creates, updates, listened_fields(definition), _tests(guard))
        case program.Assignment(trigger=program.OnEvent() as trigger):
            fields = listened_fields(definition)
            creates, updates = trigger.wakes("after", "create"), trigger.wakes("after", "update")
            return Ear(creates, updates, fields, {})
        case program.Score(guard=guard):
            return Ear(True, True, _fields_in(definition), _tests(guard))
        case program.Approval(restart_fields=restart_fields):
            return Ear(False, True, frozenset(restart_fields), {})
        case program.ServiceLevel():
            return Ear(True, True, _fields_in(definition), {})
    return Ear(False, False, frozenset(), {})


def _fields_in(definition: program.Definition) -> frozenset[str]:
    """Gives the own fields that a score or a service level looks at."""
    return frozenset[str]().union(*map(own_fields, program.outer_nodes(definition)))


#: What cannot be told from one field: moments, other records, rates.
_OPEN = (core.Parameter, core.Aggregate, core.LocalInstant, core.Call)


def _tests(guard: core.Node | None) -> Mapping[str, tuple[core.Node, ...]]:
    found: dict[str, tuple[core.Node, ...]] = {}
    for part in _conjuncts(guard):
        inner = list(core.walk(part))
        paths = {one.field for one in inner if isinstance(one, core.Path) and _is_own(one)}
        others = any(isinstance(one, core.Path) and not _is_own(one) for one in inner)
        rates = any(one.type.kind is Kind.MONEY for one in inner)
        mixed = not isinstance(part, core.Changed) and any(
            isinstance(one, core.Changed) for one in inner
        )
        open_ones = any(isinstance(one, _OPEN) for one in inner)
        if len(paths) == 1 and not (others or rates or mixed or open_ones):
            (field,) = paths
            found[field] = (*found.get(field, ()), part)
    return found


def _conjuncts(node: core.Node | None) -> Iterator[core.Node]:
    if isinstance(node, core.AllOf):
        for item in node.items:
            yield from _conjuncts(item)
    elif node is not None:
        yield node


def _is_own(path: core.Path) -> bool:
    return path.scope is core.Scope.RECORD and not path.hops


def _can_hold(test: core.Node, write: Write) -> bool:
    value = None if write.value is None else write.value.value
    if isinstance(test, core.Changed):
        after = test.after
        return not isinstance(after, core.Constant) or after.value == value
    return compile_node(test)({write.field: value}, None, None, None) is True  # type: ignore[arg-type]  # one field decides


# Writes


def writes_of(definition: program.Definition) -> tuple[Write, ...]:
    """Gives the fields that a definition sets, each once."""
    return tuple(dict.fromkeys(_writes(definition)))


def _writes(definition: program.Definition) -> Iterator[Write]:
    own = definition.object
    match definition:
        case program.Rule(actions=actions):
            yield from _action_writes(actions, own)
        case program.Score(into=into, grade_into=grade_into):
            yield Write(own, into)
            if grade_into:
                yield Write(own, grade_into)
        case program.Assignment():
            yield Write(own, "owner")
        case _:
            yield from _action_writes(program.outer_actions(definition), own)


def _action_writes(actions: Iterable[program.Action], own: str) -> Iterator[Write]:
    for action in actions:
        match action:
            case program.Set(path=path, value=value):
                constant = value if isinstance(value, core.Constant) else None
                yield Write(path.object, path.field, not path.hops, value=constant)
            case program.Clear(path=path):
                empty = core.Constant(path.type, True, path.span, None)
                yield Write(path.object, path.field, not path.hops, value=empty)
            case program.Create(object=target):
                yield Write(target, EVERY_FIELD, own=False, creates=True)
            case program.AssignTo():
                yield Write(own, "owner")
            case program.Branch(arms=arms, otherwise=otherwise):
                for _, block in arms:
                    yield from _action_writes(block, own)
                yield from _action_writes(otherwise, own)
