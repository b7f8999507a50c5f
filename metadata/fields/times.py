"""Days, times of the day, instants and lengths of time as texts."""

from __future__ import annotations

import re
from datetime import UTC as UTC_ZONE
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from metadata.fields.base import Refused
from metadata.fields.numbers import plain, shown

ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
WRITTEN_DATE: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.ASCII
)
ISO_TIME: Final = re.compile(r"\d\d:\d\d(:\d\d([.,]\d{1,6})?)?", re.ASCII)
ISO_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s*([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
NUMBER: Final = r"(\d{1,9}(?:[.,]\d{1,9})?)"
ISO_LENGTH: Final = re.compile(
    rf"(-)?P(?:{NUMBER}W)?(?:{NUMBER}D)?(?:T(?=\d)(?:{NUMBER}H)?(?:{NUMBER}M)?(?:{NUMBER}S)?)?",
    re.ASCII | re.IGNORECASE,
)
CLOCK_LENGTH: Final = re.compile(r"(-)?(\d{1,7}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
SAID_LENGTH: Final = re.compile(
    rf"(-)?(?:{NUMBER}\s*(?:d|days?|天|日))?\s*(?:{NUMBER}\s*(?:h|hrs?|hours?|小时|时))?\s*"
    rf"(?:{NUMBER}\s*(?:m|mins?|minutes?|分钟|分))?\s*(?:{NUMBER}\s*(?:s|secs?|seconds?|秒钟?))?",
    re.IGNORECASE,
)
WORDS: Final = {"en": (" h", " min", " s", " "), "zh": ("小时", "分钟", "秒", "")}
UNITS: Final = (604_800, 86_400, 3_600, 60, 1)
"""Seconds of weeks, days, hours, minutes and seconds; a day of a duration has 24 hours."""
MAX_LENGTH: Final = timedelta(days=36_525)


def read_date(text: str) -> date:
    """Gives the day of `2026-03-01`. Raises Refused."""
    if not ISO_DATE.fullmatch(text):
        raise Refused("date", value=shown(text))
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("date", value=shown(text)) from error


def read_written_date(text: str) -> date:
    """Gives the day of a text in the order year, month, day: `2026/3/1`, `2026年3月1日`."""
    found = WRITTEN_DATE.fullmatch(text)
    return read_date("{}-{:0>2}-{:0>2}".format(*found.groups()) if found else text)


def read_time(text: str) -> time:
    """Gives the time of `09:30`, to the millisecond. Raises Refused."""
    if not ISO_TIME.fullmatch(text):
        raise Refused("time", value=shown(text))
    try:
        found = time.fromisoformat(text.replace(",", "."))
    except ValueError as error:
        raise Refused("time", value=shown(text)) from error
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def write_time(value: time) -> str:
    """Gives `09:30`, with seconds only where there are some."""
    if value.microsecond:
        return value.isoformat("milliseconds")
    return value.isoformat("seconds" if value.second else "minutes")


def to_milliseconds(moment: datetime) -> datetime:
    """Gives an aware instant in UTC, cut to milliseconds. Raises Refused past year 9999."""
    try:
        in_utc = moment.astimezone(UTC_ZONE)
    except OverflowError as error:
        raise Refused("datetime", value=str(moment)) from error
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000)


def read_instant(text: str, zone: ZoneInfo) -> datetime:
    """Gives the instant an ISO 8601 text names; without an offset it is in `zone`."""
    if not ISO_INSTANT.fullmatch(text):
        raise Refused("datetime", value=shown(text))
    try:
        moment = datetime.fromisoformat(text.upper().replace(",", ".").replace(" Z", "Z"))
    except ValueError as error:
        raise Refused("datetime", value=shown(text)) from error
    return to_milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def read_length(text: str) -> timedelta:
    """Gives the length of `PT8H30M` or `8:30`, to the millisecond. Raises Refused.

    Months and years have no fixed length and are refused.
    """
    clock = CLOCK_LENGTH.fullmatch(text)
    iso = None if clock else ISO_LENGTH.fullmatch(text)
    said = None if clock or iso else SAID_LENGTH.fullmatch(text)
    if clock is not None:
        sign, numbers = clock[1], (None, None, *clock.groups()[1:])
    elif iso is not None and any(iso.groups()[1:]):
        sign, numbers = iso[1], iso.groups()[1:]
    elif said is not None and any(said.groups()[1:]):
        sign, numbers = said[1], (None, *said.groups()[1:])
    else:
        raise Refused("duration", value=shown(text))
    pairs = zip(numbers, UNITS, strict=True)
    seconds = sum(Decimal(n.replace(",", ".")) * unit for n, unit in pairs if n is not None)
    length = timedelta(milliseconds=int(seconds * 1000)) if seconds < 10**12 else None
    return bounded(None if length is None else (-length if sign else length), text)


def bounded(length: timedelta | None, text: str) -> timedelta:
    """Refuses lengths of more than a hundred years."""
    if length is None or abs(length) > MAX_LENGTH:
        raise Refused("duration_size", value=shown(text))
    return length


def write_length(length: timedelta) -> str:
    """Gives ISO 8601, as in `PT8H30M`."""
    sign, hours, minutes, seconds = split_length(length)
    parts = ((str(hours), "H"), (str(minutes), "M"), (plain(seconds), "S"))
    text = "".join(f"{number}{unit}" for number, unit in parts if number != "0")
    return f"{sign}PT{text or '0S'}"


def write_clock(length: timedelta) -> str:
    """Gives `8:30`, with seconds only where there are whole ones; else ISO 8601."""
    sign, hours, minutes, seconds = split_length(length)
    if seconds != int(seconds):
        return write_length(length)
    return f"{sign}{hours}:{minutes:02}" + (f":{int(seconds):02}" if seconds else "")


def say_length(length: timedelta, language: str) -> str:
    """Gives `8 h 30 min`, or `8小时30分钟`."""
    words = WORDS.get(language, WORDS["en"])
    sign, hours, minutes, seconds = split_length(length)
    numbers = (str(hours), str(minutes), plain(seconds))
    parts = [n + word for n, word in zip(numbers, words[:3], strict=True) if n != "0"]
    return sign + (words[3].join(parts) or f"0{words[1]}")


def split_length(length: timedelta) -> tuple[str, int, int, Decimal]:
    """Gives sign, hours, minutes and seconds."""
    milliseconds = length // timedelta(milliseconds=1)
    sign, rest = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    minutes, thousandths = divmod(rest, 60_000)
    return sign, minutes // 60, minutes % 60, Decimal(thousandths) / 1000
