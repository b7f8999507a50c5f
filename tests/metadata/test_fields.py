"""What is special about field types; what all of them do is in test_field_contract.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

import metadata
from metadata.access import everything
from metadata.catalog import Catalog
from metadata.fields.base import FieldDefinition, Refused
from metadata.fields.values import read_value
from metadata.forms import form_class
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, Problem, sentence, templates
from rule_engine.types import Kind, Type
from rule_engine.values import Money

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPTIONS = {"enum": ["new", "won", "lost"], "crm": {"options": {"won": {"title": "Won"}}}}


def make_object(document: dict[str, Any]) -> ObjectDefinition:
    definition, problems = parse_object("thing", {"properties": {"it": document}})
    assert problems == []
    assert definition is not None
    return definition


def make_field(document: dict[str, Any]) -> FieldDefinition:
    return make_object(document).fields["it"]


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
    field = make_field({"type": "number"})
    value = read_value(field, str(number))
    assert value == number
    assert read_value(field, field.type.to_wire(value, field)) == number


@given(st.text())
def test_text_is_clean_or_refused(text: str) -> None:
    field = make_field({"type": "string"})
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
        ({"type": "string", "format": "time"}, "time"),
        ({"type": "string", "format": "duration"}, "duration"),
        ({"type": "array", "items": {"type": "string"}}, "tags"),
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
    definition = make_object({"type": "number", "crm": {"field": "percent"}})
    form = form_class(Catalog(1), definition, everything("thing"))(MultiDict({"it": typed}))
    assert form.values == {"it": wire}
    assert f'value="{typed}"' in str(form["it"]())


def test_money_form_keeps_its_currency() -> None:
    definition = make_object({"type": "number", "crm": {"field": "money"}})
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
