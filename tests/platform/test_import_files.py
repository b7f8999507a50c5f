"""Files to import: what they are is found out, hostile ones are refused, nothing gets lost."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # has no stubs

from metadata.fields.base import FieldDefinition
from metadata.fields.base import Refused as ValueRefused
from metadata.fields.read import read_field
from metadata.fields.registry import offered_types
from tests.platform.importing import csv_bytes
from trellis.errors import Refused
from trellis.transfer.cells import in_order, read_cell
from trellis.transfer.delimited import write_delimited
from trellis.transfer.settings import Column
from trellis.transfer.sources import look_at, read_lines
from trellis.transfer.workbooks import MAX_RATIO

CHINESE = [["姓名", "公司", "备注"], ["李伟", "北京市朝阳区建国路科技有限公司", "新客户，需要跟进"]]
TRADITIONAL = [
    ["姓名", "公司", "備註"],
    ["陳大文", "臺北市信義區電腦股份有限公司", "這是一個新客戶"],
]
JAPANESE = [["氏名", "会社", "メモ"], ["山田太郎", "株式会社トレリス", "これは新しいお客様です"]]
WESTERN = [["Name", "Straße", "Größe"], ["Jürgen", "Übergasse 5", "groß, schön"]]
UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("rows", "codec", "expected"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "utf-16", "utf-16"),
        (WESTERN, "utf-16-le", "utf-16"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (WESTERN, "cp1252", "windows-1252"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found_out(
    rows: list[list[str]], codec: str, expected: str, delimiter: str
) -> None:
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    file = io.BytesIO(text.encode(codec))
    look = look_at(file, "file.csv", {})
    assert (look.layout.encoding, look.layout.delimiter) == (expected, delimiter)
    assert [list(look.layout.headers), *map(list, look.samples)] == rows


def test_a_wrong_choice_is_said_with_its_line() -> None:
    content = csv_bytes(CHINESE, "gbk")
    with pytest.raises(Refused) as refused:
        look_at(io.BytesIO(content), "file.csv", {"encoding": "utf-8"})
    assert [(p.path, p.code) for p in refused.value.problems] == [("/encoding", "import_encoding")]
    with pytest.raises(Refused) as refused:
        look_at(io.BytesIO(b"a\n1"), "file.csv", {"encoding": "ebcdic", "delimiter": "x"})
    assert [p.path for p in refused.value.problems] == ["/encoding", "/delimiter"]


def test_headers_are_named_once_and_rows_keep_their_numbers() -> None:
    file = io.BytesIO(b"a,a,,\n1,2\n\n,,,\n5,6,7,,9\n")
    look = look_at(file, "file.csv", {"delimiter": ","})
    assert look.layout.headers == ("a", "a (2)")
    lines = list(read_lines(file, look.layout))
    assert [(line.number, line.cells, line.beyond) for line in lines] == [
        (2, ("1", "2"), ""),
        (5, ("5", "6"), "7, 9"),
    ]


def workbook(rows: list[list[Any]]) -> io.BytesIO:
    file = io.BytesIO()
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in rows:
        page.append(row)
    book.save(file)
    file.seek(0)
    return file


def test_workbooks_and_json_lines_hold_the_same_values() -> None:
    file = workbook([["name", "n", "q"], ["Ada", 5, 1.25], [None, None, None], ["Bob", "x", True]])
    look = look_at(file, "file.xlsx", {})
    assert [line.cells for line in read_lines(file, look.layout)] == [
        ("Ada", 5, 1.25),
        ("Bob", "x", "true"),
    ]
    content = b'{"name": "Ada", "n": 5}\n\n{"q": 1.25, "name": "Bob", "t": {"a": [1.5]}}\n'
    look = look_at(io.BytesIO(content), "file", {})
    assert look.layout.headers == ("name", "n", "q", "t")
    assert look.samples == (
        ("Ada", 5, None, None),
        ("Bob", None, 1.25, {"a": [1.5]}),
    )
    with pytest.raises(Refused) as refused:
        look_at(io.BytesIO(b'{"a": 1}\n[2]\n'), "f.jsonl", {})
    assert [(p.code, p.values) for p in refused.value.problems] == [
        ("import_json_line", {"line": 2})
    ]


def test_sec_14_xml_in_workbooks_is_read_by_defusedxml() -> None:
    assert openpyxl.DEFUSEDXML is True
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    file = io.BytesIO()
    with zipfile.ZipFile(workbook([["a"], ["b"]])) as source, zipfile.ZipFile(file, "w") as made:
        for member in source.infolist():
            content = source.read(member)
            made.writestr(member, laughs + content if "sheet1" in member.filename else content)
    with pytest.raises(Refused) as refused:
        look_at(file, "file.xlsx", {})
    assert [p.code for p in refused.value.problems] == ["import_workbook"]


@pytest.mark.parametrize("kind", ["dense", "many", "no zip"])
def test_sec_15_a_bomb_is_refused_before_it_is_unpacked(kind: str) -> None:
    file = io.BytesIO()
    if kind == "no zip":
        file.write(b"PK\x03\x04 this is none")
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
            if kind == "dense":
                made.writestr("xl/worksheets/sheet1.xml", b"0" * (MAX_RATIO * 40_000))
            else:
                for number in range(1_001):
                    made.writestr(str(number), b"x")
    with pytest.raises(Refused) as refused:
        look_at(file, "file.xlsx", {})
    expected = "import_workbook" if kind == "no zip" else "import_bomb"
    assert [p.code for p in refused.value.problems] == [expected]


def test_sec_15_a_sheet_that_lies_about_its_size_costs_nothing() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet().write(0, 0, "a")
    lying = io.BytesIO()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(lying, "w") as made:
        for member in source.infolist():
            content = source.read(member)
            made.writestr(member, content.replace(b'ref="A1"', b'ref="A1:XFD1048576"'))
    with pytest.raises(Refused) as refused:
        look_at(lying, "file.xlsx", {})
    assert [p.code for p in refused.value.problems] == ["import_empty"]


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("31.12.2025", "dmy", "2025-12-31"),
        ("12/31/25", "mdy", "2025-12-31"),
        ("1-2-70", "dmy", "1970-02-01"),
        ("31.12.2025 14:30", "dmy", "2025-12-31T14:30"),
        ("2025-12-31", "dmy", "2025-12-31"),
        ("soon", "mdy", "soon"),
    ],
)
def test_days_are_read_in_the_chosen_order(text: str, order: str, expected: str) -> None:
    assert in_order(text, order) == expected


def fields() -> list[tuple[FieldDefinition, list[object]]]:
    """Gives a field of each type for each of its samples, with values it takes."""
    made = []
    for kind in offered_types().values():
        for sample in kind.samples:
            known, _ = read_field(
                *("value", sample.document, offered_types()),
                holder="thing", identity="", package="", required=False,
            )  # fmt: skip
            if known is not None and known.type.parts and not known.type.is_write_only:
                made.append((known, [given for given, _ in sample.good]))
    return made


TEXTS = ["=1+1", "'a", " x ", 'q"u,o;te', "a\nb", "1e5", "-5", "+8613800138000", "ß", "李", "\t"]


def test_what_is_written_exactly_is_read_back_for_all_field_types() -> None:
    drawn = random.Random(5)
    tried = 0
    for known, samples in fields():
        for given in [*samples, *drawn.sample(TEXTS, 4)]:
            try:
                value = known.type.coerce(given, known, UTC)
            except ValueRefused:
                continue
            if value is None:
                continue
            text = known.type.export(value, known)
            file = io.BytesIO(write_delimited([["value", "n"], [text, "1"]]).encode())
            layout = look_at(file, "f.csv", {"delimiter": ",", "encoding": "utf-8"}).layout
            (line,) = read_lines(file, layout)
            again, problem = read_cell(line.cells[0], known, Column(), UTC)
            assert problem is None, (known.type.name, value, text, problem)
            assert known.type.to_wire(again, known) == known.type.to_wire(value, known)
            tried += 1
    assert tried > 90
