"""Rebuilding the catalog of a hundred objects, and asking what somebody may do."""

from __future__ import annotations

from collections.abc import Mapping

from metadata.access import Principal
from metadata.catalog import build_catalog
from metadata.elements import Element
from tests.bench.clock import Row, medians

OBJECTS, FIELDS = 100, 20
KINDS: tuple[Mapping[str, object], ...] = (
    {"type": "string", "maxLength": 80},
    {"type": "integer"},
    {"type": "boolean"},
    {"type": "string", "format": "date"},
    {"type": "string", "enum": ["a", "b", "c"]},
    {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
    {"type": "string", "crm": {"field": "reference", "to": "thing_0"}},
)


def elements() -> list[Element]:
    """Gives a hundred objects of twenty fields."""
    fields = {f"f{number}": KINDS[number % len(KINDS)] for number in range(FIELDS - 1)}
    body = {
        "type": "object",
        "properties": {"name": {"type": "string"}, **fields},
        "crm": {"name_field": "name"},
    }
    return [
        Element(f"id-{number}", "object", f"thing_{number}", "local", body)
        for number in range(OBJECTS)
    ]


def rebuild(known: list[Element]) -> None:
    """Builds a catalog with everything that the first request after a publish needs."""
    catalog = build_catalog(1, known)
    for part in (catalog.schema, catalog.tables, catalog.program):
        if part is None:
            raise AssertionError("a catalog has all of its parts")


def measure(principal: Principal) -> list[Row]:
    """Measures in CPU time."""
    known = elements()

    def check() -> bool:
        access = principal.access("lead")
        return access.may("read") and access.edits("title")

    def check_often() -> None:
        for _ in range(1_000):
            check()

    built = medians({"build": lambda: rebuild(known)}, times=1)["build"]
    checked = medians({"check": check_often}, times=10)["check"] / 1_000
    return [
        Row(f"catalog, {OBJECTS} objects of {FIELDS} fields", built, reach="100 ms"),
        Row("permission check (action and field)", checked, reach="5 µs", note="0 SQL"),
    ]
