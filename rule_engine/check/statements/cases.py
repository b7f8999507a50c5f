"""Checks of `test` blocks."""

from __future__ import annotations

from dataclasses import replace

from rule_engine import program, tree
from rule_engine.check.assigning import check_values
from rule_engine.check.registry import Process
from rule_engine.check.session import Place, place_on
from rule_engine.check.statements.context import Context
from rule_engine.check.statements.people import check_person
from rule_engine.check.times import read_length
from rule_engine.check.worlds import WorldSchema, messages, with_clocks, world_of
from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.types import ObjectType, Schema

COMMANDS = ("submit", "approve", "reject", "recall", "save", "delete", "assign")


def check_test(context: Context, written: tree.Test) -> program.TestCase | None:
    """Gives the checked test; None when what it tests is unknown."""
    processes = context.registry.processes
    process = processes.get(written.of.text)
    session = context.session
    if process is None:
        session.report(
            "unknown_process",
            'nothing called "{name}" can be tested',
            written.of.span,
            did_you_mean(written.of.text, list(processes)),
            name=written.of.text,
        )
        return None
    owner = session.schema.object(process.head.object.text)
    if owner is None:
        return None
    schema = _schema(session.schema, owner, process)
    inner = replace(context, session=replace(session, schema=schema, known={}))
    steps = _steps(inner, written, schema, owner.name)
    return program.TestCase(
        name=written.name.value,
        of=written.of.text,
        object=owner.name,
        steps=steps,
        span=written.span,
        ruleset=context.ruleset.name,
        source=context.ruleset.source,
    )


def _schema(schema: Schema, owner: ObjectType, process: Process) -> WorldSchema:
    own = dict(messages())
    if isinstance(process, tree.Sla):
        targets = [t.name.text for t in process.statements if isinstance(t, tree.Target)]
        own |= with_clocks(owner, tuple(targets))
    return WorldSchema(schema, own)


def _steps(
    context: Context, written: tree.Test, schema: WorldSchema, tested: str
) -> tuple[program.TestStep, ...]:
    """Gives the steps in order; each sees the records given before it."""
    given: dict[str, str] = {}
    steps: list[program.TestStep] = []
    for line in written.statements:
        world = world_of(given, schema.behind)
        own = {**schema.own, world.name: world}
        session = replace(context.session, schema=WorldSchema(schema.behind, own), known={})
        step = _step(replace(context, session=session), place_on(world), line, tested)
        if step is not None:
            steps.append(step)
        if isinstance(line, tree.Given):
            _note_given(context, line, given)
    return tuple(steps)


def _note_given(context: Context, line: tree.Given, given: dict[str, str]) -> None:
    owner = context.session.schema.object(line.object.text)
    if line.alias.text in given:
        context.session.report(
            "twice",
            '"{word}" is given twice',
            line.alias.span,
            "name it:  given lead as other",
            word=line.alias.text,
        )
    if owner is not None:
        given[line.alias.text] = owner.name


def _step(
    context: Context, place: Place, line: tree.TestStatement, tested: str
) -> program.TestStep | None:
    session = context.session
    match line:
        case tree.NowIs():
            return program.Now(line.moment, line.span)
        case tree.Given():
            owner = session.object(line.object)
            if owner is None:
                return None
            values = check_values(session, place, owner, line.values, any_field=True)
            return program.Given(owner.name, line.alias.text, values, line.span)
        case tree.Do():
            return _do(context, place, line)
        case tree.Change():
            changed = session.schema.object(tested)
            if changed is None:
                return None
            values = check_values(session, place, changed, line.values, any_field=True)
            return program.Change(values, line.span)
        case tree.Wait():
            length = read_length(session, line.length)
            return None if length is None else program.Wait(length, line.span)
        case tree.Expect():
            condition = context.condition(place, line.condition)
            return None if condition is None else program.Expect(condition, line.text, line.span)
    if line.kind == "error":
        return program.ExpectError(line.text.value, line.span)
    return program.ExpectReason(line.text.value, line.span)


def _do(context: Context, place: Place, line: tree.Do) -> program.Do | None:
    if line.command.text not in COMMANDS:
        known = Phrase("there are: {known}", {"known": ", ".join(COMMANDS)})
        context.session.report(
            "unknown_command",
            'there is no command "{name}"',
            line.command.span,
            did_you_mean(line.command.text, COMMANDS) or known,
            name=line.command.text,
        )
        return None
    if line.by is None:
        return program.Do(line.command.text, None, line.span)
    person = check_person(context, place, line.by)
    return None if person is None else program.Do(line.command.text, person, line.span)
