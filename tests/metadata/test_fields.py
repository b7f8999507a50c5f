"""The contract of the open family of field types, and what is special about members."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

import metadata
from metadata.access import everything
from metadata.catalog import Catalog
from metadata.fields.base import FieldDefinition, FieldType, Refused, physical_name
from metadata.fields.registry import field_types
from metadata.fields.values import read_value
from metadata.forms import form_class
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, Problem, sentence, templates
from rule_engine.types import Kind, Type
from rule_engine.values import Money

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPTIONS = {"enum": ["new", "won", "lost"], "crm": {"options": {"won": {"title": "Won"}}}}
# One property per type, with values: (given, value, wire form)
SAMPLES: dict[str, tuple[dict[str, Any], list[tuple[object, object, object]]]] = {
    "text": ({"type": "string"}, [("  Ame\u0301lie ", "Amélie", "Amélie"), ("a\nb", "a b", "a b")]),
    "long_text": (
        {"type": "string", "crm": {"field": "long_text"}},
        [(" a\r\nb ", "a\nb", "a\nb")],
    ),
    "email": (
        {"type": "string", "format": "email"},
        [("Li.Wei@Example.COM ", "Li.Wei@example.com", "Li.Wei@example.com")],
    ),
    "phone": (
        {"type": "string", "crm": {"field": "phone"}},
        [
            ("138 0013 8000", "+8613800138000", "+8613800138000"),
            ("+1 (650) 253-0000", "+16502530000", "+16502530000"),
        ],
    ),
    "url": (
        {"type": "string", "format": "uri"},
        [("https://example.com/a?b=c", "https://example.com/a?b=c", "https://example.com/a?b=c")],
    ),
    "integer": (
        {"type": "integer"},
        [(7, Decimal(7), 7), ("-3", Decimal(-3), -3), (3.0, Decimal(3), 3)],
    ),
    "decimal": (
        {"type": "number"},
        [
            ("12.50", Decimal("12.5000"), "12.5"),
            (0.1, Decimal("0.1000"), "0.1"),
            ("1.00005", Decimal("1.0001"), "1.0001"),
            ("-0.00001", Decimal("0.0000"), "0"),
        ],
    ),
    "percent": (
        {"type": "number", "crm": {"field": "percent"}},
        [("0.15", Decimal("0.150000"), "0.15"), ("15%", Decimal("0.150000"), "0.15")],
    ),
    "money": (
        {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
        [
            (12.5, Money(Decimal("12.50"), "CNY"), {"amount": "12.50", "currency": "CNY"}),
            (
                {"amount": "7.6", "currency": "jpy"},
                Money(Decimal(8), "JPY"),
                {"amount": "8", "currency": "JPY"},
            ),
        ],
    ),
    "boolean": ({"type": "boolean"}, [(True, True, True), ("否", False, False)]),
    "date": (
        {"type": "string", "format": "date"},
        [("2026-03-01", date(2026, 3, 1), "2026-03-01")],
    ),
    "datetime": (
        {"type": "string", "format": "date-time"},
        [
            (
                "2026-03-01T08:30:00.1239+08:00",
                datetime(2026, 3, 1, 0, 30, 0, 123000, UTC),
                "2026-03-01T00:30:00.123Z",
            ),
            (
                "2026-03-01T08:30",
                datetime(2026, 3, 1, 0, 30, tzinfo=UTC),
                "2026-03-01T00:30:00.000Z",
            ),
        ],
    ),
    "choice": ({"type": "string", **OPTIONS}, [("won", "won", "won")]),
    "multi_choice": (
        {"type": "array", "items": {"enum": ["a", "b", "c"]}},
        [(["c", "a"], frozenset("ac"), ["a", "c"]), ("b;a", frozenset("ab"), ["a", "b"])],
    ),
    "reference": (
        {"type": "string", "crm": {"field": "reference", "to": "account"}},
        [
            ("Acme", "Acme", "Acme"),
            (
                {"id": "0197B5C2-0000-7000-8000-000000000001", "name": "Acme"},
                "0197b5c2-0000-7000-8000-000000000001",
                "0197b5c2-0000-7000-8000-000000000001",
            ),
        ],
    ),
    "user": ({"type": "string", "crm": {"field": "user"}}, [("li.wei", "li.wei", "li.wei")]),
    "identifier": (
        {"type": "string"},
        [("0197b5c2", "0197b5c2", "0197b5c2")],
    ),
}
BAD: dict[str, list[object]] = {
    "text": [5, True, ["a"], "a\x00b", "\ud800", "x" * 256],
    "long_text": [5, "a\x00b", "x" * 100_001],
    "email": ["a", "a@b", "a b@c.de", "a@@c.de", ".a@c.de", "@c.de", "a@-c.de", "a" * 65 + "@c.de"],
    "phone": ["12", "abc", "+86 138 0013 8000 ext. 5", "+999 123456789"],
    "url": [
        "javascript:alert(1)",
        "example.com",
        "https://",
        "https://a b.de",
        "http://me:secret@x.de",
        "//x.de",
        "https://x.de:99999",
    ],
    "integer": ["1.5", 1.5, True, "one", "1_000", "1" * 19, float("nan")],
    "decimal": ["1,5", "NaN", "Infinity", "0x10", "1e900", "1e20", True, {}],
    "percent": ["%", "a%", "1e13"],
    "money": [
        {"amount": 5, "currency": "XXQ"},
        {"currency": "CNY"},
        {"amount": 1, "x": 2},
        "5 CNY",
    ],
    "boolean": ["maybe", 1, 0.0],
    "date": ["2026-02-30", "01.03.2026", "2026-3-1", 20260301, "20260301"],
    "datetime": ["2026-03-01", "yesterday", "2026-03-01T25:00", "9999-12-31T23:59:59-23:00", 5],
    "choice": ["Won", "open", 5, True],
    "multi_choice": [["a", "x"], "a,b", 5],
    "reference": [5, "x" * 256, {"id": "a", "x": 1}],
    "user": [5],
    "identifier": [5],
}


def make_object(document: dict[str, Any]) -> ObjectDefinition:
    definition, problems = parse_object("thing", {"properties": {"it": document}})
    assert problems == []
    assert definition is not None
    return definition


def make_field(document: dict[str, Any]) -> FieldDefinition:
    return make_object(document).fields["it"]


def sample_object(name: str) -> ObjectDefinition:
    definition = make_object(SAMPLES[name][0])
    # a type that only system fields have cannot be written in a document
    field = replace(definition.fields["it"], type=field_types()[name])
    return replace(definition, fields={**definition.fields, "it": field})


def sample(name: str) -> FieldDefinition:
    return sample_object(name).fields["it"]


@pytest.fixture(params=list(field_types()))
def kind(request: pytest.FixtureRequest) -> FieldType:
    return field_types()[request.param]


def test_every_type_has_samples() -> None:
    assert set(SAMPLES) == set(BAD) == set(field_types())


def test_round_trip(kind: FieldType) -> None:
    """wire → value → columns → value → wire; and a value in its Python form passes unchanged."""
    field = sample(kind.name)
    assert field.type is kind
    for given_value, value, wire in SAMPLES[kind.name][1]:
        read = read_value(field, given_value, SHANGHAI)
        assert read == value
        assert read_value(field, read) == value
        assert kind.to_wire(read, field) == wire
        assert read_value(field, json.loads(json.dumps(wire))) == value
        parts = kind.to_parts(read, field)
        assert list(parts) == list(kind.parts)
        assert kind.from_parts(parts, field) == value


def test_columns_hold_values(kind: FieldType) -> None:
    field = sample(kind.name)
    columns = kind.columns(field, "it")
    assert [column.name for column in columns] == [physical_name("it", part) for part in kind.parts]
    assert not any(column.index or column.unique or column.foreign_keys for column in columns)
    table = sa.Table("thing", sa.MetaData(), *columns)
    values = [None, *(value for _, value, _ in SAMPLES[kind.name][1])]
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        for value in values:
            parts = kind.to_parts(value, field)
            row = {physical_name("it", part): stored for part, stored in parts.items()}
            connection.execute(table.insert(), row)
        rows = connection.execute(sa.select(table)).all()
    engine.dispose()
    found = [kind.from_parts(dict(zip(kind.parts, row, strict=True)), field) for row in rows]
    assert found == values


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_is_empty(kind: FieldType, blank: object) -> None:
    assert read_value(sample(kind.name), blank) is None


def test_refusals_have_sentences(kind: FieldType) -> None:
    field = sample(kind.name)
    for value in BAD[kind.name]:
        with pytest.raises(Refused) as refusal:
            read_value(field, value)
        problem = Problem("/it", refusal.value.code, refusal.value.values)
        assert all(sentence(problem, language) for language in LANGUAGES)


def test_form_shows_and_reads(kind: FieldType) -> None:
    """What a form shows for a value, sent back as it is, is the value again."""
    definition = sample_object(kind.name)
    form = form_class(Catalog(1), definition, everything("thing"), "zh", zone=SHANGHAI)
    for _, value, _ in SAMPLES[kind.name][1]:
        shown = form(record={"it": value})
        html = str(shown["it"]())
        assert 'name="it"' in html
        sent = form(MultiDict(inputs_of(html)))
        assert read_value(definition.fields["it"], sent.values.get("it"), SHANGHAI) == value
    assert read_value(definition.fields["it"], form(MultiDict({"it": ""})).values.get("it")) in (
        None,
        False,
    )


def inputs_of(html: str) -> list[tuple[str, str]]:
    """Gives what a browser would send for the inputs in a piece of HTML."""
    from lxml import html as parser

    root: Any = parser.fromstring(f"<form>{html}</form>")
    return [(str(name), str(value)) for name, value in root.form_values()]


def test_rule_type_and_schema(kind: FieldType) -> None:
    field = sample(kind.name)
    assert isinstance(kind.rule_type(field), Type)
    assert kind.rule_type(field).kind is not Kind.EMPTY
    assert kind.json_schema(field)
    assert kind.cell
    assert kind.operators
    assert set(kind.json_types) <= {"string", "number", "integer", "boolean", "array", "object"}


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Gives the message codes that a module's calls name."""
    places = {"Problem": 1, "Refused": 0, "Flaw": 1}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            index = places.get(node.func.id)
            if index is not None and len(node.args) > index:
                code = node.args[index]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_code_has_a_sentence() -> None:
    root = Path(metadata.__file__).parent
    modules = [*root.rglob("*.py"), *(root.parent / "platform" / "trellis").rglob("*.py")]
    codes = {
        code: str(path.relative_to(root.parent))
        for path in modules
        if "node_modules" not in path.parts
        for code in codes_in(ast.parse(path.read_text("utf-8")))
    }
    missing = {
        (language, code): codes[code]
        for language in LANGUAGES
        for code in codes
        if code not in templates(language)
    }
    assert missing == {}
    assert templates("en").keys() == templates("zh").keys()


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**13), max_value=10**13
    )
)
def test_decimals_are_exact(number: Decimal) -> None:
    field = sample("decimal")
    value = read_value(field, str(number))
    assert value == number
    assert read_value(field, field.type.to_wire(value, field)) == number


