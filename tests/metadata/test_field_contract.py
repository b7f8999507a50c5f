"""The contract of field types: every member of the registry, whoever wrote it, does all of this.

A member shows what it does in `samples` (metadata.fields.base.Sample); what stands there is
stored, read back, filtered, exported, shown on a form and converted. Types without columns
(`parts = ()`) are not stored here, and secrets cannot be sent back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from inspect import getdoc
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator
from lxml import html as parser
from werkzeug.datastructures import MultiDict

from metadata.access import SYSTEM, everything
from metadata.catalog import Catalog
from metadata.columns import from_parts, to_columns
from metadata.encryption import Cipher, engine_options
from metadata.fields.base import FieldDefinition, FieldType, Refused, Sample, physical_name
from metadata.fields.registry import field_types, offered_types
from metadata.fields.values import read_value
from metadata.forms import form_class
from metadata.migrate import publish
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, Problem, sentence
from metadata.query import Records
from metadata.store import create_store, load_catalog
from metadata.wire import encode
from rule_engine.backends.python import compile_node
from rule_engine.expression import Expression
from rule_engine.services.evaluate import Surroundings
from rule_engine.types import Kind
from rule_engine.values import Money
from tests.metadata.databases import element, engine_for, object_body
from tests.metadata.worlds import MOMENT, NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
KEY = "2026:" + "k" * 43
TEXT = {"type": "string"}
GROUPS = ("texts", "numbers", "dates", "choices", "relations", "more")
PYTHON_FORMS: dict[Kind, type] = {
    Kind.TEXT: str,
    Kind.NUMBER: Decimal,
    Kind.PERCENT: Decimal,
    Kind.MONEY: Money,
    Kind.BOOLEAN: bool,
    Kind.DATE: date,
    Kind.INSTANT: datetime,
    Kind.TIME: time,
    Kind.CLOCK_LENGTH: timedelta,
    Kind.CHOICE: str,
    Kind.CHOICES: frozenset,
    Kind.REFERENCE: str,
    Kind.LIST: tuple,
}
SAMPLES = [(kind, sample) for kind in field_types().values() for sample in kind.samples]
STORED = [kind for kind in offered_types().values() if kind.parts]


class NoRates:
    """Rates of a base currency and no other."""

    base = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.base else None


class Nothing:
    """Related records: none."""

    def record(self, object_name: str, record_id: str) -> None:
        return None

    def records(self, object_name: str, field: str, record_id: str) -> tuple[()]:
        return ()


SURROUNDINGS = Surroundings(MOMENT.now, MOMENT.zone, None, {}, NoRates(), Nothing())
each_sample = pytest.mark.parametrize(
    ("kind", "sample"), SAMPLES, ids=[kind.name for kind, _ in SAMPLES]
)
each_type = pytest.mark.parametrize("kind", field_types().values(), ids=list(field_types()))


def make_object(kind: FieldType, sample: Sample) -> ObjectDefinition:
    """Gives an object with the sample's property `it`."""
    definition, problems = parse_object("thing", {"properties": {"it": dict(sample.document)}})
    assert problems == []
    assert definition is not None
    # a type that only system fields have cannot be written in a document
    field = replace(definition.fields["it"], type=kind, read_only=False)
    return replace(definition, fields={**definition.fields, "it": field})


def make_field(kind: FieldType, sample: Sample) -> FieldDefinition:
    """Gives the sample's field."""
    return make_object(kind, sample).fields["it"]


def values_of(kind: FieldType) -> list[tuple[FieldDefinition, object]]:
    """Gives all values of a type's samples with their fields."""
    made = [(make_field(kind, sample), sample) for sample in kind.samples]
    return [(field, read_value(field, given)) for field, s in made for given, _ in s.good]


@each_type
def test_member_is_described(kind: FieldType) -> None:
    assert set(kind.titles) == {"en", "zh"}
    assert kind.icon
    assert kind.group in GROUPS
    assert getdoc(type(kind))
    assert kind.samples
    assert any(sample.good for sample in kind.samples)
    assert any(sample.bad for sample in kind.samples)
    assert set(kind.json_types) <= {"string", "number", "integer", "boolean", "array", "object"}
    assert kind.cell
    assert kind.input.control
    assert kind.conversions <= set(offered_types())
    assert kind.sort_part in kind.parts or not kind.parts
    assert kind.unique_part in kind.parts or kind.is_write_only or not kind.parts


@each_sample
def test_wire_form(kind: FieldType, sample: Sample) -> None:
    """What is given is read; the wire form is what the sample says, and is read back."""
    field = make_field(kind, sample)
    assert field.type is kind
    schema = Draft202012Validator(kind.json_schema(field))
    for given, wire in sample.good:
        value = read_value(field, given, SHANGHAI)
        assert value is not None
        if kind.parts:
            assert isinstance(value, PYTHON_FORMS[kind.rule_type(field).kind])
        assert read_value(field, value) == value  # a value in its Python form passes
        assert kind.to_wire(value, field) == wire
        write = kind.writer(field)
        assert (value if write is None else write(value)) == wire
        assert json.loads(encode(wire)) == wire
        assert [error.message for error in schema.iter_errors(wire)] == []
        if not kind.is_write_only:
            assert read_value(field, json.loads(encode(wire))) == value


