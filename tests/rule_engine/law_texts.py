"""Random conditions of the language over the law's world, and what else the law says, as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from rule_engine.types import Kind
from tests.rule_engine.law_values import (
    LITERALS,
    ORDERS,
    TAGS,
    Draw,
    Place,
    ValueWriter,
    all_paths,
    links,
    paths,
)
from tests.rule_engine.law_world import NUMBERS, SCHEMA, TEXTS


class Writer(ValueWriter):
    """Writes conditions by drawing their parts."""

    def condition(self, place: Place) -> str:
        inner = place.deeper()
        if place.depth > 0 and self.pick("cccs") == "c":
            word = self.pick(("and", "or", "and", "or", "not"))
            if word == "not":
                return f"not ({self.condition(inner)})"
            return f"(({self.condition(inner)}) {word} ({self.condition(inner)}))"
        tests = [*self.tests(), self.compare, self.compare, self.text_test, self.flag]
        tests += [self.quantified] if links(place) and place.depth > 0 else []
        return self.one(tests)(inner)

    def tests(self) -> list[Callable[[Place], str]]:
        """Gives what a condition can be besides `and`, `or`, `not`, a value and a quantifier."""
        return [
            *(self.compare, self.empty, self.member, self.between, self.text_test, self.window),
            *(self.choices, self.record, self.near_number, self.near_date, self.near_text),
            *(self.option, self.acting),
        ]

    def forms(self) -> Mapping[Kind, Sequence[Callable[[Place], str]]]:
        """Gives tests as values, too."""

        def bracketed(test: Callable[[Place], str]) -> Callable[[Place], str]:
            return lambda place: f"({test(place)})"

        return {**super().forms(), Kind.BOOLEAN: [bracketed(test) for test in self.tests()]}

    def compare(self, place: Place) -> str:
        number, instant = Kind.NUMBER, Kind.INSTANT
        kind = self.kind(
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
        kind = self.kind(Kind.DATE, Kind.INSTANT)
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
        return f"{self.value(self.kind(*kinds), place)} is {self.pick(('', 'not '))}empty"

    def member(self, place: Place) -> str:
        kind = self.kind(Kind.NUMBER, Kind.TEXT, Kind.CHOICE, Kind.DATE, Kind.MONEY, Kind.PERCENT)
        items = ", ".join(self.leaf(kind, replace(place, depth=0)) for _ in range(3))
        if self.pick("lp") == "l" and kind in LITERALS:
            items = ", ".join(self.pick(LITERALS[kind]) for _ in range(3))
        return f"{self.value(kind, place)} {self.pick(('', 'not '))}in [{items}]"

    def between(self, place: Place) -> str:
        kind = self.kind(Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.INSTANT)
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
        kind = self.kind(Kind.DATE, Kind.INSTANT)
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

    def acting(self, place: Place) -> str:
        return self.pick(('in_role("boss")', 'in_role("clerk")', 'in_team("east")'))

    def record(self, place: Place) -> str:
        accounts = [p for p in all_paths(place, Kind.REFERENCE) if _target(p, place) == "account"]
        users = [p for p in all_paths(place, Kind.REFERENCE) if _target(p, place) == "user"]
        same = accounts if accounts and self.pick("au") == "a" else [*users, "user"]
        left, right = self.pick(same), self.pick(same)
        if same is not accounts and self.pick("mn") == "m":
            left = f"manager_of({left})"
        return f"{left} {self.pick(('=', '!='))} {right}"

    def quantified(self, place: Place) -> str:
        path, _, where = self.link(place)
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


#: Kinds of values that an expression can give.
KINDS = (*LITERALS, Kind.TEXT, Kind.NUMBER, Kind.MONEY, Kind.CHOICE, Kind.CHOICES, Kind.REFERENCE)


@st.composite
def values(draw: Draw, object_name: str = "deal") -> str:
    """Gives the texts of values on an object."""
    writer = Writer(draw)
    return writer.value(writer.kind(*KINDS), Place(object_name))


def count_forms() -> int:
    """Gives how many forms of values there are besides leaves."""
    return sum(map(len, Writer(lambda strategy: strategy.example()).forms().values()))


@st.composite
def forms(draw: Draw, number: int) -> str:
    """Gives the texts of one form of values on a deal."""
    writer = Writer(draw)
    return [form for some in writer.forms().values() for form in some][number](
        Place("deal", depth=2)
    )


@st.composite
def tables(draw: Draw, object_name: str = "deal") -> tuple[list[tuple[str, str]], str]:
    """Gives the arms of a decision table, condition and value, and what else holds."""
    writer, place = Writer(draw), Place(object_name, depth=1)
    kind = writer.kind(Kind.NUMBER, Kind.MONEY, Kind.TEXT, Kind.DATE, Kind.CLOCK_LENGTH)
    arms = [
        (writer.condition(place), writer.value(kind, place))
        for _ in range(int(writer.pick(("1", "2", "5", "40"))))
    ]
    return arms, writer.value(kind, place)


@st.composite
def changes(draw: Draw, object_name: str = "deal") -> str:
    """Gives the texts of conditions that compare a record with what it was."""
    writer, place = Writer(draw), Place(object_name)
    kinds = (*LITERALS, Kind.TEXT, Kind.CHOICE)
    kind = writer.kind(*(kind for kind in kinds if paths(object_name, 0).get(kind)))
    field, other = (writer.pick(paths(object_name, 0)[kind]) for _ in range(2))
    literal = writer.leaf(kind, replace(place, depth=0))
    test = writer.pick(
        (
            *(f"{field} changed", f"{field} changed to {literal}"),
            *(f"{field} changed from {literal}", f"not {field} changed"),
            *(f"old.{field} = {other}", f"old.{field} is empty and {other} is not empty"),
        )
    )
    return f"({test}) {writer.pick(('and', 'or'))} ({writer.condition(place)})"
