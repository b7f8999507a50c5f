"""What each kind of rule says of a record, and why, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from metadata.fields.numbers import plain
from rule_engine.messages import NOTHING, Phrase, verbatim
from rule_engine.program import (
    Approval,
    Assignment,
    OnEvent,
    Rule,
    Score,
    ScoreGroup,
    ScoreItem,
    ServiceLevel,
    Validation,
)
from rule_engine.services.automate import before_save
from rule_engine.services.score import ScoreResult, score
from trellis.evaluation.telling import Line, Lines, World
from trellis.evaluation.told_clocks import tell_service_level
from trellis.evaluation.told_people import tell_approval, tell_assignment
from trellis.evaluation.wire import to_json
from trellis.phrases import Sentence

Explained = Rule | Validation | Score | Assignment | Approval | ServiceLevel


def explain_definition(one: Explained, world: World) -> Lines:
    """Gives what a rule, a score … says of a record."""
    match one:
        case Rule():
            yield from _rule(one, world)
        case Validation():
            yield from _validation(one, world)
        case Score():
            yield from _score(one, world)
        case Assignment():
            yield from tell_assignment(one, world)
        case Approval():
            yield from tell_approval(one, world)
        case ServiceLevel():
            yield from tell_service_level(one, world)


# Rules, validations.


def _rule(rule: Rule, world: World) -> Lines:
    trigger, name = rule.trigger, {"name": rule.name}
    if isinstance(trigger, OnEvent) and not any(
        trigger.wakes(timing, world.event) for timing in ("before", "after")
    ):
        yield Line(0, _sleeps(rule.name, trigger))
        return
    fires = world.holds(rule.guard)
    fate = "rule {name}: fires" if fires else "rule {name}: does not fire"
    yield Line(0, Sentence(fate, name))
    yield from world.condition(rule.guard, 1)
    if fires and isinstance(trigger, OnEvent) and trigger.timing == "before":
        made = before_save([rule], world.event, world.record, world.old, world.environment)
        for field, value in made.values.items():
            values = {"field": field, "value": to_json(value)}
            yield Line(1, Sentence("sets {field} to {value}", values))
        for failure in made.failures:
            yield Line(1, Sentence("refuses: {message}", {"message": failure.said}))


def _sleeps(name: str, trigger: OnEvent) -> Phrase:
    """Gives that a rule is not woken; it may listen to one event or to several."""
    events: Phrase = _event(trigger.events[0])
    for other in trigger.events[1:]:
        events = Sentence("{first} or {second}", {"first": events, "second": _event(other)})
    return Sentence("rule {name}: sleeps, this is no {event}", {"name": name, "event": events})


def _event(word: str) -> Phrase:
    events = {
        "create": Sentence("create"),
        "update": Sentence("update"),
        "delete": Sentence("delete"),
    }
    return events[word]


def _validation(validation: Validation, world: World) -> Lines:
    name = {"name": validation.name}
    if not world.holds(validation.guard):
        yield Line(0, Sentence("validate {name}: does not apply", name))
        yield from world.condition(validation.guard, 1)
        return
    yield Line(0, Sentence("validate {name}:", name))
    for check in validation.checks:
        applies = world.holds(check.guard)
        broken = applies and world.holds(check.condition) is (check.kind == "forbid")
        fate = "does not apply: {message}"
        if applies:
            fate = "refused: {message}" if broken else "fine: {message}"
        yield Line(1, Sentence(fate, {"message": check.message}))
        yield from world.condition(check.condition if applies else check.guard, 2)


# Scores.


def _score(definition: Score, world: World) -> Lines:
    result = score(definition, world.record, world.environment)
    name: dict[str, object] = {"name": definition.name}
    if result is None:
        yield Line(0, Sentence("score {name}: keeps its value", name))
        yield from world.condition(definition.guard, 1)
        return
    made = {"field": definition.into, "points": plain(result.points)}
    if definition.grade_into:
        made |= {"grade_field": definition.grade_into, "grade": str(result.grade)}
        text = "score {name}: {field} {points}, {grade_field} {grade}"
    else:
        text = "score {name}: {field} {points}"
    yield Line(0, Sentence(text, name | made))
    yield Line(1, Sentence("base {points}", {"points": plain(result.base)}))
    yield from _entries(definition.entries, result, world, 1)
    values = {"points": plain(result.total), "range": _range(result)}
    yield Line(1, Sentence("total {points}{range}", values))


def _range(result: ScoreResult) -> Phrase:
    values = {
        "least": None if result.least is None else plain(result.least),
        "most": None if result.most is None else plain(result.most),
        "points": plain(result.points),
    }
    match values:
        case {"least": None, "most": None}:
            return NOTHING
        case {"most": None}:
            return Sentence(", at least {least} = {points}", values)
        case {"least": None}:
            return Sentence(", at most {most} = {points}", values)
    return Sentence(", at least {least}, at most {most} = {points}", values)


def _entries(
    entries: Sequence[ScoreItem | ScoreGroup], result: ScoreResult, world: World, indent: int
) -> Lines:
    counted = {item.span: item for item in result.items}
    groups = {group.label: group for group in result.groups}
    for entry in entries:
        if isinstance(entry, ScoreItem):
            item = counted.get(entry.span)
            yield _item(entry, None if item is None else item.amount, indent)
            yield from world.condition(entry.guard, indent + 2)
            continue
        found = groups[entry.label]
        values = {"name": entry.label, "total": plain(found.total), "points": plain(found.points)}
        text = "group {name}: {total} = {points}"
        if found.at_most is not None:
            values["most"] = plain(found.at_most)
            text = "group {name}: {total}, at most {most} = {points}"
        yield Line(indent, Sentence(text, values))
        yield from _entries(entry.entries, result, world, indent + 1)


def _item(item: ScoreItem, amount: Decimal | None, indent: int) -> Line:
    sign = "×" if item.kind == "multiply" else ""
    points = "    —" if amount is None else f"{sign}{_signed(item, amount)}".rjust(5)
    return Line(indent, verbatim(f"{points}  {item.because}"))


def _signed(item: ScoreItem, amount: Decimal) -> str:
    plus = "+" if item.kind != "multiply" and amount >= 0 else ""
    return plus + plain(amount)