@each_sample
def test_export(kind: FieldType, sample: Sample) -> None:
    field = make_field(kind, sample)
    for given, _wire in sample.good if not kind.is_write_only else ():
        value = read_value(field, given)
        exported = kind.export(value, field)
        assert read_value(field, exported) == value


@each_sample
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_is_empty(kind: FieldType, sample: Sample, blank: object) -> None:
    assert read_value(make_field(kind, sample), blank) is None


@each_sample
def test_refusals_are_worded(kind: FieldType, sample: Sample) -> None:
    """A bad value is refused in English and Chinese, in different words and without gaps."""
    field = make_field(kind, sample)
    for value in sample.bad:
        with pytest.raises(Refused) as refusal:
            read_value(field, value)
        problem = Problem("/it", refusal.value.code, {"field": "it", **refusal.value.values})
        said = [sentence(problem, language) for language in LANGUAGES]
        assert len(set(said)) == len(LANGUAGES)
        assert not any(re.search(r"\{[a-z_]+\}", text) for text in said)


@each_sample
def test_shown(kind: FieldType, sample: Sample) -> None:
    field = make_field(kind, sample)
    for given, _wire in sample.good:
        value = read_value(field, given)
        for language in LANGUAGES:
            assert kind.display(value, field, language, SHANGHAI).strip()


@each_sample
def test_form(kind: FieldType, sample: Sample) -> None:
    """What a form shows for a value, sent back as it is, is the value again; blank is empty."""
    definition = make_object(kind, sample)
    field = definition.fields["it"]
    form = form_class(Catalog(1), definition, everything("thing"), "zh", zone=SHANGHAI)
    if not kind.parts or kind.is_write_only:
        return
    for given, _wire in sample.good:
        value = read_value(field, given)
        shown = str(form(record={"it": value})["it"]())
        sent = form(MultiDict(inputs_of(shown)))
        assert read_value(field, sent.values.get("it"), SHANGHAI) == value
    blank = form(MultiDict([(name, "") for name, _ in inputs_of(str(form()["it"]()))]))
    assert read_value(field, blank.values.get("it")) in (None, False)


def inputs_of(html: str) -> list[tuple[str, str]]:
    """Gives what a browser would send for the inputs in a piece of HTML."""
    root: Any = parser.fromstring(f"<form>{html}</form>")
    return [(str(name), str(value)) for name, value in root.form_values()]


CONVERSIONS = [
    (before, offered_types()[after])
    for before in field_types().values()
    for after in sorted(before.conversions & set(offered_types()))
]


@pytest.mark.parametrize(
    ("before", "after"), CONVERSIONS, ids=[f"{b.name}-{a.name}" for b, a in CONVERSIONS]
)
def test_conversions(before: FieldType, after: FieldType) -> None:
    """A declared conversion gives a value the new field takes, or refuses in words."""
    target = make_field(after, after.samples[0])
    converted = 0
    refused: list[Refused] = []
    for field, value in values_of(before):
        try:
            found = before.convert(value, field, target, SHANGHAI)
        except Refused as error:
            refused.append(error)
            continue
        converted += 1
        if found is not None:
            assert isinstance(found, PYTHON_FORMS[after.rule_type(target).kind])
            assert after.coerce(found, target) == found
    assert all(sentence(Problem("/it", error.code, error.values)) for error in refused)
    written = {"text", "long_text", "rich_text", "markdown", "code"}
    assert converted or after.name not in written  # text takes anything


@dataclass
class Stored:
    """A database with an object per type and a record per sample value."""

    engine: sa.Engine
    catalog: Catalog
    values: dict[str, list[tuple[str, object]]]


def name_of(kind: FieldType, place: int) -> str:
    """Gives the object that stands for a sample."""
    return f"t{place}_{kind.name}"[:40]


@pytest.fixture(scope="module")
def stored(module_database_url: str) -> Iterator[Stored]:
    """Publishes one object per sample and stores its values; the first record has none."""
    plain = object_body({"name": TEXT}, owner=False)
    elements = [element(name, plain) for name in ("account", "thing", "other")]
    elements += [element(name, plain, package="system") for name in ("user", "team")]
    for kind in STORED:
        for place, sample in enumerate(kind.samples):
            crm = {"reverse": f"back_{place}_{kind.name}"} if "reverse" in kind.parameters else {}
            it = {**sample.document, "crm": {**sample.document.get("crm", {}), **crm}}  # type: ignore[dict-item]
            body = object_body({"it": it}, owner=False, plural=f"Many {kind.name} {place}")
            elements.append(element(name_of(kind, place), body))
    with engine_for(module_database_url) as engine:
        with engine.begin() as connection:
            create_store(connection)
            publish(connection, elements, by="test")
            catalog = load_catalog(connection)
        sealing = engine.execution_options(**engine_options(Cipher([KEY])))
        made = Stored(sealing, catalog, {})
        with sealing.begin() as connection:
            for kind in STORED:
                for place, _sample in enumerate(kind.samples):
                    fill(connection, made, kind, place)
        yield made


