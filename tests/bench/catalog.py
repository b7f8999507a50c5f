"""Rebuilding the catalog of a hundred objects, and asking what somebody may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from metadata.access import Principal
from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.json_text import mapping
from tests.bench.clock import Row, Work, medians

OBJECTS, FIELDS = 100, 20
KINDS: tuple[Mapping[str, object], ...] = (
    {"type": "string", "maxLength": 80},
    {"type": "integer"},
    {"type": "boolean"},
    {"type": "string", "format": "date"},
    {"type": "string", "enum": ["a", "b", "c"]},
    {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
    {"type": "string", "crm": {"field": "reference", "to": "thing_0"}},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "email"},
    {"type": "number"},
    {"type": "number", "crm": {"field": "percent"}},
    {"type": "string", "crm": {"unique": True}},
    {"type": "string", "crm": {"field": "long_text"}},
    {"type": "string", "crm": {"field": "reference", "to": "thing_1"}},
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


def use(catalog: Catalog) -> Catalog:
    """Makes everything that the first request after a publish needs."""
    for part in (catalog.schema, catalog.tables["thing_0"], catalog.program):
        if part is None:
            raise AssertionError("a catalog has all of its parts")
    return catalog


def with_new_field(known: list[Element]) -> list[Element]:
    """Gives the elements after one object got a field."""
    changed = known[OBJECTS // 2]
    fields = {**mapping(changed.body["properties"]), "new": KINDS[0]}
    return [
        replace(one, body={**one.body, "properties": fields}) if one is changed else one
        for one in known
    ]


def measure(principal: Principal) -> list[Row]:
    """Measures in CPU time."""
    known = elements()
    before, next_ones = use(build_catalog(1, known)), with_new_field(known)

    def check() -> bool:
        access = principal.access("lead")
        return access.may("read") and access.edits("title")

    def check_often() -> None:
        for _ in range(1_000):
            check()

    works: dict[str, Work] = {
        "first": lambda: use(build_catalog(1, known)),
        "next": lambda: use(build_catalog(2, next_ones, previous=before)),
    }
    built = medians(works, times=1)
    checked = medians({"check": check_often}, times=10)["check"] / 1_000
    size = f"{OBJECTS} objects of {FIELDS} fields"
    return [
        Row(f"catalog, {size}, the first of a process", built["first"], reach="0.3 s"),
        Row(f"catalog, {size}, after a publish", built["next"], reach="100 ms"),
        Row("permission check (action and field)", checked, reach="5 µs", note="0 SQL"),
    ]