@given(st.text())
def test_text_is_clean_or_refused(text: str) -> None:
    field = sample("text")
    try:
        value = read_value(field, text)
    except Refused:
        return
    if value is not None:
        assert str(value).encode().decode() == value
        assert read_value(field, value) == value


@pytest.mark.parametrize(
    ("document", "given_value", "message"),
    [
        ({"type": "string", "minLength": 3}, "ab", "At least 3 characters; these are 2"),
        ({"type": "string", "maxLength": 2}, "abc", "At most 2 characters; these are 3"),
        ({"type": "string", "pattern": "^[A-Z]+$"}, "a", "Does not match the pattern ^[A-Z]+$"),
        ({"type": "string", "format": "uuid"}, "x", "Not in the format uuid"),
        ({"type": "string", "format": "ipv4"}, "1.2.3", "Not in the format ipv4"),
        ({"type": "number", "minimum": 0.1}, "0.05", "Must be at least 0.1"),
        ({"type": "number", "exclusiveMaximum": 1}, 1, "Must be less than 1"),
        ({"type": "integer", "multipleOf": 5}, 7, "Must be a multiple of 5"),
        ({"type": "number", "multipleOf": 0.01}, "0.015", "Must be a multiple of 0.01"),
        ({"type": "integer", "enum": [1, 2]}, 3, "Must be one of: 1, 2"),
        ({"type": "string", "const": "x", "crm": {"field": "text"}}, "y", "Must be x"),
        (
            {"type": "number", "maximum": 100, "crm": {"field": "money"}},
            {"amount": "100.01", "currency": "USD"},
            "Must be at most 100",
        ),
        ({"type": "number", "crm": {"field": "money"}}, {"amount": 1, "currency": "CNX"},
         'No currency "CNX"; did you mean CNY?'),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 1}, ["a", "b"],
         "At most 1 values"),
        ({"type": "string", **OPTIONS}, "wom", '"wom" is not an option; there are: won, new, lost'),
    ],
)  # fmt: skip
def test_standard_keywords(document: dict[str, Any], given_value: object, message: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_value(make_field(document), given_value)
    assert sentence(Problem("", refusal.value.code, refusal.value.values)) == message


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 255}, "text"),
        ({"type": "string", "maxLength": 256}, "long_text"),
        ({"type": ["string", "null"], "format": "email"}, "email"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "format": "uuid"}, "text"),
        ({"enum": ["a", None]}, "choice"),
        ({"type": "integer", "enum": [1, 2]}, "integer"),
        ({"type": "number"}, "decimal"),
    ],
)
def test_inference(document: dict[str, Any], name: str) -> None:
    assert make_field(document).type.name == name


