"""Checks of `sla`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from rule_engine import core, program, tree
from rule_engine.check.session import Place, is_kind, place_on
from rule_engine.check.statements.actions import BY_TIME, Stage, check_actions
from rule_engine.check.statements.context import Context
from rule_engine.check.times import read_length
from rule_engine.check.words import say
from rule_engine.types import Kind
from rule_engine.values import BusinessLength, CalendarLength


def check_sla(context: Context, written: tree.Sla) -> program.ServiceLevel | None:
    """Gives the checked service level; None when its object is unknown."""
    owner = context.object_of(written.head)
    if owner is None:
        return None
    policy = _Policy(context, place_on(owner), place_on(owner, sees_changes=True), written)
    targets = [line for line in written.statements if isinstance(line, tree.Target)]
    if not targets:
        context.session.report(
            "no_target",
            'the service level "{name}" has no target',
            written.head.name.span,
            "write  target response { met when … within 4 hours when … }",
            name=written.head.name.text,
        )
    return program.ServiceLevel(
        *context.naming(written.head, owner, written.span),
        applies=policy.condition(written.statements, "applies", policy.event),
        calendar=policy.calendar,
        clock_from=policy.start(),
        pause=policy.condition(written.statements, "pause", policy.state),
        cancel=policy.condition(written.statements, "cancel", policy.event),
        restart=policy.condition(written.statements, "restart", policy.event),
        targets=tuple(policy.target(target, targets) for target in targets),
    )


@dataclass(frozen=True, slots=True)
class _Policy:
    """A service level being checked. `state` is where nothing can be told of a change."""

    context: Context
    state: Place
    event: Place
    written: tree.Sla

    @property
    def calendar(self) -> str | None:
        """Gives the calendar's name, None for the organisation's."""
        line = self.context.only(self.written.statements, tree.SlaCalendar, "calendar")
        return None if line is None else self.context.calendar(line.name)

    def start(self) -> core.Path | None:
        """Gives the field from which the clock counts."""
        line = self.context.only(self.written.statements, tree.SlaClock, "clock")
        start = None if line is None else self.context.session.check(self.state, line.path)
        if line is None or start is None:
            return None
        if isinstance(start, core.Path) and is_kind(start, Kind.INSTANT):
            return start
        template = "a clock starts at a point in time, not at {found}"
        self.context.session.report("wrong_type", template, line.path.span, found=say(start))
        return None

    def condition(
        self,
        lines: Sequence[tree.SlaStatement | tree.SlaCondition | tree.Within | tree.AtPercent],
        kind: str,
        place: Place,
    ) -> core.Node | None:
        """Gives the one condition of a kind; further ones are reported."""
        found = [
            line for line in lines if isinstance(line, tree.SlaCondition) and line.kind == kind
        ]
        for extra in found[1:]:
            self.context.session.report(
                "twice",
                '"{word}" stands here twice',
                replace(extra.span, width=len(kind)),
                "join the conditions with or",
                word=kind,
            )
        checked = [self.context.condition(place, line.condition) for line in found]
        return checked[0] if checked else None

    def target(self, written: tree.Target, all_of: Sequence[tree.Target]) -> program.Target:
        """Gives a checked target."""
        session, name = self.context.session, written.name
        if next(one for one in all_of if one.name.text == name.text) is not written:
            session.report("twice", 'the target "{name}" is there twice', name.span, name=name.text)
        if not any(
            isinstance(line, tree.SlaCondition) and line.kind == "met"
            for line in written.statements
        ):
            session.report(
                "never_met",
                'the target "{name}" is never met',
                name.span,
                "write  met when …",
                name=name.text,
            )
        return program.Target(
            name=name.text,
            label=written.label or name.text,
            met=self.condition(written.statements, "met", self.event),
            pause=self.condition(written.statements, "pause", self.state),
            within=self._within(written),
            triggers=self._triggers(written),
            span=written.span,
        )

    def _within(self, written: tree.Target) -> tuple[program.Within, ...]:
        session = self.context.session
        lines = [line for line in written.statements if isinstance(line, tree.Within)]
        if not lines:
            session.report(
                "no_time",
                'the target "{name}" has no time',
                written.name.span,
                "write  within 4 hours when …  or  otherwise within 4 hours",
                name=written.name.text,
            )
        found = []
        for place, line in enumerate(lines):
            if any(earlier.condition is None for earlier in lines[:place]):
                session.report(
                    "unreachable",
                    'nothing comes after "otherwise within"',
                    replace(line.span, width=len("within" if line.condition else "otherwise")),
                    'put "otherwise within" last',
                )
            condition = self.context.condition(self.state, line.condition)
            length = self._length(line)
            if length is not None and (condition is not None or line.condition is None):
                found.append(program.Within(length, condition, line.span))
        return tuple(found)

    def _length(self, line: tree.Within) -> program.Length | None:
        session, span = self.context.session, line.length.span
        length = read_length(session, line.length)
        if length in (timedelta(), CalendarLength(), BusinessLength()):
            session.report("no_time", "a target takes some time", span)
            return None
        if isinstance(length, BusinessLength) and not self._has_calendar:
            session.report(
                "business_time",
                "business time needs a calendar",
                span,
                "write  calendar calendar_name  in the service level",
            )
        return length

    @property
    def _has_calendar(self) -> bool:
        named = any(isinstance(line, tree.SlaCalendar) for line in self.written.statements)
        return named or self.context.has_organisation_calendar

    def _triggers(self, written: tree.Target) -> tuple[program.AtPercent, ...]:
        """Gives one trigger for each percent, in their order."""
        session = self.context.session
        found: dict[object, program.AtPercent] = {}
        for line in written.statements:
            if not isinstance(line, tree.AtPercent):
                continue
            actions = check_actions(self.context, Stage(self.state, BY_TIME), line.actions)
            for percent in line.at:
                place = replace(line.span, width=len("at"))
                shown = f"{percent * 100:f}".rstrip("0").rstrip(".") if percent else "0"
                if percent in found:
                    session.report(
                        "twice", "{percent} stands here twice", place, percent=f"{shown}%"
                    )
                elif percent <= 0:
                    session.report("no_time", "a trigger comes after 0% of the time", place)
                elif found and percent < max(one.percent for one in found.values()):
                    template = "{percent} comes before what stands above it"
                    hint = "write the percents in their order"
                    session.warn("unordered", template, place, hint, percent=f"{shown}%")
                found.setdefault(percent, program.AtPercent(percent, actions, line.span))
        return tuple(sorted(found.values(), key=lambda trigger: trigger.percent))
