"""Keywords of definitions as form controls: made of their JSON Schemas, and read back.

A control is made of what stands in the document. What a form sends back as it was shown leaves
the document as it is, to the letter; a control that the form does not hold leaves it too.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from werkzeug.datastructures import MultiDict

from metadata.json_text import mapping, read_json, sequence
from trellis.web.words import gettext

Schema = Mapping[str, object]
Form = MultiDict[str, str]

MISSING: Final = object()
"""What stands in a document where a keyword does not."""
ON: Final = "1"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that can be chosen."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Offers:
    """What can be named where a control stands: `options` are those of the field itself.

    `suggestions` are texts that people often write, by keyword.
    """

    fields: tuple[Choice, ...] = ()
    objects: tuple[Choice, ...] = ()
    layouts: tuple[Choice, ...] = ()
    options: tuple[Choice, ...] = ()
    options_of: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    suggestions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self, names: object) -> tuple[Choice, ...] | None:
        """Gives what can be chosen for what a schema says a text names; None to write it."""
        known: Mapping[object, tuple[Choice, ...]] = {
            "field": self.fields,
            "object": self.objects,
            "layout": self.layouts,
            "option": self.options,
        }
        return known.get(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control(ABC):
    """One input, or several for one keyword.

    `name` is its name in the form, the place in the document; `at` the name of the control that
    tells which object's fields an expression or a name is about.
    """

    macro: ClassVar[str]

    name: str
    label: str
    help: str = ""
    before: object = MISSING
    schema: Schema = field(default_factory=dict)
    at: str = ""

    @property
    def id(self) -> str:
        """Gives the id of the input."""
        return "c" + self.name.replace("/", "-")

    @property
    def is_set(self) -> bool:
        """Says whether the document says something here."""
        return self.before is not MISSING

    @abstractmethod
    def read(self, form: Form) -> object:
        """Gives what the document is to say; MISSING for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Control):
    """A control whose inputs have one name."""

    choices: tuple[Choice, ...] = ()
    suggestions: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return ("" if self.before is MISSING else as_text(self.before),)

    @property
    def value(self) -> str:
        """Gives what a single input holds."""
        return self.shown[-1]

    def read(self, form: Form) -> object:
        """Gives what the document is to say."""
        if self.name not in form:
            return self.before
        sent = tuple(text.replace("\r\n", "\n") for text in form.getlist(self.name))
        return self.before if self.is_same(sent) else self.parse(sent)

    def is_same(self, sent: tuple[str, ...]) -> bool:
        """Says whether what was sent is what was shown."""
        return sent == tuple(text.replace("\r\n", "\n") for text in self.shown)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        return sent[-1].strip() or MISSING


class Line(Leaf):
    """A short text."""

    __slots__ = ()
    macro = "line"


class Expression(Leaf):
    """A text of the rule language."""

    __slots__ = ()
    macro = "expression"


class Number(Leaf):
    """A number; text that is none stays, to be refused by name."""

    __slots__ = ()
    macro = "number"

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        typed = sent[-1].strip()
        value, problems = read_json(typed) if typed else (MISSING, [])
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if not typed or (is_number and not problems) else typed


class Select(Leaf):
    """One of a few values."""

    __slots__ = ()
    macro = "select"

    @property
    def offered(self) -> tuple[Choice, ...]:
        """Gives the values, with the present one although it is not among them."""
        return with_present(self.choices, self.shown)


class Automatic(Select):
    """Yes, no, or as the product thinks best."""

    __slots__ = ()

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        return {"true": True, "false": False}.get(sent[-1], MISSING)


class Switch(Leaf):
    """Yes or no; nothing is said where it is as the schema has it anyhow."""

    __slots__ = ()
    macro = "switch"

    @property
    def is_on(self) -> bool:
        """Says whether it is on."""
        return self.before is True or (self.before is MISSING and self.usual)

    @property
    def usual(self) -> bool:
        """Says whether it is on where nothing is said."""
        return self.schema.get("default") is True

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return ("", ON) if self.is_on else ("",)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        value = ON in sent
        return MISSING if value is self.usual else value

    def is_same(self, sent: tuple[str, ...]) -> bool:
        """Says whether what was sent is what was shown."""
        return (ON in sent) is self.is_on


