"""What a plan means for the clocks of service levels, as people read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from trellis import current
from trellis.service_levels.preview import ClockPlan, Shift
from trellis.service_levels.told import named_samples
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.words import gettext, ngettext


@dataclass(frozen=True, slots=True)
class MovedLine:
    """A promise that is due at another time."""

    target: str
    title: str
    href: str
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True)
class ShiftLines:
    """What becomes of some clocks: tags of hue and text, and some of them."""

    tags: tuple[tuple[str, str], ...]
    samples: tuple[MovedLine, ...]


@dataclass(frozen=True, slots=True)
class ClockCard:
    """One service level of a plan. `calendar` happens in any case, `moved` by choice."""

    key: str
    title: str
    text: str
    note: str
    calendar: ShiftLines | None
    moved: ShiftLines | None
    chosen: bool


def clock_cards(
    unit: Unit, plans: Collection[ClockPlan], chosen: Collection[str]
) -> tuple[ClockCard, ...]:
    """Gives the service levels of a plan; `chosen` names those whose choice is made."""
    return tuple(clock_card(unit, plan, plan.key in chosen) for plan in plans)


def clock_card(unit: Unit, plan: ClockPlan, chosen: bool) -> ClockCard:
    """Gives one service level."""
    language = current.language()
    label = unit.catalog.message(plan.definition.label, language)
    title = f"{unit.catalog.objects[plan.object].plural(language)} · {label}"
    return ClockCard(
        key=plan.key,
        title=title,
        text=said(plan),
        note=looked_at(plan),
        calendar=None if plan.calendar.is_empty else shift_lines(unit, plan, plan.calendar),
        moved=None if plan.moved is None else shift_lines(unit, plan, plan.moved),
        chosen=chosen,
    )


def said(plan: ClockPlan) -> str:
    """Says what becomes of a service level."""
    return {
        "same": gettext("Business time changes. What is open moves."),
        "added": gettext("New. It begins on records that are saved from now on."),
        "changed": gettext("Changed. What is open stays on the rules it began under."),
        "removed": gettext("Taken out. What is open goes on to its end."),
    }[plan.kind]


def looked_at(plan: ClockPlan) -> str:
    """Says of how many records the numbers tell."""
    parts = []
    if plan.open:
        parts.append(ngettext("open on %(num)s record", "open on %(num)s records", plan.open))
    if plan.looked_at < plan.open:
        parts.append(gettext("the numbers are of the first %(number)s", number=plan.looked_at))
    if plan.without:
        parts.append(gettext("%(number)s records without it looked at", number=plan.without))
    return "; ".join(parts)


def shift_lines(unit: Unit, plan: ClockPlan, shift: Shift) -> ShiftLines:
    """Gives what becomes of clocks."""
    language = current.language()
    targets = {target.name: target.label for target in plan.definition.targets}
    samples = tuple(
        MovedLine(
            unit.catalog.message(targets.get(one.moved.target, one.moved.target), language),
            one.name or gettext("Without a name"),
            record_address(plan.object, one.moved.record_id),
            one.moved.before,
            one.moved.after,
        )
        for one in named_samples(unit, plan, shift)
    )
    return ShiftLines(tuple(tags(shift)), samples)


def tags(shift: Shift) -> Iterator[tuple[str, str]]:
    """Gives the numbers with their colours."""
    moved = {
        ("later", "hour"): gettext("later by less than an hour"),
        ("later", "day"): gettext("later by less than a day"),
        ("later", "more"): gettext("later by a day or more"),
        ("earlier", "hour"): gettext("earlier by less than an hour"),
        ("earlier", "day"): gettext("earlier by less than a day"),
        ("earlier", "more"): gettext("earlier by a day or more"),
    }
    for key, text in moved.items():
        if number := shift.moved.get(key):
            yield ("blue" if key[0] == "later" else "amber"), f"{number} {text}"
    if shift.begin:
        yield "blue", gettext("%(number)s begin", number=shift.begin)
    if shift.end:
        yield "gray", gettext("%(number)s end", number=shift.end)
    if shift.late:
        yield "red", gettext("%(number)s are too late at once", number=shift.late)
    if shift.saved:
        yield "green", gettext("%(number)s are not too late any more", number=shift.saved)
    if shift.is_empty:
        yield "gray", gettext("nothing moves")
