"""Random expressions of the language over the law's world, by kind of value, as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial
from typing import TypeVar

from hypothesis import strategies as st

from rule_engine.types import Kind
from tests.rule_engine.law_world import DATES, INSTANTS, NUMBERS, SCHEMA, TEXTS

Item = TypeVar("Item")
Draw = Callable[[st.SearchStrategy[str]], str]
OPTIONS = ("new", "offer", "won")
TAGS = ("vip", "press", "partner")
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


def one_of(*items: str) -> st.SearchStrategy[str]:
    return st.sampled_from(items)


class Writer:
    """Writes expressions by drawing their parts."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def pick(self, items: Sequence[str]) -> str:
        return self.draw(st.sampled_from(items))

    def one(self, items: Sequence[Item]) -> Item:
        return items[int(self.pick([str(number) for number in range(len(items))]))]

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
                *[self.count, self.count, self.aggregate_number, self.aggregate_number],
            ],
            percent: [
                made("({0} + {1})", percent, percent),
                made("({0} * {1})", percent, percent),
                made("(-{0})", percent),
                lambda place: f"{self.pick(all_paths(place, Kind.CHOICE))}.probability",
                lambda place: f"{self.pick(all_paths(place, Kind.CHOICE))}.probability",
            ],
            money: [
                *(made(f"({{0}} {op} {{1}})", money, money) for op in "+-"),
                made("({0} * {1})", money, number),
                made("({0} * {1})", percent, money),
                made("({0} / {1})", money, number),
                made("(-{0})", money),
                made("round({0}, 1)", money),
                # Not of sums: what they are of nothing has no currency, which SQL does not order.
                lambda place: f"min({self.leaf(money, place)}, {self.leaf(money, place)})",
                self.aggregate_money,
                self.aggregate_money,
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
                made("max({0}, {1})", date, date),
                lambda place: f'start_of({self.value(date, place)}, "{self.pick(units)}")',
            ],
            instant: [
                made("({0} + {1})", instant, days),
                made("({0} - {1})", instant, clock),
                made("min({0}, {1})", instant, instant),
                lambda place: f'start_of({self.value(instant, place)}, "{self.pick(units)}")',
            ],
            Kind.TIME: [made(f"({{0}} {op} {{1}})", Kind.TIME, clock) for op in "+-"],
            clock: [
                made("({0} - {1})", instant, instant),
                made("({0} - {1})", date, instant),
                made("({0} - {1})", Kind.TIME, Kind.TIME),
                made("({0} + {1})", clock, clock),
                made("({0} * {1})", clock, number),
                made("({0} / {1})", clock, number),
            ],
            days: [
                made("({0} - {1})", date, date),
                made("({0} * {1})", days, number),
                made("({0} + {1})", days, days),
            ],
        }

    # ------------------------------------------------------------ aggregates

    def _link(self, place: Place) -> tuple[str, Place, str]:
        path, target = self.one(links(place))
        inner = place.inside(target)
        where = f" where {self.condition(inner)}" if self.pick("yyn") == "y" else ""
        return path, inner, where

    def _over(self, kind: Kind, place: Place) -> tuple[str, Place, str]:
        path, inner, where = self._link(place)
        names = [name for name in paths(inner.object, 1).get(kind, []) if name != "id"]
        return (f"{path}.{self.pick(names)}" if names else "", inner, where)

    def count(self, place: Place) -> str:
        if not links(place):
            return self.leaf(Kind.NUMBER, place)
        path, _, where = self._link(place)
        return f"count({path}{where})"

    def aggregate_number(self, place: Place) -> str:
        return self._aggregate(Kind.NUMBER, ("sum", "avg", "min", "max"), place)

    def aggregate_money(self, place: Place) -> str:
        return self._aggregate(Kind.MONEY, ("sum", "avg", "min", "max"), place)

    def _aggregate(self, kind: Kind, functions: Sequence[str], place: Place) -> str:
        over, _, where = self._over(kind, place) if links(place) else ("", place, "")
        return f"{self.pick(functions)}({over}{where})" if over else self.leaf(kind, place)

    def joined(self, place: Place) -> str:
        over, inner, where = self._over(Kind.TEXT, place) if links(place) else ("", place, "")
        by = self.pick(("", f" by {self.value(self.order_kind(), replace(inner, depth=0))}"))
        return f'join({over}, "; "{by}{where})' if over else self.leaf(Kind.TEXT, place)

    def latest(self, kind: Kind, place: Place) -> str:
        over, inner, where = self._over(kind, place.deeper())
        by = self.pick(("", f" by {self.value(self.order_kind(), replace(inner, depth=0))}"))
        return f"latest({over}{by}{where})" if over else self.leaf(kind, place)

    def order_kind(self) -> Kind:
        return {"number": Kind.NUMBER, "date": Kind.DATE}[self.pick(("number", "date"))]

    # ------------------------------------------------------------ conditions

    def condition(self, place: Place) -> str:
        inner = place.deeper()
        if place.depth > 0 and self.pick("cccs") == "c":
            word = self.pick(("and", "or", "and", "or", "not"))
            if word == "not":
                return f"not ({self.condition(inner)})"
            return f"(({self.condition(inner)}) {word} ({self.condition(inner)}))"
        tests = [self.compare, self.compare, self.compare, self.empty, self.member, self.between]
        tests += [self.text_test, self.text_test, self.window, self.choices, self.flag, self.record]
        tests += [self.near_number, self.near_date, self.near_text]
        tests += [self.option] + ([self.quantified] if links(place) and place.depth > 0 else [])
        return self.one(tests)(inner)

    def _kind(self, *kinds: Kind) -> Kind:
        return Kind(self.pick([kind.value for kind in kinds]))

    def compare(self, place: Place) -> str:
        number, instant = Kind.NUMBER, Kind.INSTANT
        kind = self._kind(
            *(number, number, number, Kind.PERCENT, Kind.MONEY, Kind.MONEY, Kind.DATE, instant),
            *(Kind.TIME, Kind.CLOCK_LENGTH, Kind.TEXT, Kind.BOOLEAN, Kind.DATE),
        )
        left, right = self.value(kind, place), self.value(kind, place)
        if kind in (Kind.DATE, Kind.INSTANT) and self.pick("ssso") == "o":
            other = Kind.INSTANT if kind is Kind.DATE else Kind.DATE
            right = self.value(other, place)
        ordered = kind not in (Kind.TEXT, Kind.BOOLEAN)
        return f"{left} {self.pick(ORDERS if ordered else ORDERS[:2])} {right}"

    def near_number(self, place: Place) -> str:
        """Compares a field with a value of the pool, or with one just beside it."""
        field = self.pick(paths(place.object, 1)[Kind.NUMBER])
        value = Decimal(self.pick(NUMBERS))
        beside = value + Decimal(self.pick(("0", "0.00001", "-0.00001", "0.004", "-0.0001")))
        factor = self.pick(("", "", "20", "1.5", "1000"))
        if factor:
            field, beside = f"{field} * {factor}", beside * Decimal(factor)
        if len(beside.as_tuple().digits) > 18:
            beside = beside.quantize(Decimal(1))
        return f"{field} {self.pick(ORDERS)} {beside:f}"

    def near_date(self, place: Place) -> str:
        """Moves a field to the ends of the calendar, months and daylight saving time."""
        kind = self._kind(Kind.DATE, Kind.INSTANT)
        field = self.pick(paths(place.object, 1)[kind])
        lengths = [*LITERALS[Kind.CALENDAR_LENGTH], "pieces * 1 day", "100000 days"]
        if kind is Kind.INSTANT:
            lengths += LITERALS[Kind.CLOCK_LENGTH]
        if place.object != "deal":
            lengths.remove("pieces * 1 day")
        moved = f"{field} {self.pick(('+', '-'))} {self.pick(lengths)}"
        if self.pick("emm") == "e":
            return f"{moved} is empty"
        return f"{moved} {self.pick(ORDERS)} {self.pick((*LITERALS[kind], *LITERALS[Kind.DATE]))}"

    def near_text(self, place: Place) -> str:
        """Looks for letters of the pool, in other case, in computed text."""
        field = self.pick(paths(place.object, 1)[Kind.TEXT])
        computed = self.pick(("{}", "concat({})", "lower({})", "upper({})", "trim({})")).format(
            field
        )
        whole = self.pick(TEXTS)
        part = json.dumps(self.pick((whole, whole[:2], whole[-3:])).casefold(), ensure_ascii=False)
        word = self.pick(("contains", "starts with", "ends with", "="))
        return f"{computed} {word} {part}"

    def option(self, place: Place) -> str:
        return f"{self.pick(all_paths(place, Kind.CHOICE))} {self.pick(ORDERS)} " + self.leaf(
            Kind.CHOICE, replace(place, depth=0)
        )

    def empty(self, place: Place) -> str:
        kinds = [*LITERALS, Kind.TEXT, Kind.CHOICE, Kind.CHOICES, Kind.REFERENCE]
        kinds.remove(Kind.CALENDAR_LENGTH)
        return f"{self.value(self._kind(*kinds), place)} is {self.pick(('', 'not '))}empty"

    def member(self, place: Place) -> str:
        kind = self._kind(Kind.NUMBER, Kind.TEXT, Kind.CHOICE, Kind.DATE, Kind.MONEY, Kind.PERCENT)
        items = ", ".join(self.leaf(kind, replace(place, depth=0)) for _ in range(3))
        if self.pick("lp") == "l" and kind in LITERALS:
            items = ", ".join(self.pick(LITERALS[kind]) for _ in range(3))
        return f"{self.value(kind, place)} {self.pick(('', 'not '))}in [{items}]"

    def between(self, place: Place) -> str:
        kind = self._kind(Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.INSTANT)
        low, high = self.leaf(kind, place), self.leaf(kind, place)
        return f"{self.value(kind, place)} {self.pick(('', 'not '))}between {low} and {high}"

    def text_test(self, place: Place) -> str:
        word = self.pick(("contains", "starts with", "ends with"))
        right = self.value(Kind.TEXT, replace(place, depth=min(place.depth, 1)))
        if self.pick("ssf") == "s":
            whole = self.pick(TEXTS)
            part = {"contains": whole[1:3], "starts with": whole[:2], "ends with": whole[-2:]}[word]
            right = json.dumps(part.swapcase(), ensure_ascii=False)
        return f"{self.value(Kind.TEXT, place)} {self.pick(('', 'not '))}{word} {right}"

    def window(self, place: Place) -> str:
        kind = self._kind(Kind.DATE, Kind.INSTANT)
        length = self.pick(LITERALS[Kind.CALENDAR_LENGTH])
        if kind is Kind.INSTANT and self.pick("dh") == "h":
            length = self.pick(LITERALS[Kind.CLOCK_LENGTH])
        form = self.pick(("in last", "in next", "not in last", "older than", "not older than"))
        return f"{self.value(kind, place)} {form} {length}"

    def choices(self, place: Place) -> str:
        held = self.pick(all_paths(place, Kind.CHOICES))
        if self.pick("ce") == "e":
            other = self.pick(all_paths(place, Kind.CHOICES))
            return f"{held} {self.pick(('=', '!='))} {other}"
        return f'{held} {self.pick(("", "not "))}contains "{self.pick(TAGS)}"'

    def flag(self, place: Place) -> str:
        return self.value(Kind.BOOLEAN, place)

    def record(self, place: Place) -> str:
        accounts = [p for p in all_paths(place, Kind.REFERENCE) if _target(p, place) == "account"]
        users = [p for p in all_paths(place, Kind.REFERENCE) if _target(p, place) == "user"]
        same = accounts if accounts and self.pick("au") == "a" else [*users, "user"]
        left, right = self.pick(same), self.pick(same)
        if same is not accounts and self.pick("mn") == "m":
            left = f"manager_of({left})"
        return f"{left} {self.pick(('=', '!='))} {right}"

    def quantified(self, place: Place) -> str:
        path, _, where = self._link(place)
        return f"{self.pick(('any', 'all', 'none'))}({path}{where})"


def _target(path: str, place: Place) -> str | None:
    names = path.split(".")
    object_name: str | None = place.object
    if names[0] in ("this", "user"):
        object_name = place.outer if names.pop(0) == "this" else "user"
    for name in names:
        object_name = SCHEMA.objects[object_name or ""].fields[name].type.target
    return object_name


@st.composite
def conditions(draw: Draw, object_name: str = "deal") -> str:
    """Gives the texts of conditions on an object."""
    return Writer(draw).condition(Place(object_name))


@st.composite
def values(draw: Draw, object_name: str = "deal") -> str:
    """Gives the texts of values on an object."""
    writer = Writer(draw)
    kinds = [*LITERALS, Kind.TEXT, Kind.NUMBER, Kind.MONEY]
    kinds.remove(Kind.CALENDAR_LENGTH)
    return writer.value(writer._kind(*kinds), Place(object_name))
