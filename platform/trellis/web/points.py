"""The points a record has had: when, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask import render_template

from metadata.fields.base import choose_label
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.records.read import read_record
from trellis.scoring.past import SAVE, Line, past_points
from trellis.scoring.tables import ASKED, DATA, RULES, TIME
from trellis.unit import Unit
from trellis.web.addresses import record_address
from trellis.web.doors import make_blueprint, object_for
from trellis.web.people import name_of, names_of
from trellis.web.words import gettext
from trellis.work import reading

blueprint = make_blueprint("points", "/o")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the points of a record, as people read it."""

    at: datetime
    score: str
    why: str
    was_points: Decimal | None
    points: Decimal | None
    was_grade: str
    grade: str


@blueprint.get("/<object_name>/<record_id>/points")
@declares(ANY_OBJECT, "read")
def points(object_name: str, record_id: str) -> str:
    """Shows the newest changes of the scores of a record."""
    definition, _access = object_for(object_name)
    unit = reading()
    record = read_record(unit, object_name, record_id)
    lines = past_points(unit, object_name, record_id)
    people = names_of(unit, {line.by for line in lines if line.by})
    return render_template(
        "record_points.html",
        object=definition,
        title=str(record.get(definition.name_field) or "–"),
        address=record_address(object_name, record_id),
        changes=[change(unit, object_name, line, people) for line in lines],
    )


def change(unit: Unit, object_name: str, line: Line, people: Mapping[str, str]) -> Change:
    """Gives one change as people read it."""
    language = current.language()
    scores = unit.catalog.program.for_object(object_name).scores
    score = next((one for one in scores if one.name == line.score), None)
    field = unit.catalog.objects[object_name].fields.get((score and score.grade_into) or "")

    def grade(name: str | None) -> str:
        option = field.option(name) if field and name else None
        return choose_label(option.labels, language) if option else name or ""

    return Change(
        at=line.at,
        score=unit.catalog.message(score.label, language) if score else line.score,
        why=because(line, people),
        was_points=line.was_points,
        points=line.points,
        was_grade=grade(line.was_grade),
        grade=grade(line.grade),
    )


def because(line: Line, people: Mapping[str, str]) -> str:
    """Says why points changed."""
    if line.why == SAVE:
        return gettext("Saved by %(person)s", person=name_of(people, line.by or ""))
    if line.why == RULES:
        return gettext("The rules of version %(number)s", number=line.definitions)
    causes = {
        TIME: gettext("Time has passed"),
        ASKED: gettext("Computed again by hand"),
        DATA: gettext("Other records have changed"),
    }
    return causes[line.why]
