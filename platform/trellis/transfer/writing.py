"""Files made of records: CSV, XLSX and JSON lines."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Final

import xlsxwriter  # type: ignore[import-untyped]  # has no stubs

from trellis.transfer.delimited import write_delimited

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}
SPOOLED: Final = 4 << 20
MAX_CELL: Final = 32_767
"""Characters that a cell of a workbook holds."""
MARK: Final = "\ufeff"

Rows = Iterable[Sequence[object]]


@contextmanager
def written(format_: str, headers: Sequence[str], rows: Rows, *, safe: bool) -> Iterator[IO[bytes]]:
    """Gives a temporary file with a table; `safe` CSV is for spreadsheets, with a mark that tells
    them its encoding and nothing that they would calculate."""
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as file:
        if format_ == "xlsx":
            write_workbook(file, headers, rows)
        elif format_ == "jsonl":
            for row in rows:
                record = dict(zip(headers, row, strict=True))
                file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        else:
            file.write((MARK if safe else "").encode())
            file.write(write_delimited([headers], safe=safe).encode())
            for row in rows:
                file.write(write_delimited([[str(one) for one in row]], safe=safe).encode())
        file.seek(0)
        yield file


def write_workbook(file: IO[bytes], headers: Sequence[str], rows: Rows) -> None:
    """Writes a workbook in which every text is a text: no formula, no link."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(file, options)
    page = book.add_worksheet()
    bold = book.add_format({"bold": True})
    for place, header in enumerate(headers):
        page.write_string(0, place, header, bold)
    page.freeze_panes(1, 0)
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            if isinstance(value, bool):
                page.write_boolean(number, place, value)
            elif isinstance(value, (int, float)):
                page.write_number(number, place, value)
            elif value != "":
                page.write_string(number, place, str(value)[:MAX_CELL])
    book.close()