def fill(connection: sa.Connection, stored: Stored, kind: FieldType, place: int) -> None:
    """Stores the values of one sample."""
    name = name_of(kind, place)
    definition = stored.catalog.objects[name]
    field = definition.fields["it"]
    values = [None, *(read_value(field, given) for given, _ in kind.samples[place].good)]
    stored.values[name] = []
    for number, value in enumerate(values):
        key = f"r{number}"
        row = {"id": key, "version": 1, "created_at": NOW, "updated_at": NOW, "it": value}
        if field.unique and value in [known for _, known in stored.values[name]]:
            continue
        columns = to_columns(connection, definition, key, row)
        connection.execute(stored.catalog.tables[name].insert().values(columns))
        stored.values[name].append((key, value))


@pytest.mark.parametrize("kind", STORED, ids=[kind.name for kind in STORED])
def test_storage(stored: Stored, kind: FieldType) -> None:
    """What was stored comes back, on both databases; columns are what `columns` says."""
    for place, _sample in enumerate(kind.samples):
        name = name_of(kind, place)
        definition = stored.catalog.objects[name]
        field = definition.fields["it"]
        wanted = {physical_name(field.column, part) for part in kind.parts}
        columns = kind.columns(field, field.column)
        assert {column.name for column in columns} == wanted
        assert not any(column.index or column.unique or column.foreign_keys for column in columns)
        table = stored.catalog.tables[name]
        with stored.engine.connect() as connection:
            rows = connection.execute(sa.select(table)).mappings().all()
            for row in rows:
                parts = {part: row[physical_name(field.column, part)] for part in kind.parts}
                key = str(row["id"])
                found = from_parts(connection, definition, field, key, parts)
                assert kind.is_write_only or found == dict(stored.values[name])[key]
            page = Records(stored.catalog, connection, SYSTEM, MOMENT).list(name, limit=200)
        shown = {str(item["id"]): item["it"] for item in page.items}
        assert kind.is_write_only or shown == dict(stored.values[name])


def literal(value: object, kind: Kind) -> str | None:
    """Writes a value in the rule language."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value * 100:f}%" if kind is Kind.PERCENT else f"{value:f}"
        case Money():
            return f"{value.amount:f} {value.currency}"
        case datetime():
            return None if value.microsecond else value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case time():
            return None if value.second or value.microsecond else value.isoformat("minutes")
        case timedelta():
            minutes = value / timedelta(minutes=1)
            return f"{int(minutes)} minutes" if minutes == int(minutes) >= 0 else None
        case str():
            return json.dumps(str(value), ensure_ascii=False)
    return None


def conditions(operator: str, values: list[object], kind: Kind) -> Iterator[str]:
    """Gives conditions on `it` with an operator; windows of time depend on no sample."""
    if operator.startswith("is "):
        yield f"it {operator}"
        return
    if kind is Kind.REFERENCE:
        return  # rules compare fields of the record that a reference leads to
    if operator in {"in last", "in next"}:
        yield f"it {operator} 7 days"
        return
    if operator == "older than":
        yield "it older than 7 days"
        return
    words = [w for value in values if isinstance(value, frozenset) for w in sorted(value)]
    literals = [text for value in words or values if (text := literal(value, kind)) is not None]
    if operator in {"contains", "starts with", "ends with"} and kind is Kind.TEXT:
        cuts = [str(value)[:2] for value in values] + [str(value)[-2:].upper() for value in values]
        literals = [json.dumps(cut, ensure_ascii=False) for cut in cuts if cut.strip()]
    if operator == "=" and kind is Kind.CHOICES:
        return
    for text in literals:
        if operator == "between":
            yield f"it between {text} and {literals[-1]}"
        elif operator in {"in", "not in"}:
            yield f"it {operator} [{text}]"
        else:
            yield f"it {operator} {text}"


@pytest.mark.parametrize("kind", STORED, ids=[kind.name for kind in STORED])
def test_filters(stored: Stored, kind: FieldType) -> None:
    """Each operator compiles on both databases and finds what Python finds."""
    assert kind.operators
    for operator, place in product(kind.operators, range(len(kind.samples))):
        name = name_of(kind, place)
        field = stored.catalog.objects[name].fields["it"]
        rows = stored.values[name]
        values = [value for _, value in rows if value is not None]
        for text in conditions(operator, values, kind.rule_type(field).kind):
            node = Expression.parse(text).resolve(stored.catalog.schema, name, expect=Kind.BOOLEAN)
            run = compile_node(node)
            wanted = {key for key, value in rows if run({"it": value}, SURROUNDINGS, None, None)}
            with stored.engine.connect() as connection:
                records = Records(stored.catalog, connection, SYSTEM, MOMENT)
                page = records.list(name, filter=text, fields=["id"], limit=200)
            assert (text, {item["id"] for item in page.items}) == (text, wanted)
