"""Parsed rule sets and checked programs as JSON, so that a process can start without parsing.

`{"version", "classes": […], "shared": n, "parts": […]}`: `parts` is one flat list, because many
small lists cost more than all the rest. Texts, true, false and null stand for themselves, whole
numbers are written with a point (12.0); a number without one is a mark that says what follows.
Marks from FIRST_CLASS on are places in `classes`, and the members follow in their order; other
marks are followed by how many parts they have, or by what Python's own form needs. First come the
`n` parts that occur more than once, each of which comes back as one object, then the whole.

`engine_version` changes with the grammar and with the engine's code: what was stored by another
version is not read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar, cast

import msgspec

from rule_engine import core, errors, messages, program, tree, types, values
from rule_engine.calendars import business_calendars
from rule_engine.errors import RuleError
from rule_engine.types import Schema

T = TypeVar("T")

TUPLE, LIST, SET, MAPPING, SHARED, ENUM, DECIMAL, DATE, DATETIME, TIME, TIMEDELTA = range(11)
FIRST_CLASS = 16
SEQUENCES: Mapping[type, int] = {tuple: TUPLE, list: LIST}

#: JSON's numbers with a point are exact up to here.
MOST_WHOLE = 2**53

#: What a program gets anew when it is read.
NOT_STORED = frozenset({"schema", "business_time"})


class StorageError(RuleError):
    """A document that cannot be read, or a value that cannot be stored."""


@cache
def engine_version() -> str:
    """Gives a digest of the grammar and of all code of the engine."""
    digest = sha256(sys.version.encode())
    folder = Path(__file__).parent
    for file in sorted([*folder.rglob("*.py"), *folder.rglob("*.lark")]):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def write_ruleset(ruleset: tree.Ruleset) -> str:
    """Gives the document of a parsed text; raises StorageError."""
    return _Writer().write(ruleset)


def read_ruleset(document: str) -> tree.Ruleset:
    """Gives back a parsed text; raises StorageError."""
    return _read(document, tree.Ruleset)


def write_program(whole: program.Program) -> str:
    """Gives the document of a checked program without its schema; raises StorageError."""
    names = [each.name for each in fields(whole) if each.name not in NOT_STORED]
    return _Writer().write({name: getattr(whole, name) for name in names})


def read_program(document: str, schema: Schema) -> program.Program:
    """Gives back the program of this same schema; raises StorageError."""
    stored = _read(document, dict)
    try:
        whole = program.Program(schema=schema, **stored)
        business_time = business_calendars(whole.calendars)
        return program.Program(schema=schema, business_time=business_time, **stored)
    except (TypeError, ValueError, AttributeError) as error:
        raise StorageError(f"this is no program: {error}") from error


# ---------------------------------------------------------------- classes


@cache
def _classes() -> Mapping[str, type[Any]]:
    """Gives all that may stand in a document: dataclasses and enumerations, by name."""
    roots = (core, errors, messages, program, tree, types, values)
    found: dict[str, type[Any]] = {}
    for module in (inner for root in roots for inner in _with_submodules(root)):
        for one in vars(module).values():
            if isclass(one) and one.__module__ == module.__name__ and _is_storable(one):
                found[_name_of(one)] = one
    return found


def _with_submodules(module: ModuleType) -> Iterator[ModuleType]:
    yield module
    for inner in iter_modules(getattr(module, "__path__", [])):
        yield import_module(f"{module.__name__}.{inner.name}")


def _is_storable(one: type) -> bool:
    return issubclass(one, Enum) or hasattr(one, "__dataclass_fields__")


def _name_of(one: type) -> str:
    return f"{one.__module__.removeprefix('rule_engine.')}.{one.__qualname__}"


# ---------------------------------------------------------------- writing


class _Writer:
    def __init__(self) -> None:
        self._times: dict[object, int] = {}
        self._classes: dict[type, int] = {}
        self._shared: list[object] = []
        self._places: dict[object, int] = {}

    def write(self, whole: object) -> str:
        try:
            self._count(whole)
            parts = list(self._parts(whole))
            document = {
                "version": engine_version(),
                "classes": [_name_of(one) for one in self._classes],
                "shared": len(self._places),
                "parts": [*self._shared, *parts],
            }
            return msgspec.json.encode(document).decode()
        except (RecursionError, OverflowError, UnicodeError) as error:
            raise StorageError(f"this cannot be stored: {error}") from error

    def _count(self, value: object) -> None:
        """Counts how often each part is met; the inside of one is looked at once."""
        if isinstance(value, tuple | list | frozenset):
            for item in value:
                self._count(item)
        elif isinstance(value, Mapping):
            for item in value.values():
                self._count(item)
        elif hasattr(value, "__dataclass_fields__"):
            key = _identity(value)
            self._times[key] = self._times.get(key, 0) + 1
            if self._times[key] == 1:
                for part in _members(value):
                    self._count(part)

    def _parts(self, value: object) -> Iterator[object]:
        if value is None or type(value) in (bool, str):
            yield value
        elif type(value) is int:
            yield _whole(value)
        elif hasattr(value, "__dataclass_fields__"):
            yield from self._object(value)
        elif isinstance(value, Mapping):
            yield from (MAPPING, len(value))
            for pair in value.items():
                yield from self._all(pair)
        elif isinstance(value, frozenset):
            yield from (SET, len(value))
            yield from self._all(sorted(value, key=repr))
        elif type(value) in SEQUENCES:
            items = cast("Sequence[object]", value)
            yield from (SEQUENCES[type(value)], len(items))
            yield from self._all(items)
        else:
            yield from self._plain(value)

    def _all(self, values: Iterable[object]) -> Iterator[object]:
        for value in values:
            yield from self._parts(value)

    def _plain(self, value: object) -> Iterator[object]:
        match value:
            case Enum():
                yield from (ENUM, self._class(type(value)), value.value)
            case Decimal():
                yield from (DECIMAL, str(value))
            case datetime():
                yield from (DATETIME, value.isoformat())
            case date():
                yield from (DATE, value.isoformat())
            case time():
                yield from (TIME, value.isoformat())
            case timedelta():
                yield from (TIMEDELTA, value.days, value.seconds, value.microseconds)
            case _:
                raise StorageError(f"a {type(value).__name__} cannot be stored")

    def _object(self, value: object) -> Iterator[object]:
        key = _identity(value)
        if self._times[key] == 1:
            yield from self._members(value)
            return
        if key not in self._places:
            members = list(self._members(value))
            self._places[key] = len(self._places)
            self._shared += members
        yield from (SHARED, self._places[key])

    def _members(self, value: object) -> Iterator[object]:
        yield FIRST_CLASS + self._class(type(value))
        yield from self._all(_members(value))

    def _class(self, one: type) -> int:
        if _classes().get(_name_of(one)) is not one:
            raise StorageError(f"a {one.__name__} cannot be stored")
        return self._classes.setdefault(one, len(self._classes))


def _members(value: Any) -> tuple[object, ...]:
    """Gives what makes a value up, in the order in which it is made again."""
    return tuple(getattr(value, name) for name in value.__match_args__)


def _identity(value: object) -> object:
    """Gives what tells whether two parts are one: for those of texts alone, that they are equal."""
    return (type(value), value) if _is_plain(value) else id(value)


def _is_plain(value: object) -> bool:
    if value is None or isinstance(value, str):
        return True
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return hasattr(value, "__dataclass_fields__") and all(map(_is_plain, _members(value)))


def _whole(value: int) -> float:
    if abs(value) > MOST_WHOLE:
        raise StorageError(f"{value} cannot be stored")
    return float(value)


# ---------------------------------------------------------------- reading


def _read(document: str, kind: type[T]) -> T:
    try:
        stored = msgspec.json.decode(document)
        if stored["version"] != engine_version():
            raise StorageError("another version of the engine has stored this")
        whole = _Reader(stored["classes"], stored["parts"]).read(stored["shared"])
    except (
        *(KeyError, IndexError, TypeError, ValueError, OverflowError, InvalidOperation),
        *(msgspec.DecodeError, RecursionError, StopIteration),
    ) as error:
        raise StorageError(f"this is no stored {kind.__name__}: {error}") from error
    if not isinstance(whole, kind):
        raise StorageError(f"this is no stored {kind.__name__}")
    return whole


class _Reader:
    """Reads parts one by one; what is a mark is looked up in `makers`."""

    def __init__(self, names: Sequence[str], parts: Sequence[Any]) -> None:
        known = _classes()
        classes = [known[name] for name in names]
        self._parts = iter(parts)
        self._next: Callable[[], Any] = self._parts.__next__
        self._shared: list[Any] = []
        take, several = self._next, self._several
        self._makers: dict[int, Callable[[], Any]] = {
            TUPLE: lambda: tuple(several(take())),
            LIST: lambda: several(take()),
            SET: lambda: frozenset(several(take())),
            MAPPING: self._mapping,
            SHARED: lambda: self._shared[take()],
            ENUM: lambda: classes[take()](take()),
            DECIMAL: lambda: Decimal(take()),
            DATE: lambda: date.fromisoformat(take()),
            DATETIME: lambda: datetime.fromisoformat(take()),
            TIME: lambda: time.fromisoformat(take()),
            TIMEDELTA: lambda: timedelta(take(), take(), take()),
        }
        for number, one in enumerate(classes, start=FIRST_CLASS):
            self._makers[number] = self._maker(one)

    def read(self, shared: int) -> object:
        """Gives the whole that follows after so many shared parts; nothing comes after it."""
        for _ in range(shared):
            self._shared += self._several(1)
        (whole,) = self._several(1)
        if next(self._parts, self) is not self:
            raise StorageError("something follows after the whole")
        return whole

    def _several(self, count: int) -> list[Any]:
        take, makers = self._next, self._makers
        values: list[Any] = []
        for _ in range(count):
            part = take()
            if type(part) is int:
                values.append(makers[part]())
            elif type(part) is float:
                values.append(int(part))
            else:
                values.append(part)
        return values

    def _mapping(self) -> dict[Any, Any]:
        count = self._next()
        parts = self._several(2 * count)
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def _maker(self, one: type[Any]) -> Callable[[], Any]:
        length = len(getattr(one, "__match_args__", ()))
        several = self._several
        return lambda: one(*several(length))
