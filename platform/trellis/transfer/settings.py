"""What somebody decides about an import: which column goes where, and what happens to records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from metadata.fields.types.reference import UUID
from metadata.json_text import mapping, nearest, pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from rule_engine.types import Kind
from trellis.errors import Refused
from trellis.transfer.headers import (
    RECORD_ID,
    Guess,
    Target,
    fillable,
    findable,
    read_target,
    searchable,
)
from trellis.transfer.notations import mark_of
from trellis.transfer.sources import Look
from trellis.unit import Unit

POLICIES: Final = ("create", "update", "upsert", "skip")
DUPLICATES: Final = ("none", "report", "skip")
BLANKS: Final = ("keep", "clear")
ORDERS: Final = ("ymd", "dmy", "mdy")
POINTS: Final = (".", ",")
WORDS: Final[Mapping[str, Sequence[str]]] = {
    "policy": POLICIES,
    "duplicates": DUPLICATES,
    "blank": BLANKS,
}
COLUMN_KEYS: Final = ("field", "date", "decimal", "values")
KEYS: Final = (*WORDS, "columns", "defaults", "match", "save_as", "silent")
MAX_NAME: Final = 100
NUMBERS: Final = (Kind.NUMBER, Kind.PERCENT, Kind.MONEY)
DAYS: Final = (Kind.DATE, Kind.INSTANT)
DAY: Final = re.compile(r"\s*(\d{1,2})\s*([-/.])\s*(\d{1,2})\s*[-/.]\s*\d{2,4}")
MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Column:
    """What is done with one column; without a target it is left out. `date` is the order of day
    and month, `values` what texts stand for. `decimal` is the mark before the fraction; without one
    each number must tell it."""

    target: Target | None = None
    score: int = 0
    how: str = ""
    date: str = "ymd"
    decimal: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an import does.

    `policy` says what becomes of rows whose record is there (by the field `match`) and of others,
    `blank` whether empty cells of existing records empty their fields; `silent` runs no rules.
    """

    columns: tuple[Column, ...]
    defaults: Mapping[str, object] = field(default_factory=dict)
    policy: str = "create"
    match: str | None = None
    duplicates: str = "report"
    blank: str = "keep"
    silent: bool = False

    @property
    def targets(self) -> Mapping[str, int]:
        """Gives the columns' places by the field they fill."""
        places = enumerate(self.columns)
        return {one.target.field: place for place, one in places if one.target is not None}

    def to_json(self) -> dict[str, Any]:
        """Gives the settings as they are kept."""
        columns = [
            {
                "target": None if one.target is None else str(one.target),
                "score": one.score,
                "how": one.how,
                "date": one.date,
                "decimal": one.decimal,
                "values": dict(one.values),
            }
            for one in self.columns
        ]
        names = ("policy", "match", "duplicates", "blank", "silent")
        others = {name: getattr(self, name) for name in names}
        return {"columns": columns, "defaults": dict(self.defaults), **others}


def settings_from(kept: Mapping[str, Any]) -> Settings:
    """Gives settings out of what `to_json` gave."""
    columns = tuple(
        Column(**{**one, "target": None if one["target"] is None else kept_target(one["target"])})
        for one in kept["columns"]
    )
    return Settings(**{**kept, "columns": columns})


def kept_target(text: str) -> Target:
    """Gives a target out of its text, whether or not it still exists."""
    name, _, by = text.partition(".by.")
    return Target(name, by or None)


def first_settings(
    definition: ObjectDefinition, guesses: Sequence[Guess | None], look: Look
) -> Settings:
    """Gives the settings that a file suggests by itself."""
    by_column = zip(*look.samples, strict=True)
    texts = [[cell for cell in column if isinstance(cell, str)] for column in by_column]
    ids = [
        text
        for guess, column in zip(guesses, texts, strict=True)
        if guess is not None and guess.target == Target(RECORD_ID)
        for text in column
        if text
    ]
    # JSON has a point before the fraction, and so has a file that was written here.
    is_own = bool(ids) and all(map(UUID.fullmatch, ids))
    usual = "." if is_own or look.layout.format == "jsonl" else None
    columns = tuple(
        first_column(definition, guess, column, usual)
        for guess, column in zip(guesses, texts, strict=True)
    )
    has_id = any(one.target == Target(RECORD_ID) for one in columns)
    return Settings(
        columns, policy="upsert" if has_id else "create", match="id" if has_id else None
    )


def first_column(
    definition: ObjectDefinition, guess: Guess | None, samples: Sequence[str], usual: str | None
) -> Column:
    """Gives a column with what its first values tell of dates and numbers; where they tell no
    decimal mark it is the `usual` one."""
    if guess is None:
        return Column(decimal=usual)
    known = definition.fields.get(guess.target.field)
    kind = None if known is None else known.type.kind
    mark = mark_of(samples, usual) if kind in NUMBERS else usual
    order = order_of(samples) if kind in DAYS else "ymd"
    return Column(guess.target, guess.score, guess.how, order, mark)


def order_of(samples: Sequence[str]) -> str:
    """Gives the order in which the first values write a day; with points the day comes first."""
    found = [match for match in map(DAY.match, samples) if match is not None]
    if not found:
        return "ymd"
    if any(int(one[1]) > MONTHS or "." in one[2] for one in found):
        return "dmy"
    return "mdy" if any(int(one[3]) > MONTHS for one in found) else "dmy"


