"""The page of clocks: what is at risk, what is late, what runs and what stands still."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import render_template, request

from metadata.objects import ObjectDefinition
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.errors import Missing, Refused
from trellis.service_levels.lists import Line, Lines, list_clocks, watched_objects
from trellis.unit import Unit
from trellis.web.addresses import record_address, with_query
from trellis.web.clocks import ClockLine, clock_line, level_cards
from trellis.web.doors import flash_problems, make_blueprint, object_for
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("service_levels")

ADDRESS = "/service-levels"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """A list that one can turn to."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class RecordClock:
    """One clock of a record."""

    object: ObjectDefinition
    title: str
    href: str
    level: str
    clock: ClockLine


@dataclass(frozen=True, slots=True)
class ClocksPage:
    """What the page shows, and where it is renewed; `objects` are there to choose from when there
    are several."""

    address: str
    tabs: tuple[Tab, ...]
    objects: tuple[Tab, ...]
    items: tuple[RecordClock, ...]
    next_href: str | None


@blueprint.get(ADDRESS)
@declares("", "")
def clocks() -> str:
    """Shows the clocks in one state; the first in which there are any when none is asked for."""
    unit = reading()
    labels, object_name = tabs(), request.args.get("object")
    try:
        state, found = first_lines(unit, labels, object_name)
    except (Refused, Missing) as error:
        flash_problems(error)
        state, found = next(iter(labels)), Lines((), None)
    asked = {"state": state, "object": object_name}
    following = None if found.next is None else with_query(ADDRESS, {**asked, "after": found.next})
    page = ClocksPage(
        address=with_query(ADDRESS, {**asked, "after": request.args.get("after")}),
        tabs=tuple(
            Tab(label, with_query(ADDRESS, {**asked, "state": name}), name == asked["state"])
            for name, label in labels.items()
        ),
        objects=object_tabs(unit, asked),
        items=tuple(shown(unit, line) for line in found.items),
        next_href=following,
    )
    return render_template("service_levels.html", page=page)


@blueprint.get("/o/<object_name>/<record_id>/clocks")
@declares(ANY_OBJECT, "read")
def of_record(object_name: str, record_id: str) -> str:
    """Gives the cards of a record's service levels, which its page renews by the minute."""
    definition, _ = object_for(object_name)
    return render_template(
        "parts/clocks.html",
        levels=level_cards(reading(), definition, record_id, current.language()),
        address=record_address(object_name, record_id),
    )


def tabs() -> dict[str, str]:
    """Gives the states that are shown, in words."""
    return {
        "at_risk": gettext("At risk"),
        "breached": gettext("Too late"),
        "running": gettext("In time"),
        "paused": gettext("Paused"),
    }


def first_lines(unit: Unit, states: Iterable[str], object_name: str | None) -> tuple[str, Lines]:
    """Gives the state that is asked for with a page of its clocks. Raises Refused and Missing."""
    first, *others = states
    asked, after = request.args.get("state"), request.args.get("after")
    if asked in (first, *others):
        return asked, list_clocks(unit, asked, object_name or None, limit=SHOWN, after=after)
    for state in (first, *others):
        found = list_clocks(unit, state, object_name or None, limit=SHOWN)
        if found.items:
            return state, found
    return first, Lines((), None)


def object_tabs(unit: Unit, asked: dict[str, str | None]) -> tuple[Tab, ...]:
    """Gives the objects to choose from; nothing when there is no choice."""
    names = watched_objects(unit)
    if len(names) < 2:
        return ()
    language, objects = current.language(), unit.catalog.objects
    labels: dict[str | None, str] = {None: gettext("All")}
    labels |= {name: objects[name].plural(language) for name in names}
    return tuple(
        Tab(label, with_query(ADDRESS, {**asked, "object": name}), name == asked["object"])
        for name, label in labels.items()
    )


def shown(unit: Unit, line: Line) -> RecordClock:
    """Gives a clock in words."""
    language = current.language()
    return RecordClock(
        object=line.object,
        title=line.name or gettext("Without a name"),
        href=record_address(line.object.name, line.record_id),
        level=unit.catalog.message(line.level.label, language),
        clock=clock_line(unit, line.clock, language),
    )