@pytest.mark.parametrize(
    ("typed", "wire"), [("15", "0.15"), ("15 %", "0.15"), ("１２.5％", "0.125")]
)
def test_percent_form(typed: str, wire: str) -> None:
    definition = sample_object("percent")
    form = form_class(Catalog(1), definition, everything("thing"))(MultiDict({"it": typed}))
    assert form.values == {"it": wire}
    assert f'value="{typed}"' in str(form["it"]())


def test_money_form_keeps_its_currency() -> None:
    definition = sample_object("money")
    form = form_class(Catalog(1), definition, everything("thing"))
    assert 'value="USD"' in str(form(record={"it": Money(Decimal(1), "USD")})["it"]())
    sent = form(MultiDict({"it": "1,234.5", "it-currency": "eur"}))
    assert sent.values == {"it": {"amount": "1234.5", "currency": "EUR"}}
    assert form(MultiDict({"it": "", "it-currency": "EUR"})).values == {"it": None}


def test_option_attributes_are_typed() -> None:
    options = {"a": {"probability": "10%", "weight": 2, "since": "2026-01-01", "note": "x"}}
    field = make_field({"type": "string", "enum": ["a"], "crm": {"options": options}})
    assert field.options[0].attributes == {
        "probability": (Type(Kind.PERCENT), Decimal("0.1")),
        "weight": (Type(Kind.NUMBER), Decimal(2)),
        "since": (Type(Kind.DATE), date(2026, 1, 1)),
        "note": (Type(Kind.TEXT), "x"),
    }
