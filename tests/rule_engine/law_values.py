"""Random values of the language over the law's world, by kind, as text."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TypeVar

from hypothesis import strategies as st

from rule_engine.types import Kind
from tests.rule_engine.law_world import DATES, INSTANTS, NUMBERS, SCHEMA, TEXTS

Item = TypeVar("Item")
Draw = Callable[[st.SearchStrategy[str]], str]
OPTIONS = ("new", "offer", "won")
TAGS = ("vip", "press", "partner")
TOTALS = ("sum", "avg", "min", "max")
ORDERS = ("=", "!=", "<", "<=", ">", ">=")

LITERALS: Mapping[Kind, Sequence[str]] = {
    Kind.NUMBER: (*NUMBERS, "2.50001", "123456789012345678", "0.33333", "3"),
    Kind.PERCENT: ("15%", "0%", "50%", "0.01%", "0.005%", "120%"),
    Kind.MONEY: ("2.50 CNY", "0 CNY", "1000000 CNY", "3.33 USD", "0.005 CNY", "100 USD"),
    Kind.BOOLEAN: ("true", "false"),
    Kind.DATE: DATES,
    Kind.INSTANT: (
        *("2026-03-31T06:30:15+00:00", "2026-03-08T02:30", "2025-11-02T01:30", "2026-03-31T00:00"),
        *(instant[:16] + "Z" for instant in INSTANTS[:4]),
    ),
    Kind.TIME: ("09:30", "00:00", "23:59"),
    Kind.CALENDAR_LENGTH: ("1 day", "3 days", "1 month", "2 years", "0 days", "13 months"),
    Kind.CLOCK_LENGTH: ("30 minutes", "36 hours", "1 hour", "0 hours"),
}


@dataclass(frozen=True)
class Place:
    """Where an expression stands: `outer` is the object that `this.` means, in an aggregate."""

    object: str
    outer: str | None = None
    depth: int = 3

    def deeper(self) -> Place:
        return replace(self, depth=self.depth - 1)

    def inside(self, target: str) -> Place:
        return Place(target, self.object, min(self.depth - 1, 1))


@cache
def paths(object_name: str, hops: int) -> dict[Kind, list[str]]:
    """Gives the paths from an object over so many references, by kind."""
    found: dict[Kind, list[str]] = {}
    for name, field in SCHEMA.objects[object_name].fields.items():
        found.setdefault(field.type.kind, []).append(name)
        if field.type.kind is Kind.REFERENCE and hops and field.type.target:
            for kind, names in paths(field.type.target, hops - 1).items():
                found.setdefault(kind, []).extend(f"{name}.{inner}" for inner in names)
    return found


def all_paths(place: Place, kind: Kind) -> list[str]:
    """Gives the paths that can stand in a place: of the record, of `this`, of the person."""
    own = paths(place.object, 2).get(kind, [])
    outer = paths(place.outer, 1).get(kind, []) if place.outer else []
    user = paths("user", 1).get(kind, []) if kind not in (Kind.CLOCK_LENGTH,) else []
    person = [f"user.{path}" for path in user if not path.startswith(("id", "created", "updated"))]
    return [*own, *own, *(f"this.{path}" for path in outer), *person]


def links(place: Place) -> list[tuple[str, str]]:
    """Gives (path of the link, object of its records)."""
    own = SCHEMA.objects[place.object]
    found = [(name, link.target) for name, link in own.links.items()]
    for name, field in own.fields.items():
        target = SCHEMA.objects.get(field.type.target or "")
        ways = target.links.values() if target else ()
        found.extend((f"{name}.{link.name}", link.target) for link in ways)
    return found


class ValueWriter(ABC):
    """Writes values by drawing their parts."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def pick(self, items: Sequence[str]) -> str:
        return self.draw(st.sampled_from(items))

    def one(self, items: Sequence[Item]) -> Item:
        return items[int(self.pick([str(number) for number in range(len(items))]))]

    def kind(self, *kinds: Kind) -> Kind:
        return Kind(self.pick([kind.value for kind in kinds]))

    @abstractmethod
    def condition(self, place: Place) -> str:
        """Writes a condition."""

    def text_literal(self) -> str:
        return json.dumps(self.pick(TEXTS), ensure_ascii=False)

    def leaf(self, kind: Kind, place: Place) -> str:
        literals = {
            Kind.TEXT: lambda: self.text_literal(),
            Kind.CHOICE: lambda: f'"{self.pick(OPTIONS)}"',
        }
        found = all_paths(place, kind)
        if kind is Kind.DATE:
            found = [*found, "today"]
        if kind is Kind.INSTANT:
            found = [*found, "now"]
        if kind in (Kind.CHOICES, Kind.REFERENCE) or (found and self.pick("pppl") == "p"):
            return self.pick(found)
        literal = literals.get(kind)
        return literal() if literal else self.pick(LITERALS[kind])

    def value(self, kind: Kind, place: Place) -> str:
        """Writes a value of a kind."""
        if place.depth <= 0:
            return self.leaf(kind, place)
        forms: list[Callable[[], str]] = [lambda: self.leaf(kind, place)] * 4
        if kind is not Kind.REFERENCE:  # both branches need records of one object
            forms.append(lambda: self.conditional(kind, place))
        forms += [partial(form, place.deeper()) for form in self.forms().get(kind, ())]
        if kind is not Kind.CALENDAR_LENGTH and links(place) and place.depth > 1:
            forms.append(lambda: self.latest(kind, place))
        if kind not in (Kind.CHOICES, Kind.REFERENCE, Kind.CALENDAR_LENGTH):
            forms.append(lambda: self.coalesce(kind, place))
        return self.one(forms)()

    def conditional(self, kind: Kind, place: Place) -> str:
        inner = place.deeper()
        condition = self.condition(inner)
        return f"(if {condition} then {self.value(kind, inner)} else {self.value(kind, inner)})"

    def coalesce(self, kind: Kind, place: Place) -> str:
        inner = place.deeper()
        return f"coalesce({self.value(kind, inner)}, {self.value(kind, inner)})"

    def forms(self) -> Mapping[Kind, Sequence[Callable[[Place], str]]]:
        """Gives what else than a leaf can give a kind of value."""

        def made(pattern: str, *kinds: Kind) -> Callable[[Place], str]:
            return lambda place: pattern.format(*(self.value(kind, place) for kind in kinds))

        number, percent, money = Kind.NUMBER, Kind.PERCENT, Kind.MONEY
        date, instant, text = Kind.DATE, Kind.INSTANT, Kind.TEXT
        days, clock = Kind.CALENDAR_LENGTH, Kind.CLOCK_LENGTH
        moments = [
            made(f"{function}({{0}})", kind)
            for function in ("year_of", "month_of", "day_of", "quarter_of", "weekday_of")
            for kind in (date, instant)
        ]
        units = ("year", "quarter", "month", "week", "day")
        return {
            number: [
                *(made(f"({{0}} {op} {{1}})", number, number) for op in "+-*/+-*/"),
                made("({0} * {1})", number, percent),
                made("({0} * {1})", percent, number),
                made("({0} / {1})", percent, percent),
                made("({0} / {1})", money, money),
                made("({0} / {1})", clock, clock),
                made("(-{0})", number),
                made("round({0}, {1})", number, number),
                made("round({0})", number),
                *(made(f"{f}({{0}})", number) for f in ("abs", "floor", "ceiling")),
                made("mod({0}, {1})", number, number),
                made("min({0}, {1}, {2})", number, number, number),
                made("max({0}, {1})", number, number),
                made("days_between({0}, {1})", date, date),
                made("days_between({0}, {1})", instant, date),
                made("length({0})", text),
                made("count({0})", Kind.CHOICES),
                made("number_of({0})", text),
                *moments,
                *[self.count, self.count, partial(self.over, number, "count")],
                *(partial(self.over, number, name) for name in TOTALS),
            ],
            percent: [
                *(made(f"({{0}} {op} {{1}})", percent, percent) for op in "+-*"),
                made("(-{0})", percent),
                made("round({0}, 2)", percent),
                made("percent_of({0})", number),
                *(made(f"{f}({{0}})", percent) for f in ("abs", "floor", "ceiling")),
                *(made(f"{f}({{0}}, {{1}})", percent, percent) for f in ("min", "max")),
                *(partial(self.over, percent, name) for name in TOTALS),
                lambda place: f"{self.pick(all_paths(place, Kind.CHOICE))}.probability",
                lambda place: f"{self.pick(all_paths(place, Kind.CHOICE))}.probability",
            ],
            money: [
                *(made(f"({{0}} {op} {{1}})", money, money) for op in "+-"),
                made("({0} * {1})", money, number),
                made("({0} * {1})", percent, money),
                made("({0} * {1})", number, money),
                made("({0} / {1})", money, number),
                *(made(f"{f}({{0}})", money) for f in ("abs", "floor", "ceiling", "round")),
                made("(-{0})", money),
                made("round({0}, 1)", money),
                # Not of sums: what they are of nothing has no currency, which SQL does not order.
                lambda place: f"min({self.leaf(money, place)}, {self.leaf(money, place)})",
                lambda place: f"max({self.leaf(money, place)}, {self.leaf(money, place)})",
                *(partial(self.over, money, name) for name in TOTALS),
            ],
            text: [
                *(made(f"{f}({{0}})", text) for f in ("lower", "upper", "trim")),
                made("concat({0}, {1})", text, text),
                made("replace({0}, {1}, {2})", text, text, text),
                *(
                    made("text_of({0})", kind)
                    for kind in (number, percent, money, Kind.BOOLEAN, date, instant, Kind.TIME)
                ),
                self.joined,
            ],
            date: [
                made("({0} + {1})", date, days),
                made("({0} - {1})", date, days),
                made("date_of({0})", instant),
                *(made(f"{f}({{0}}, {{1}})", date, date) for f in ("min", "max")),
                *(partial(self.over, date, name) for name in ("min", "max")),
                lambda place: f'start_of({self.value(date, place)}, "{self.pick(units)}")',
            ],
            instant: [
                *(
                    made(f"({{0}} {op} {{1}})", instant, kind)
                    for op in "+-"
                    for kind in (days, clock)
                ),
                *(made(f"{f}({{0}}, {{1}})", instant, instant) for f in ("min", "max")),
                *(partial(self.over, instant, name) for name in ("min", "max")),
                lambda place: f'start_of({self.value(instant, place)}, "{self.pick(units)}")',
            ],
            Kind.TIME: [
                *(made(f"({{0}} {op} {{1}})", Kind.TIME, clock) for op in "+-"),
                *(made(f"{f}({{0}}, {{1}})", Kind.TIME, Kind.TIME) for f in ("min", "max")),
            ],
            clock: [
                made("({0} - {1})", instant, instant),
                made("({0} - {1})", date, instant),
                made("({0} - {1})", Kind.TIME, Kind.TIME),
                *(made(f"({{0}} {op} {{1}})", clock, clock) for op in "+-"),
                *(made(f"{f}({{0}}, {{1}})", clock, clock) for f in ("min", "max")),
                *(partial(self.over, clock, name) for name in TOTALS),
                made("(-{0})", clock),
                made("({0} * {1})", number, clock),
                made("({0} * {1})", clock, number),
                made("({0} / {1})", clock, number),
            ],
            days: [
                made("({0} - {1})", date, date),
                made("({0} * {1})", days, number),
                made("({0} * {1})", number, days),
                made("(-{0})", days),
                *(made(f"({{0}} {op} {{1}})", days, days) for op in "+-"),
            ],
        }

    # ------------------------------------------------------------ aggregates

    def link(self, place: Place) -> tuple[str, Place, str]:
        path, target = self.one(links(place))
        inner = place.inside(target)
        where = f" where {self.condition(inner)}" if self.pick("yyn") == "y" else ""
        return path, inner, where

    def _records_field(self, kind: Kind, place: Place) -> tuple[str, Place, str]:
        path, inner, where = self.link(place)
        names = [name for name in paths(inner.object, 1).get(kind, []) if name != "id"]
        return (f"{path}.{self.pick(names)}" if names else "", inner, where)

    def count(self, place: Place) -> str:
        if not links(place):
            return self.leaf(Kind.NUMBER, place)
        path, _, where = self.link(place)
        return f"count({path}{where})"

    def over(self, kind: Kind, function: str, place: Place) -> str:
        if not links(place):
            return self.leaf(kind, place)
        over, _, where = self._records_field(kind, place)
        return f"{function}({over}{where})" if over else self.leaf(kind, place)

    def joined(self, place: Place) -> str:
        if not links(place):
            return self.leaf(Kind.TEXT, place)
        over, inner, where = self._records_field(Kind.TEXT, place)
        by = self.pick(("", f" by {self.value(self.order_kind(), replace(inner, depth=0))}"))
        return f'join({over}, "; "{by}{where})' if over else self.leaf(Kind.TEXT, place)

    def latest(self, kind: Kind, place: Place) -> str:
        over, inner, where = self._records_field(kind, place.deeper())
        by = self.pick(("", f" by {self.value(self.order_kind(), replace(inner, depth=0))}"))
        return f"latest({over}{by}{where})" if over else self.leaf(kind, place)

    def order_kind(self) -> Kind:
        return {"number": Kind.NUMBER, "date": Kind.DATE}[self.pick(("number", "date"))]
