"""Tables in XLSX files: looked into before they are unpacked, read row by row."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import IO, Final

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from metadata.fields.times import write_length
from metadata.problems import Problem
from trellis.errors import Refused

MAX_UNPACKED: Final = 256 << 20
MAX_RATIO: Final = 100
MAX_MEMBERS: Final = 1_000
MAX_SCANNED: Final = 1_048_576
"""So many rows, empty ones between included, are looked at."""
BROKEN: Final = (
    *(zipfile.BadZipFile, InvalidFileException, DefusedXmlException, KeyError, ValueError),
    *(OSError, TypeError, AttributeError, IndexError, SyntaxError, EOFError),
)
"""What openpyxl raises for files that are no workbooks; its readers trust their input."""


def read_workbook(stream: IO[bytes], sheet: str | None) -> Iterator[Sequence[object]]:
    """Gives the rows of a sheet (the first without a name): numbers, and texts for all else.

    Raises Refused.
    """
    refuse_bombs(stream)
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        page = book[sheet] if sheet else book.worksheets[0]
        # What a file says of its size is not believed: a wrong one makes millions of empty cells.
        page.reset_dimensions()
        for number, row in enumerate(page.iter_rows(values_only=True)):
            if number >= MAX_SCANNED:
                return
            yield [as_cell(value) for value in row]
    except BROKEN as error:
        raise Refused(
            [Problem("/file", "import_workbook", {"detail": type(error).__name__})]
        ) from error


def sheets_of(stream: IO[bytes]) -> list[str]:
    """Gives the names of a workbook's sheets. Raises Refused."""
    refuse_bombs(stream)
    try:
        return list(openpyxl.load_workbook(stream, read_only=True, keep_links=False).sheetnames)
    except BROKEN as error:
        raise Refused(
            [Problem("/file", "import_workbook", {"detail": type(error).__name__})]
        ) from error


def refuse_bombs(stream: IO[bytes]) -> None:
    """Raises Refused for a file that would unpack to more than is read, by what it declares.

    Reading stops at the declared size of a member, so a false declaration gains nothing.
    """
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise Refused([Problem("/file", "import_workbook", {"detail": "BadZipFile"})]) from error
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    too_dense = unpacked > MAX_RATIO * max(packed, 1)
    if unpacked > MAX_UNPACKED or too_dense or len(members) > MAX_MEMBERS:
        values = {"limit": MAX_UNPACKED >> 20, "ratio": MAX_RATIO}
        raise Refused([Problem("/file", "import_bomb", values)])
    stream.seek(0)


def as_cell(value: object) -> object:
    """Gives a cell's value as fields read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat("T", "milliseconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return write_length(value)
    return value if isinstance(value, int) else str(value)
