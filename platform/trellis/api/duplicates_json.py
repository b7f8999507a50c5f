"""What was found of duplicates as the JSON that clients get: never more than the asker reads."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.duplicates.compare import Agreement
from metadata.problems import sentence
from trellis.api.answers import record_json
from trellis.duplicates.check import Candidate, Finding
from trellis.duplicates.doors import problem_of
from trellis.unit import Unit


def findings_json(
    unit: Unit, object_name: str, findings: Iterable[Finding], reader: str
) -> list[dict[str, object]]:
    """Gives findings as clients see them."""
    return [
        {
            "rule": finding.rule.name,
            "title": unit.catalog.message(finding.rule.title, reader),
            "policy": finding.policy,
            "message": sentence(problem_of(unit, finding), reader),
            "hidden": finding.is_hidden,
            "candidates": [
                candidate_json(unit, object_name, candidate) for candidate in finding.candidates
            ],
        }
        for finding in findings
    ]


def candidate_json(unit: Unit, object_name: str, candidate: Candidate) -> dict[str, object]:
    """Gives one record that may be the same."""
    unit.show_record(object_name, candidate.record)
    name = unit.catalog.objects[object_name].name_field
    shown = record_json(unit, object_name, candidate.record).get(name)
    return {
        "id": candidate.id,
        "name": None if shown is None else str(shown),
        "certainty": round(candidate.certainty, 4),
        "fields": agreements_json(candidate.agreements),
    }


def agreements_json(agreements: Iterable[Agreement]) -> list[dict[str, object]]:
    """Gives what was compared, without any value."""
    return [{"field": one.field, "similarity": round(one.similar, 3)} for one in agreements]