def read_settings(
    unit: Unit,
    definition: ObjectDefinition,
    headers: Sequence[str],
    before: Settings,
    body: Mapping[str, object],
) -> Settings:
    """Gives the settings changed as a body says. Raises Refused with all that is wrong."""
    problems = [unknown((name,), name, KEYS) for name in body if name not in KEYS]
    taken: dict[str, Any] = {name: body[name] for name in (*WORDS, "match") if name in body}
    for name, known in WORDS.items():
        if name in taken and taken[name] not in known:
            problems.append(not_known((name,), taken.pop(name), known))
    problems += [
        Problem(pointer([name]), "map_expected")
        for name in ("columns", "defaults")
        if name in body and not isinstance(body[name], Mapping)
    ]
    silent = body.get("silent", before.silent)
    if not isinstance(silent, bool):
        problems.append(Problem("/silent", "boolean_expected"))
    if not isinstance(body.get("save_as", ""), str):
        problems.append(Problem("/save_as", "text_expected"))
    columns = list(before.columns)
    for header, wanted in mapping(body.get("columns")).items():
        if header not in headers:
            problems.append(unknown(("columns", header), header, headers, "import_unknown_column"))
            continue
        place = list(headers).index(header)
        columns[place] = read_column(unit, definition, header, wanted, columns[place], problems)
    made = replace(before, columns=tuple(columns), silent=silent is True, **taken)
    if "defaults" in body:
        made = replace(made, defaults=mapping(body["defaults"]))
    problems += flaws(unit, definition, headers, made)
    if problems:
        raise Refused(problems)
    return made


def read_column(
    unit: Unit,
    definition: ObjectDefinition,
    header: str,
    wanted: object,
    before: Column,
    problems: list[Problem],
) -> Column:
    """Gives a column as it is wanted: by a target, none, or an object with more."""
    if wanted is None or isinstance(wanted, str):
        wanted = {"field": wanted}
    place = ("columns", header)
    if not isinstance(wanted, Mapping):
        problems.append(Problem(pointer(place), "map_expected"))
        return before
    problems += [
        unknown((*place, key), key, COLUMN_KEYS) for key in wanted if key not in COLUMN_KEYS
    ]
    for key, known in (("date", ORDERS), ("decimal", POINTS)):
        if key in wanted and wanted[key] not in known:
            problems.append(not_known((*place, key), wanted[key], known))
    values = wanted.get("values", before.values)
    problems += not_texts((*place, "values"), values)
    column = replace(
        before,
        date=wanted.get("date", before.date),
        decimal=wanted.get("decimal", before.decimal),
        values={str(k): str(v) for k, v in mapping(values).items()},
    )
    if "field" not in wanted:
        return column
    text = wanted["field"]
    if text is None or text == "":
        return replace(column, target=None, score=0, how="")
    target = read_target(unit, definition, str(text))
    if target is None:
        problems.append(unknown_target(unit, definition, (*place, "field"), str(text)))
    return replace(column, target=target, score=100, how="chosen")


def not_texts(place: tuple[str, ...], given: object) -> Iterator[Problem]:
    """Finds what is no text by text."""
    if not isinstance(given, Mapping):
        yield Problem(pointer(place), "map_expected")
        return
    for name, value in given.items():
        if not isinstance(value, str):
            yield Problem(pointer((*place, name)), "text_expected")


def unknown_target(
    unit: Unit, definition: ObjectDefinition, place: tuple[str, ...], text: str
) -> Problem:
    """Words a target that is no field which this person may write."""
    fields = fillable(unit, definition)
    name, _, rest = text.partition(".")
    if rest and name in fields:
        known = [f"{name}.by.{by}" for by in findable(unit, fields[name])]
        return Problem(
            pointer(place), "not_known", {"value": text, "known": known, "nearest": None}
        )
    known = [RECORD_ID, *fields]
    values = {"object": definition.name, "name": text, "nearest": nearest(text, known)}
    return Problem(pointer(place), "unknown_field", values)


def flaws(
    unit: Unit, definition: ObjectDefinition, headers: Sequence[str], made: Settings
) -> Iterator[Problem]:
    """Finds what does not fit together."""
    seen: dict[str, str] = {}
    for header, column in zip(headers, made.columns, strict=True):
        if column.target is None:
            continue
        other = seen.setdefault(column.target.field, header)
        if other != header:
            values = {"field": column.target.field, "first": other, "second": header}
            yield Problem(pointer(("columns", header)), "import_field_twice", values)
    fields = fillable(unit, definition)
    for name in made.defaults:
        if name not in fields:
            yield unknown_target(unit, definition, ("defaults", name), name)
    if made.policy != "create" or made.match is not None:
        known = [RECORD_ID, *searchable(unit, definition.name)]
        if made.match is None:
            yield Problem("/match", "import_match_missing")
        elif made.match not in known:
            yield not_known(("match",), made.match, known)
        elif made.match not in made.targets:
            yield Problem("/match", "import_match_unmapped", {"field": made.match})


def missing(unit: Unit, definition: ObjectDefinition, made: Settings) -> Iterator[str]:
    """Gives the required fields that neither a column nor a default fills: unless a rule does,
    no record can be made."""
    if made.policy == "update":
        return
    access = unit.principal.access(definition.name)
    for one in definition.own_fields:
        given = one.name in made.targets or one.name in made.defaults or one.default is not None
        automatic = one.computed or one.type.is_automatic or one.read_only or one.retired
        if one.required and access.sees(one.name) and not (given or automatic):
            yield one.name


def not_known(place: tuple[str, ...], value: object, known: Sequence[str]) -> Problem:
    """Words a value that is none of a few."""
    values = {"value": value, "known": list(known), "nearest": nearest(str(value), known)}
    return Problem(pointer(place), "not_known", values)


def unknown(
    place: tuple[str, ...], name: str, known: Sequence[str], code: str = "unknown_key"
) -> Problem:
    """Words a name nobody knows."""
    values = {"key": name, "name": name, "known": list(known), "nearest": nearest(name, known)}
    return Problem(pointer(place), code, values)
