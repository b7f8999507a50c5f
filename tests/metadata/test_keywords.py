"""Standard keywords of JSON Schema: each judges values, and one that could judge nothing is
refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from metadata.catalog import build_catalog
from metadata.coerce import coerce
from metadata.documents import document_problems
from metadata.elements import Element
from metadata.parse import parse_object
from metadata.problems import Problem, sentence

PROPERTIES: dict[str, Any] = {
    "name": {"type": "string"},
    "stage": {"type": "string", "enum": ["new", "won", "lost"]},
    "amount": {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
    "count": {"type": "integer"},
    "day": {"type": "string", "format": "date"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "home": {"type": "object", "crm": {"field": "address"}},
}


def said(problems: list[Problem], language: str = "en") -> dict[str, str]:
    """Gives sentences by path."""
    return {problem.path: sentence(problem, language) for problem in problems}


def judge(document: dict[str, Any], record: dict[str, Any]) -> dict[str, str]:
    """Gives what is said to a record of an object."""
    catalog = build_catalog(1, [Element("1", "object", "deal", "local", document)])
    values, problems = coerce(catalog.objects["deal"], record, partial=True)
    return said([*problems, *catalog.keyword_problems("deal", values)])


@pytest.mark.parametrize(
    ("keywords", "record", "expected"),
    [
        ({}, {"name": "x"}, {}),
        ({"dependentRequired": {"amount": ["day"]}}, {"amount": 5}, {"/day": "Must be filled in"}),
        ({"dependentRequired": {"amount": ["day"]}}, {"name": "x"}, {}),
        (
            {"dependentSchemas": {"day": {"properties": {"count": {"minimum": 2}}}}},
            {"day": "2026-01-01", "count": 1},
            {"/count": "Must be at least 2"},
        ),
        (
            {"if": {"properties": {"stage": {"const": "won"}}}, "then": {"required": ["amount"]}},
            {"stage": "won"},
            {"/amount": "Must be filled in"},
        ),
        (
            {"if": {"required": ["day"]}, "then": True, "else": {"required": ["name"]}},
            {"count": 1},
            {"/name": "Must be filled in"},
        ),
        (
            {"allOf": [{"properties": {"amount": {"maximum": 0.3}}}]},
            {"amount": "0.31"},
            {"/amount": "Must be at most 0.3"},
        ),
        ({"allOf": [{"properties": {"amount": {"multipleOf": 0.1}}}]}, {"amount": "0.3"}, {}),
        (
            {"not": {"required": ["day", "amount"]}},
            {"day": "2026-01-01", "amount": 1},
            {"": "These values may not stand together"},
        ),
        (
            {"oneOf": [{"required": ["day"]}, {"required": ["name"]}]},
            {"day": "2026-01-01", "name": "x"},
            {
                "": "These values do not go together: "
                "exactly one of the allowed combinations must fit"
            },
        ),
        ({"anyOf": [{"required": ["day"]}, {"required": ["name"]}]}, {"name": "x"}, {}),
        (
            {"allOf": [{"properties": {"name": {"pattern": "^[A-Z]"}}}]},
            {"name": "x"},
            {"/name": "Does not match the pattern ^[A-Z]"},
        ),
        (
            {"allOf": [{"properties": {"tags": {"minItems": 2}}}]},
            {"tags": ["a"]},
            {"/tags": "At least 2 values"},
        ),
        (
            {"if": {"properties": {"home": {"required": ["city"]}}}, "then": {"required": ["day"]}},
            {"home": {"city": "Oslo"}},
            {"/day": "Must be filled in"},
        ),
    ],
)
def test_keywords_of_objects(
    keywords: dict[str, Any], record: dict[str, Any], expected: dict[str, str]
) -> None:
    document = {"type": "object", "properties": PROPERTIES, **keywords}
    assert document_problems("object", document) == []
    assert judge(document, record) == expected


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        (
            {"if": {"properties": {"stgae": {"const": "won"}}}, "then": {"required": ["amount"]}},
            {
                "/if/properties/stgae": 'deal has no field "stgae"; there are: '
                "stage, name, amount, count, day, tags, home"
            },
        ),
        (
            {"allOf": [{"requird": ["day"]}]},
            {"/allOf/0/requird": 'unknown key "requird"; did you mean required?'},
        ),
        (
            {"not": {"properties": {"name": {"pattern": "(?=a)"}}}},
            {"/not/properties/name/pattern": "not an RE2 pattern: invalid perl operator: (?="},
        ),
        (
            {"dependentRequired": {"amount": ["dya"]}},
            {
                "/dependentRequired/amount/0": 'deal has no field "dya"; there are: '
                "day, name, stage, amount, count, tags, home"
            },
        ),
    ],
)
def test_keywords_that_would_judge_nothing(
    keywords: dict[str, Any], expected: dict[str, str]
) -> None:
    definition, problems = parse_object("deal", {"properties": PROPERTIES, **keywords})
    assert definition is not None
    assert said(problems) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"type": "integer", "maxLength": 3},
            '"maxLength" does not judge fields of the type integer; these do: '
            "exclusiveMaximum, exclusiveMinimum, maximum, minimum, multipleOf",
        ),
        (
            {"type": "integer", "format": "int32"},
            '"format" does not judge fields of the type integer',
        ),
        (
            {"type": "array", "items": {"type": "string", "pattern": "("}},
            "not an RE2 pattern: missing ): (",
        ),
    ],
)
def test_keywords_of_properties_that_would_judge_nothing(
    document: dict[str, Any], expected: str
) -> None:
    _, problems = parse_object("deal", {"properties": {"it": document}})
    assert [sentence(problem) for problem in problems] == [expected]


def test_words_of_lists_are_judged() -> None:
    document = {
        "properties": {
            "it": {
                "type": "array",
                "items": {"type": "string", "maxLength": 3, "pattern": "^[a-z]"},
            }
        }
    }
    assert judge(document, {"it": ["abcd"]}) == {"/it": "At most 3 characters; these are 4"}
    assert judge(document, {"it": ["Abc"]}) == {"/it": "Does not match the pattern ^[a-z]"}
    assert judge(document, {"it": ["abc"]}) == {}


def test_sec_16_evil_patterns_take_no_time() -> None:
    """What would take Python's `re` for ever (catastrophic backtracking) is linear in RE2."""
    document = {
        "properties": PROPERTIES,
        "allOf": [{"properties": {"name": {"pattern": "^(a+)+$"}}}],
    }
    since = time.monotonic()
    assert set(judge(document, {"name": "a" * 200 + "!"})) == {"/name"}
    assert time.monotonic() - since < 5