class Boxes(Leaf):
    """Some of a few values; they keep their order, new ones come last."""

    __slots__ = ()
    macro = "boxes"

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return tuple(map(str, sequence(self.before)))

    @property
    def offered(self) -> tuple[Choice, ...]:
        """Gives the values, with those that are present although they are not among them."""
        return with_present(self.choices, self.shown)

    def is_same(self, sent: tuple[str, ...]) -> bool:
        """Says whether what was sent is what was shown."""
        return {text for text in sent if text} == set(self.shown)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        kept = [value for value in self.shown if value in sent]
        return [*kept, *(text for text in sent if text and text not in kept)] or MISSING


class Words(Leaf):
    """Several texts, with commas between them."""

    __slots__ = ()
    macro = "line"

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return (", ".join(map(str, sequence(self.before))),)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        return split(sent[-1]) or MISSING


class Lines(Leaf):
    """Lists of texts: one in each line, with commas in between."""

    __slots__ = ()
    macro = "area"

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return ("\n".join(", ".join(map(str, sequence(row))) for row in sequence(self.before)),)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        return [found for line in sent[-1].splitlines() if (found := split(line))] or MISSING


class Pairs(Leaf):
    """Names with plain values, `name: value` in each line."""

    __slots__ = ()
    macro = "area"

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        lines = (f"{key}: {as_text(value)}" for key, value in mapping(self.before).items())
        return ("\n".join(lines),)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        known = mapping(self.before)
        found: dict[str, object] = {}
        for line in filter(str.strip, sent[-1].splitlines()):
            key, _, typed = (part.strip() for part in line.partition(":"))
            same = key in known and as_text(known[key]) == typed
            found[key] = known[key] if same else plain_value(typed)
        return found or MISSING


class Json(Leaf):
    """What has no control of its own; text that is not JSON stays, to be refused by name."""

    __slots__ = ()
    macro = "json"

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        return ("" if self.before is MISSING else dump(self.before),)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        typed = sent[-1].strip()
        if not typed:
            return MISSING
        value, problems = read_json(typed)
        return typed if problems else value


class Matrix(Leaf):
    """Which option may follow which; without the first box all may."""

    __slots__ = ()
    macro = "matrix"
    SEPARATOR: ClassVar[str] = " "

    @property
    def shown(self) -> tuple[str, ...]:
        """Gives what the inputs hold."""
        steps = (
            f"{start}{self.SEPARATOR}{end}"
            for start, ends in mapping(self.before).items()
            for end in sequence(ends)
        )
        return (*([ON] if self.is_set else []), *steps)

    def is_same(self, sent: tuple[str, ...]) -> bool:
        """Says whether what was sent is what was shown."""
        return {text for text in sent if text} == set(self.shown)

    def parse(self, sent: tuple[str, ...]) -> object:
        """Gives the value of what was sent."""
        if ON not in sent:
            return MISSING
        known = mapping(self.before)
        starts = dict.fromkeys([*known, *(one.value for one in self.choices)])
        return {start: self.ends(start, known, sent) for start in starts}

    def ends(self, start: str, known: Schema, sent: tuple[str, ...]) -> list[str]:
        """Gives the options that may follow one."""
        before = list(map(str, sequence(known.get(start))))
        chosen = [
            end
            for begin, _, end in (text.partition(self.SEPARATOR) for text in sent)
            if begin == start and end
        ]
        return [end for end in before if end in chosen] + [e for e in chosen if e not in before]


def with_present(choices: tuple[Choice, ...], present: Iterable[str]) -> tuple[Choice, ...]:
    """Gives choices and what is chosen without being one of them."""
    known = {one.value for one in choices}
    return (*choices, *(Choice(value, value) for value in present if value and value not in known))


def split(typed: str) -> list[str]:
    """Takes a text apart at its commas."""
    return [word.strip() for word in typed.replace("，", ",").split(",") if word.strip()]


def as_text(value: object) -> str:
    """Gives a value as people read and write it in one input."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def plain_value(typed: str) -> object:
    """Gives a number, true or false for a text that is one; else the text."""
    value, problems = read_json(typed)
    is_plain = isinstance(value, (int, float, bool)) and not problems
    return value if is_plain else typed


def dump(value: object) -> str:
    """Gives JSON as people edit it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def carried(value: object) -> str:
    """Gives JSON as a form carries it, to be read together with what was typed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def yes_or_no() -> tuple[Choice, ...]:
    """Gives the two answers."""
    return (Choice("true", gettext("Yes")), Choice("false", gettext("No")))
