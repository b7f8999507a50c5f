"""Numbers in files: read as they are meant or refused with a way out, never as another number."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.fields.base import FieldDefinition
from metadata.fields.read import read_field
from metadata.fields.registry import offered_types
from tests.platform.acting import acting, change_element, make, system
from tests.platform.importing import csv_bytes, export, problems, run, upload
from tests.platform.test_import_files import workbook
from trellis.errors import RecordError
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.transfer.cells import read_cell
from trellis.transfer.errors_file import errors_file
from trellis.transfer.imports import read_import
from trellis.transfer.notations import mark_of
from trellis.transfer.settings import Column

UTC = ZoneInfo("UTC")
# The decimal mark, and what stands between groups: of three digits, or as in India.
WAYS = [
    *((".", between) for between in ("", ",", " ", "'", "’", "_")),
    *((",", between) for between in ("", ".", " ", "\u00a0", "\u202f", "'")),
]
FIELDS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "weight": ({"type": "number"}, ("",)),
    "price": ({"type": "number", "crm": {"scale": 2}}, ("",)),
    "budget": ({"type": "number", "crm": {"field": "money"}}, ("", " EUR", "€", " 元")),
    "dinar": ({"type": "number", "crm": {"field": "money", "currency": "KWD"}}, ("",)),
    "share": ({"type": "number", "crm": {"field": "percent"}}, ("", "%", " %")),
    "employees": ({"type": "integer"}, ("",)),
}
NUMBERS = st.tuples(st.integers(-10_000_000, 10_000_000), st.integers(0, 2))


def written(number: Decimal, mark: str, between: str, *, indian: bool = False) -> str:
    """Gives a number as people write it, all its places with it."""
    whole, _, fraction = f"{abs(number):f}".partition(".")
    groups = [whole[-3:]]
    rest, size = whole[:-3], 2 if indian else 3
    while rest:
        groups.insert(0, rest[-size:])
        rest = rest[:-size]
    text = between.join(groups) + (mark + fraction if fraction else "")
    return f"-{text}" if number < 0 else text


def known_field(name: str) -> FieldDefinition:
    document, _ = FIELDS[name]
    known, found = read_field(
        *(name, document, offered_types()), holder="thing", identity="", package="", required=False
    )
    assert known is not None, found
    return known


def plain(value: object) -> Decimal:
    return Decimal(str(getattr(value, "amount", value)))


@pytest.mark.parametrize("name", FIELDS)
@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=12), st.sampled_from(WAYS), st.booleans(), st.data())
def test_a_number_is_read_or_refused_and_never_another(
    name: str, drawn: list[tuple[int, int]], way: tuple[str, str], indian: bool, data: st.DataObject
) -> None:
    known, unit = known_field(name), data.draw(st.sampled_from(FIELDS[name][1]))
    places = 0 if name == "employees" else 2
    numbers = [Decimal(digits).scaleb(-min(scale, places)) for digits, scale in drawn]
    texts = [written(number, *way, indian=indian) + unit for number in numbers]
    for guessed in (True, False):
        mark = mark_of(texts[:5], None) if guessed else way[0]
        for number, text in zip(numbers, texts, strict=True):
            value, problem = read_cell(text, known, Column(decimal=mark), UTC, "X")
            if problem is None:
                assert plain(value) == (number / 100 if "%" in unit else number), (text, mark)
            else:
                assert guessed, (text, problem)
                assert problem.code == "import_number_unclear", (text, problem)


def told(name: str, texts: Sequence[str], mark: str | None) -> list[str]:
    """Gives what becomes of the cells of a column: the number, or what is wrong with it."""
    found = []
    for text in texts:
        value, problem = read_cell(text, known_field(name), Column(decimal=mark), UTC, "X")
        number = "" if value is None else f"{plain(value).normalize():f}"
        found.append(number if problem is None else problem.code.removeprefix("import_number_"))
    return found


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("budget", "0.99 19.99 1.299,00", "0.99 19.99 1299"),
        ("budget", "12.50 1.234,56", "12.5 1234.56"),
        ("budget", "1,234.56 12,50", "1234.56 12.5"),
        ("budget", "1.5 10,5", "1.5 10.5"),
        ("budget", "12.50 1 1 1 1 12,50 1.234,56 1,234", "12.5 1 1 1 1 mark mark 1234"),
        ("budget", "12,50 1 1 1 1 12.50 1,234.56 1.234", "12.5 1 1 1 1 mark mark 1234"),
        ("budget", "1,234 1.234 5", "1234 unclear 5"),
        ("dinar", "1,234 1.234 5", "unclear unclear 5"),
        ("weight", "1,234 1.234 5", "unclear unclear 5"),
        ("weight", "0,125 1.234", "0.125 1234"),
        ("weight", "0.125 1.234", "0.125 1.234"),
        ("share", "12.50% 1.234,5%", "0.125 12.345"),
        ("employees", "2.7 1,000 3.0", "integer_expected 1000 3"),
        ("employees", "1.5", "integer_expected"),
        ("employees", "1.234 1.234.567", "1234 1234567"),
    ],
)
def test_a_column_is_read_by_what_is_unambiguous(name: str, texts: str, expected: str) -> None:
    cells = texts.split()
    assert told(name, cells, mark_of(cells[:5], None)) == expected.split()


@pytest.mark.parametrize(
    ("mark", "text", "expected"),
    [
        (".", "12,345.5", "12345.5"), (".", "1,23,456", "123456"), (".", "1 234.5", "1234.5"),
        (".", "1,23", "mark"), (".", "0,125", "mark"), (".", "1.234,56", "mark"),
        (".", "1,2345", "mark"), (".", "1,234.567,8", "number_expected"),
        (".", "1.234e3", "1234"), (",", "1.234e3", "mark"), (",", "1,5E3", "1500"),
        (",", "1.234", "1234"), (",", "1.23", "mark"), (",", "1,234.56", "mark"),
        (",", "1 234,5", "1234.5"), (",", "1.234 567", "number_expected"),
        (".", "１，２３４．５", "1234.5"), (".", "+ 5", "5"), (".", "- 1,234", "-1234"),
        (".", "'-5", "-5"), (",", "'+1.234,5", "1234.5"),
        *((".", text, "number_expected") for text in (
            "1 2 3", "1..5", "٣", "1,,5", "1" * 101, "1" + " " * 200_000 + ".", "12 a 5", "%")),
    ],
)  # fmt: skip
def test_a_number_fits_the_mark_of_its_column_or_is_refused(
    mark: str, text: str, expected: str
) -> None:
    assert told("weight", [text], mark) == [expected]


# --- from a file to records ---------------------------------------------------------------------


@pytest.fixture
def measured(platform: Platform) -> Platform:
    """Gives leads a weight of three places and a share."""

    def add(body: dict[str, Any]) -> None:
        body["properties"]["weight"] = {"type": "number", "title": "W", "crm": {"scale": 3}}
        body["properties"]["share"] = {"type": "number", "title": "S", "crm": {"field": "percent"}}

    change_element(platform, "object", "lead", add)
    return platform


def import_numbers(
    platform: Platform, content: bytes, name: str = "file.csv", **settings: Any
) -> tuple[dict[str, list[str]], dict[int, list[Any]]]:
    """Imports leads; gives the numbers of each by name, and the problems by row."""
    started = upload(platform, "diana", "lead", content, name)
    foreseen = run(platform, "diana", started, dry=True, duplicates="none", **settings)
    assert run(platform, "diana", started) == foreseen
    fields = ["budget", "weight", "share", "employees"]
    with system(platform) as unit:
        items = unit.records().list("lead", fields=["name", *fields], limit=200).items
    made = {}
    for item in items:
        values = [item[field] for field in fields]
        made[str(item["name"])] = [
            "" if value is None else f"{plain(value).normalize():f}" for value in values
        ]
    return made, problems(platform, "diana", started)


HEAD = ["name", "lead_source", "budget", "weight", "share", "employees"]


def test_what_each_cell_says_becomes_the_number_or_an_error_of_its_row(measured: Platform) -> None:
    made, wrong = import_numbers(
        measured,
        csv_bytes([HEAD, ["A", "web", "0.99", "0,125", "12.50%", "7"],
                   ["B", "web", "1.299,00", "1.234", "1.234,5%", "1,000"],
                   ["C", "web", "1.234", "5", "1,234%", "1.5"], *[[n, "web"] for n in "DE"],
                   ["F", "web", "1,234.5", "1.25", "5", "7"]]),
    )  # fmt: skip
    assert {name: made[name] for name in ("A", "B")} == {
        "A": ["0.99", "0.125", "0.125", "7"],
        "B": ["1299", "1234", "12.345", "1000"],
    }
    assert wrong == {
        4: [
            ("/budget", "import_number_unclear"),
            ("/share", "import_number_unclear"),
            ("/employees", "integer_expected"),
        ],
        7: [("/weight", "import_number_mark")],
    }
    assert set(made) == {*"ABDE"}


def test_the_way_out_is_named_and_leads_out(measured: Platform) -> None:
    content = csv_bytes([["name", "lead_source", "Budget"], ["A", "web", "1.234"]])
    started = upload(measured, "diana", "lead", content)
    assert run(measured, "diana", started, dry=True) == {"error": 1}
    with acting(measured, "diana") as unit:
        done = read_import(unit, "lead", started.id)
        english, chinese = (
            b"".join(errors_file(unit, done, language)).decode() for language in ("en", "zh")
        )
    assert '""1.234"" can be 1.234 or 1234' in english
    assert "(columns.Budget.decimal)" in english
    assert "“1.234”可能是 1.234，也可能是 1234" in chinese
    assert run(measured, "diana", started, columns={"Budget": {"decimal": ","}}) == {"create": 1}
    with system(measured) as unit:
        (lead,) = unit.records().list("lead", fields=["budget"]).items
    assert plain(lead["budget"]) == 1234


def test_cells_of_workbooks_and_json_are_numbers_already(measured: Platform) -> None:
    rows = [
        ["A", "web", 12.5, 1.125, 0.15, 5],
        ["B", "web", "12,50", "0,5", "12,5%", 5.0],
        ["C", "web", 1.125, 1.125, 1, 1.5],
        ["D", "web", "12.50", "0.5", 1, 2.7],
    ]
    expected = {
        "A": ["12.5", "1.125", "0.15", "5"],
        "B": ["12.5", "0.5", "0.125", "5"],
    }
    wrong = [
        [("/employees", "integer_expected")],
        [("/employees", "integer_expected")],
    ]
    made, found = import_numbers(measured, workbook([HEAD, *rows]).getvalue(), "file.xlsx")
    assert (made, list(found.values())) == (expected, wrong)


def test_an_import_takes_whole_numbers_as_a_save_does(measured: Platform) -> None:
    for text in ("1.5", "2.70", "-0.5", "1e-1"):
        content = csv_bytes([["name", "lead_source", "employees"], ["A", "web", text]])
        _, found = import_numbers(measured, content)
        values = {"name": "A", "lead_source": "web", "employees": text}
        with acting(measured, "diana") as unit, pytest.raises(RecordError) as refused:
            save_record(unit, "lead", None, values, channel="api")
        assert found == {2: [(one.path, one.code) for one in refused.value.problems]}


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_what_was_exported_exactly_is_read_back(measured: Platform, format_: str) -> None:
    """Three places look like thousands, but the ids tell whose file it is."""
    values = {"lead_source": "web", "weight": "12.345", "budget": "1234.5", "share": "1.125"}
    lead = make(measured, "diana", "lead", name="A", **values)
    fields = ["id", "name", "weight", "budget", "share"]
    content = export(measured, "diana", "lead", mode="exact", format=format_, fields=fields)
    with acting(measured, "diana") as unit:
        cleared = {"weight": None, "budget": None, "share": None}
        save_record(unit, "lead", lead, cleared, channel="api")
    made, found = import_numbers(measured, content, f"file.{format_}")
    assert (made, found) == ({"A": ["1234.5", "12.345", "1.125", ""]}, {})
