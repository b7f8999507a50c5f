"""What a service level says of a record: its clocks as of now."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.fields.numbers import plain
from metadata.fields.times import write_length
from rule_engine.messages import NOTHING, Phrase
from rule_engine.program import ServiceLevel
from rule_engine.services.evaluate import evaluate
from rule_engine.services.sla import observe
from rule_engine.services.sla_clock import Clock, ClockStatus, plan
from rule_engine.types import NO_MEMBERSHIPS, Absence, Memberships
from trellis.evaluation.telling import Line, Lines, World
from trellis.evaluation.wire import to_wire
from trellis.phrases import Sentence


class _NoDirectory:
    """People are not looked up: what clocks say does not depend on them."""

    def resolve(self, kind: str, name: str, scope: object | None) -> Sequence[str]:
        """Gives nobody."""
        del kind, name, scope
        return ()

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives nobody."""
        del kind, user
        return ()

    def memberships(self, user: str) -> Memberships:
        """Gives nothing."""
        del user
        return NO_MEMBERSHIPS

    def absence(self, user: str) -> Absence | None:
        """Says that everybody is there."""
        del user
        return None


def tell_service_level(level: ServiceLevel, world: World) -> Lines:
    """Gives whether a service level applies to a record, and its clocks."""
    applies = world.holds(level.applies)
    text = "sla {name}: applies" if applies else "sla {name}: does not apply"
    yield Line(0, Sentence(text, {"name": level.name}))
    yield from world.condition(level.applies, 1)
    around = world.record, world.old, world.environment
    state = observe(level, None, *around, _NoDirectory()).state
    if state is None:
        if applies and level.clock_from is not None:
            start = evaluate(level.clock_from, world.record, world.environment, world.old)
            told = Sentence("empty") if start is None else start
            yield Line(1, Sentence("its clock has no start: {start}", {"start": told}))
        return
    for clock in plan(level, state, world.record, world.environment):
        yield from _clock(clock)


def _clock(clock: Clock) -> Lines:
    target: dict[str, object] = {"name": clock.target, "status": _status(clock.status)}
    if clock.length is None:
        yield Line(1, Sentence("target {name}: {status}, nothing is promised", target))
        return
    late = "target {name}: {status}, late" if clock.breached else "target {name}: {status}"
    yield Line(1, Sentence(late, target))
    since = {"start": to_wire(clock.started_at), "length": write_length(clock.length)}
    measure = (
        "started {start}, {length} of working time"
        if clock.in_business_time
        else "started {start}, {length} of time"
    )
    yield Line(2, Sentence(measure, since))
    values = {
        "elapsed": write_length(clock.elapsed),
        "paused": _paused(clock),
        "due": to_wire(clock.due) or Sentence("never"),
    }
    yield Line(2, Sentence("elapsed {elapsed}{paused}, due {due}", values))
    if clock.unknown_year is not None:
        year = {"year": str(clock.unknown_year)}
        yield Line(2, Sentence("provisional: days off of {year} unknown", year))
    upcoming = clock.next_trigger
    if upcoming is not None:
        values = {"percent": plain(upcoming.percent * 100), "at": to_wire(upcoming.at)}
        yield Line(2, Sentence("next at {percent}%: {at}", values))


def _paused(clock: Clock) -> Phrase:
    if not clock.paused:
        return NOTHING
    return Sentence(", paused {length}", {"length": write_length(clock.paused)})


def _status(status: ClockStatus) -> Phrase:
    words = {
        "running": Sentence("running"),
        "paused": Sentence("paused"),
        "met": Sentence("met"),
        "cancelled": Sentence("cancelled"),
        "unlimited": Sentence("unlimited"),
    }
    return words[status]
