"""Tables as text: finding the delimiter, reading and writing rows. The one way CSV is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final

from metadata.problems import Problem
from trellis.errors import Refused
from trellis.transfer.encodings import codec_of, decoded

DELIMITERS: Final = (",", ";", "\t", "|")
MAX_CELL: Final = 1 << 20
"""So many characters one cell has at most."""
FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")

csv.field_size_limit(MAX_CELL)


def detect_delimiter(head: bytes, encoding: str) -> str:
    """Gives the delimiter that cuts the first lines into most columns, all of them alike."""
    text = decoded(head, encoding) or ""
    counts = {one: columns(text, one) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: counts[one])


def columns(text: str, delimiter: str) -> tuple[int, int]:
    """Gives the number of columns that most lines have when all begin so, and of such lines."""
    lines = text.splitlines(keepends=True)[:50]
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return 0, 0
    if not rows or len(rows[0]) < 2:
        return 1, 0
    alike = sum(len(row) == len(rows[0]) for row in rows)
    return (len(rows[0]) if 2 * alike >= len(rows) else 1), alike


def read_delimited(stream: IO[bytes], encoding: str, delimiter: str) -> Iterator[Sequence[str]]:
    """Gives the rows of a text, blank ones too. Raises Refused for what cannot be read."""
    head = stream.read(4096)
    stream.seek(0)
    text = io.TextIOWrapper(stream, codec_of(encoding, head), newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        yield from reader
    except UnicodeDecodeError as error:
        values = {"encoding": encoding, "line": reader.line_num + 1}
        raise Refused([Problem("/encoding", "import_encoding", values)]) from error
    except csv.Error as error:
        values = {"detail": str(error), "line": reader.line_num}
        raise Refused([Problem("/file", "import_syntax", values)]) from error
    finally:
        text.detach()


def write_delimited(rows: Iterable[Sequence[str]], *, safe: bool = False) -> str:
    """Writes rows as CSV (RFC 4180); `safe` keeps spreadsheets from taking texts for formulas."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    for row in rows:
        writer.writerow([harmless(cell) for cell in row] if safe else row)
    return written.getvalue()


def harmless(cell: str) -> str:
    """Gives a text that no spreadsheet calculates: an apostrophe comes before what would begin a
    formula."""
    return f"'{cell}" if cell[:1] in FORMULA else cell
