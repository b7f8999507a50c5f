"""What single field types make of what people write: names, addresses, numbers, conversions."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from metadata.fields.base import FieldDefinition, Refused
from metadata.fields.markup import clean_html, render_markdown, text_of
from metadata.fields.numbering import read_numbering
from metadata.fields.values import read_value
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, Problem, sentence


def field_of(name: str, **document: Any) -> FieldDefinition:
    """Gives a field of a type."""
    crm = {"field": name, **document.pop("crm", {})}
    definition, problems = parse_object("thing", {"properties": {"it": {**document, "crm": crm}}})
    assert (problems, definition is None) == ([], False)
    assert definition is not None
    return definition.fields["it"]


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("person_name", {"given": "Wei", "family": "Li"}, "Wei Li"),
        ("person_name", {"given": "\u4f1f", "family": "\u674e"}, "\u674e\u4f1f"),
        (
            "person_name",
            {"given": "\u4f1f", "family": "\u674e", "prefix": "\u535a\u58eb"},
            "\u674e\u4f1f\u535a\u58eb",
        ),
        ("person_name", "Dr. Ada King Lovelace", "Dr. Ada King Lovelace"),
        (
            "address",
            {
                "lines": ["\u5efa\u56fd\u8def1\u53f7"],
                "city": "\u5317\u4eac\u5e02",
                "country": "china",
                "postal_code": "100022",
            },
            "\u4e2d\u56fd\u5317\u4eac\u5e02\u5efa\u56fd\u8def1\u53f7 100022",
        ),
        (
            "address",
            {"lines": ["1 Main St"], "city": "Springfield", "region": "IL", "country": "USA"},
            "1 Main St, Springfield, IL, United States",
        ),
        ("geo_point", "geo:39.9042,116.4074", "39.9042, 116.4074"),
        ("rating", 2, "\u2605\u2605\u2606\u2606\u2606"),
    ],
)
def test_text_people_read(name: str, given: object, shown: str) -> None:
    field = field_of(name)
    value = read_value(field, given)
    for language in LANGUAGES:
        assert field.type.display(value, field, language) == shown


@pytest.mark.parametrize(
    ("given", "english", "chinese"),
    [
        ("PT8H30M", "8 h 30 min", "8\u5c0f\u65f630\u5206\u949f"),
        ("90s", "1 min 30 s", "1\u5206\u949f30\u79d2"),
        ("-PT2H", "-2 h", "-2\u5c0f\u65f6"),
        ("PT0S", "0 min", "0\u5206\u949f"),
    ],
)
def test_durations_in_words(given: str, english: str, chinese: str) -> None:
    field = field_of("duration")
    value = read_value(field, given)
    assert field.type.display(value, field, "en") == english
    assert field.type.display(value, field, "zh") == chinese


OPTIONS: dict[str, Any] = {
    "type": "string",
    "enum": ["in_work", "done"],
    "crm": {"options": {"in_work": {"title": "In work"}}},
}


@pytest.mark.parametrize(
    ("before", "value", "after", "document", "wire"),
    [
        ("text", "1,200.50", "decimal", {}, "1200.5"),
        ("text", "2.5", "integer", {}, 3),
        ("text", "\u00a51,200", "money", {}, {"amount": "1200.00", "currency": "CNY"}),
        ("text", "USD 12.5", "money", {}, {"amount": "12.50", "currency": "USD"}),
        ("text", "in WORK", "choice", OPTIONS, "in_work"),
        ("text", "2026\u5e743\u67081\u65e5", "date", {}, "2026-03-01"),
        ("text", "a, b\uff1bc", "tags", {}, ["a", "b", "c"]),
        ("text", "<b>1 < 2</b>", "rich_text", {}, "<p>&lt;b&gt;1 &lt; 2&lt;/b&gt;</p>"),
        ("markdown", "**a**", "rich_text", {}, "<p><strong>a</strong></p>"),
        ("rich_text", "<p>a</p><p>b &amp; c</p>", "long_text", {}, "a\nb & c"),
        ("decimal", "2.5", "integer", {}, 3),
        ("decimal", "0.15", "percent", {}, "0.15"),
        ("money", "12.5 USD", "decimal", {}, "12.5"),
        ("money", "12.5 USD", "text", {}, "12.50 USD"),
        ("integer", 7, "money", {}, {"amount": "7.00", "currency": "CNY"}),
        ("date", "2026-03-01", "datetime", {}, "2026-03-01T00:00:00.000Z"),
        ("datetime", "2026-03-01T23:30:00Z", "date", {}, "2026-03-01"),
        ("tags", ["Done", "in work"], "multi_choice", {}, None),
        ("boolean", True, "text", {}, "true"),
        ("person_name", {"given": "Wei", "family": "Li"}, "text", {}, "Wei Li"),
    ],
)
def test_conversions(
    before: str, value: object, after: str, document: dict[str, Any], wire: object
) -> None:
    if after == "multi_choice":
        items = {"enum": OPTIONS["enum"]}
        document, wire = {"type": "array", "items": items}, ["done"]
        value = ["Done"]
    source, target = field_of(before), field_of(after, **dict(document))
    found = source.type.convert(read_value(source, value), source, target)
    assert target.type.to_wire(found, target) == wire


def test_what_does_not_convert_is_refused() -> None:
    source, target = field_of("text"), field_of("date")
    with pytest.raises(Refused) as refusal:
        source.type.convert("soon", source, target)
    assert sentence(Problem("", refusal.value.code, refusal.value.values)) == (
        '"soon" is not a date, as in 2026-03-01'
    )


@pytest.mark.parametrize(
    ("pattern", "reset", "text"),
    [
        ("Q-{yyyy}-{0000}", "year", "Q-2026-0042"),
        ("{yy}{mm}{dd}/{00}", "month", "260307/42"),
        ("{0}", "never", "42"),
        ("\u53d1\u7968{000000}\u53f7", "never", "\u53d1\u7968000042\u53f7"),
    ],
)
def test_numbers_are_written_and_read(pattern: str, reset: str, text: str) -> None:
    numbering = read_numbering(pattern, reset)
    assert numbering.write(42, date(2026, 3, 7)) == text
    assert numbering.read(text) == (numbering.period(date(2026, 3, 7)), 42)
    assert numbering.read(f"{text}x") is None


@pytest.mark.parametrize(
    ("crm", "message"),
    [
        (
            {"pattern": "Q-{year}-{000}"},
            "{year} stands for nothing; there are: yyyy, yy, mm, dd, 0000",
        ),
        ({"pattern": "Q-{yyyy}"}, "The pattern needs exactly one counter, as in {0000}"),
        ({"pattern": "{00}-{000}"}, "The pattern needs exactly one counter, as in {0000}"),
        ({"pattern": "Q}{000}"}, "A brace stands alone; tokens look like {yyyy} and {0000}"),
        ({"pattern": "{mm}{mm}{00}"}, "A token stands in the pattern twice"),
        (
            {"pattern": "Q-{000}", "reset": "year"},
            "Numbers that start again each year need {yyyy} in the pattern, or they come twice",
        ),
        (
            {"pattern": "Q-{mm}-{000}", "reset": "month"},
            "Numbers that start again each month need {yyyy} and {mm} in the pattern, "
            "or they come twice",
        ),
    ],
)
def test_patterns_that_make_no_numbers(crm: dict[str, Any], message: str) -> None:
    document = {"type": "string", "crm": {"field": "auto_number", **crm}}
    _, problems = parse_object("thing", {"properties": {"it": document}})
    assert [(problem.path, sentence(problem)) for problem in problems] == [
        ("/properties/it/crm/pattern", message)
    ]


EVIL = (
    "<script>alert(1)</script>ok",
    "<img src=x onerror=alert(1)>ok",
    "<a href='javascript:alert(1)' onclick=x>ok</a>",
    "<svg><script>alert(1)</script></svg>ok",
    "<style>*{}</style><iframe src=//x></iframe>ok",
    "<p style='background:url(//x)'>ok</p>",
)


@pytest.mark.parametrize("html", EVIL)
def test_rich_text_is_harmless(html: str) -> None:
    cleaned = clean_html(html)
    assert not re.search(r"script|onerror|onclick|style|iframe|<img|<svg|data:", cleaned)
    assert text_of(cleaned) == "ok"
    assert clean_html(cleaned) == cleaned


def test_markdown_shows_html_instead_of_obeying_it() -> None:
    assert render_markdown("a <b>x</b>") == "<p>a &lt;b&gt;x&lt;/b&gt;</p>"
    assert "<a" not in render_markdown("[x](javascript:alert(1))")


def test_neighbours_must_be_there() -> None:
    document = {"type": "number", "crm": {"field": "money", "currency_field": "curency"}}
    _, problems = parse_object(
        "bill", {"properties": {"amount": document, "currency": {"type": "string"}}}
    )
    assert [(problem.path, sentence(problem)) for problem in problems] == [
        (
            "/properties/amount/crm/currency_field",
            'bill has no field "curency"; there are: amount, currency',
        )
    ]
