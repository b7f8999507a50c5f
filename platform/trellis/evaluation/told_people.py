"""What assignments and approvals say of a record: who gets it, who is skipped, who is asked."""

from __future__ import annotations

from collections.abc import Sequence

from rule_engine.messages import Phrase, verbatim
from rule_engine.program import Approval, AssignEntry, Assignment, Parallel, Step
from rule_engine.services.approval import route
from rule_engine.services.assign import NO_TURNS, Assigned, Skipped, assign
from rule_engine.services.people import describe
from trellis.evaluation.telling import Company, Line, Lines, World
from trellis.phrases import Sentence


def tell_assignment(assignment: Assignment, world: World) -> Lines:
    """Gives who gets a record. Whose turn it is, is not known: of a round the first is named."""
    name: dict[str, object] = {"name": assignment.name}
    for skip in assignment.skip:
        if world.holds(skip):
            yield Line(0, Sentence("assign {name}: skips the record", name))
            yield from world.condition(skip, 1)
            return
    if world.company is None:
        entry = next((n for n, e in enumerate(assignment.entries) if world.holds(e.guard)), None)
        to = verbatim(_told(assignment.entries[entry])) if entry is not None else None
        skipped: Sequence[Skipped] = ()
    else:
        decision = _decided(assignment, world, world.company)
        entry, skipped = decision.entry, decision.skipped
        to = _winner(assignment, decision, world)
    whole = name | {"to": to or Sentence("nobody")}
    yield Line(0, Sentence("assign {name}: to {to}", whole))
    for number, one in enumerate(assignment.entries):
        yield Line(1, _fate(one, chosen=number == entry, fits=world.holds(one.guard)))
        yield from world.condition(one.guard, 2)
        yield from (_skipped(s, world) for s in skipped if s.entry == number)
        if number == entry:
            return


def _decided(assignment: Assignment, world: World, company: Company) -> Assigned:
    around = world.environment, company.directory, company.workload
    return assign(assignment, world.record, world.old, *around, NO_TURNS, assignment.name)[0]


def _winner(assignment: Assignment, decision: Assigned, world: World) -> Phrase | None:
    if decision.entry is None:
        return None
    written = _told(assignment.entries[decision.entry])
    if decision.user is None:
        return verbatim(written)
    values = {"person": world.name(decision.user), "written": written}
    return Sentence("{person}, of {written}", values)


def _fate(entry: AssignEntry, *, chosen: bool, fits: bool) -> Phrase:
    """Gives what became of an entry; one that fits without being chosen has nobody free."""
    values = {"people": _told(entry), "because": entry.because}
    if chosen:
        text = "chosen: {people}, {because}" if entry.because else "chosen: {people}"
    elif fits:
        text = "has nobody: {people}, {because}" if entry.because else "has nobody: {people}"
    else:
        text = "not: {people}, {because}" if entry.because else "not: {people}"
    return Sentence(text, values)


def _skipped(one: Skipped, world: World) -> Line:
    if not one.user:
        return Line(2, one.why)
    values = {"user": world.name(one.user), "why": one.why}
    return Line(2, Sentence("skipped: {user} {why}", values))


def _told(entry: AssignEntry) -> str:
    return describe((entry.to,))


def tell_approval(approval: Approval, world: World) -> Lines:
    """Gives whether a record can be submitted, and who would be asked on its way."""
    enters = world.holds(approval.enter)
    text = "approval {name}: can be submitted" if enters else "approval {name}: cannot be submitted"
    yield Line(0, Sentence(text, {"name": approval.name}))
    yield from world.condition(approval.enter, 1)
    if not enters:
        return
    asked = None if world.company is None else _route(approval, world, world.company)
    for stage in approval.stages:
        yield from _stage(stage, world, asked, 1)


Route = dict[str, tuple[str, ...]]


def _route(approval: Approval, world: World, company: Company) -> Route:
    """Gives who is asked at each step when the acting person submits, else the owner."""
    acting = (world.environment.user or {}).get("id")
    submitter = str(acting or world.record.get("owner") or "")
    return route(approval, world.record, submitter, world.environment, company.directory)


def _stage(stage: Step | Parallel, world: World, asked: Route | None, indent: int) -> Lines:
    needed = world.holds(stage.guard)
    if isinstance(stage, Parallel):
        text = "parallel {name}: needed" if needed else "parallel {name}: left out"
        yield Line(indent, Sentence(text, {"name": stage.label}))
        yield from world.condition(stage.guard, indent + 1)
        for step in stage.steps if needed else ():
            yield from _stage(step, world, asked, indent + 1)
        return
    values: dict[str, object] = {"name": stage.name, "approvers": describe(stage.approvers)}
    text = "step {name}: needed, {approvers}" if needed else "step {name}: left out"
    if needed and asked is not None:
        values["people"] = world.names(asked[stage.name])
        text = "step {name}: needed, {approvers}: {people}"
    yield Line(indent, Sentence(text, values))
    yield from world.condition(stage.guard, indent + 1)
