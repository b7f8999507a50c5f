"""Files to import: what they are, what their columns are called, and their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO, Any, Final, Literal

from metadata.problems import Problem
from trellis.errors import Refused
from trellis.transfer.delimited import DELIMITERS, detect_delimiter, read_delimited
from trellis.transfer.encodings import ENCODINGS, detect_encoding
from trellis.transfer.json_lines import read_json_lines
from trellis.transfer.workbooks import read_workbook, sheets_of

Format = Literal["csv", "xlsx", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "xlsx", "jsonl")
HEAD_BYTES: Final = 64 << 10
SAMPLE_ROWS: Final = 5
MAX_COLUMNS: Final = 500
KEY_ROWS: Final = 1_000
"""JSON lines name their columns themselves: so many are looked at for names."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is read. `encoding` and `delimiter` are for texts, `sheet` for workbooks; without
    a `header` the first row holds values."""

    format: Format
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str | None = None
    header: bool = True
    headers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Gives the layout as it is kept."""
        return {
            "format": self.format,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "sheet": self.sheet,
            "header": self.header,
            "headers": list(self.headers),
        }


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file: its number as a spreadsheet shows it, and its cells by column.

    `beyond` says what does not belong to any column.
    """

    number: int
    cells: tuple[object, ...]
    beyond: str = ""

    @property
    def is_blank(self) -> bool:
        """Says whether there is nothing in it."""
        return not self.beyond and all(cell in ("", None) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Look:
    """What a file shows before it is read: its layout, first rows, and a workbook's sheets."""

    layout: Layout
    samples: tuple[tuple[object, ...], ...]
    sheets: tuple[str, ...] = ()


def layout_from(kept: Mapping[str, Any]) -> Layout:
    """Gives a layout out of what `to_json` gave."""
    return Layout(**{**kept, "headers": tuple(kept["headers"])})


def look_at(stream: IO[bytes], name: str, wanted: Mapping[str, Any]) -> Look:
    """Finds out how a file is to be read; what is `wanted` is not looked for.

    Raises Refused for what cannot be read, and for a file without rows.
    """
    problems = list(flaws(wanted))
    if problems:
        raise Refused(problems)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    found = wanted.get("format") or format_of(head, name)
    encoding = wanted.get("encoding") or (detect_encoding(head) if found == "csv" else "utf-8")
    delimiter = wanted.get("delimiter") or ","
    if found == "csv" and "delimiter" not in wanted:
        delimiter = detect_delimiter(head, encoding)
    sheets = tuple(sheets_of(stream)) if found == "xlsx" else ()
    if wanted.get("sheet") and wanted["sheet"] not in sheets:
        values = {"value": wanted["sheet"], "known": list(sheets), "nearest": None}
        raise Refused([Problem("/sheet", "not_known", values)])
    header = wanted.get("header", True)
    layout = Layout(found, encoding, delimiter, wanted.get("sheet"), header)
    layout = replace(layout, headers=headers_of(stream, layout))
    lines = islice(read_lines(stream, layout), SAMPLE_ROWS)
    samples = tuple(line.cells for line in lines)
    if not samples:
        raise Refused([Problem("/file", "import_empty", {"name": name})])
    return Look(layout, samples, sheets)


def flaws(wanted: Mapping[str, Any]) -> Iterator[Problem]:
    """Finds what nobody can read a file by."""
    known = {"format": FORMATS, "encoding": ENCODINGS, "delimiter": DELIMITERS}
    for name, values in known.items():
        if name in wanted and wanted[name] not in values:
            told = {"value": wanted[name], "known": list(values), "nearest": None}
            yield Problem(f"/{name}", "not_known", told)
    if not isinstance(wanted.get("sheet"), str | None):
        yield Problem("/sheet", "text_expected")
    if not isinstance(wanted.get("header", True), bool):
        yield Problem("/header", "boolean_expected")


def format_of(head: bytes, name: str) -> Format:
    """Tells what a file is by its beginning, then by its name."""
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if begins == b"{" or name.lower().endswith((".jsonl", ".ndjson")):
        return "jsonl"
    return "csv"


def headers_of(stream: IO[bytes], layout: Layout) -> tuple[str, ...]:
    """Gives the names of the columns, each once: those that are repeated get a number."""
    stream.seek(0)
    if layout.format == "jsonl":
        first = islice(read_json_lines(stream), KEY_ROWS)
        names: Sequence[object] = list(dict.fromkeys(key for row in first for key in row))
    else:
        names = list(next(row_source(stream, layout), ()))
        if not layout.header:
            names = [""] * len(names)
    if len(names) > MAX_COLUMNS:
        values = {"limit": MAX_COLUMNS, "count": len(names)}
        raise Refused([Problem("/file", "import_columns", values)])
    made: list[str] = []
    last = max((at for at, name in enumerate(names, 1) if str(name).strip()), default=0)
    width = last if layout.header else len(names)
    for place, name in enumerate(names[:width], 1):
        plain = " ".join(str(name).split()) or f"Column {place}"
        again = made.count(plain) or sum(one.startswith(f"{plain} (") for one in made)
        made.append(f"{plain} ({again + 1})" if plain in made else plain)
    return tuple(made)


def read_lines(stream: IO[bytes], layout: Layout, skip: int = 0) -> Iterator[Line]:
    """Gives the rows that hold something, after the first `skip` rows of the file."""
    stream.seek(0)
    width = len(layout.headers)
    if layout.format == "jsonl":
        for number, row in enumerate(read_json_lines(stream), 1):
            if number > skip:
                beyond = ", ".join(name for name in row if name not in layout.headers)
                cells = tuple(row.get(name) for name in layout.headers)
                yield Line(number, cells, beyond)
        return
    for number, row_cells in enumerate(row_source(stream, layout), 1):
        if number <= skip or (layout.header and number == 1):
            continue
        beyond = ", ".join(str(cell) for cell in row_cells[width:] if cell != "")
        whole = (*row_cells[:width], *("",) * (width - len(row_cells)))
        line = Line(number, whole, beyond)
        if not line.is_blank:
            yield line


def row_source(stream: IO[bytes], layout: Layout) -> Iterator[Sequence[object]]:
    """Gives all rows of a text or a workbook."""
    if layout.format == "xlsx":
        return read_workbook(stream, layout.sheet)
    return read_delimited(stream, layout.encoding, layout.delimiter)
