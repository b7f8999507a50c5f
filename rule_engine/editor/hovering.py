"""What the word at a place of a text means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lark import Token

from rule_engine import tree
from rule_engine.check.aggregates import AGGREGATES
from rule_engine.check.mentions import Thing
from rule_engine.check.words import say_kind
from rule_engine.editor.keywords import keyword_help, keyword_sentences
from rule_engine.editor.meanings import find_nodes, occurrences_of
from rule_engine.editor.repair import parsable
from rule_engine.editor.tokens import Scan, scan
from rule_engine.errors import Span
from rule_engine.functions import functions
from rule_engine.messages import Phrase, Title
from rule_engine.syntax.limits import span_at
from rule_engine.syntax.literals import read_percent
from rule_engine.types import Schema


@dataclass(frozen=True, slots=True)
class Hover:
    """A title, a sentence or two, and the place of the word they are about."""

    title: str
    text: str
    span: Span


def hover(text: str, offset: int, schema: Schema, *, language: str = "en") -> Hover | None:
    """Gives what stands at an offset (from 0) in a reader's language; None where nothing does.

    Statements that do not parse are left out: only their keywords are explained.
    """
    found = scan(parsable(text))
    token = _token_at(found, offset)
    if token is None:
        return None
    asked = _Asked(found, schema, language)
    for one in occurrences_of({"<text>": found}, schema):
        if one.start == token.start_pos:
            explained = _EXPLAIN[one.thing.sort](one.thing, asked)
            if explained is not None:
                return Hover(*explained, _span(text, token))
    explained = _literal(asked, token) or _word(token, language)
    return None if explained is None else Hover(*explained, _span(text, token))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The text and the reader."""

    found: Scan
    schema: Schema
    language: str

    def title(self, labels: Mapping[str, str], name: str) -> str:
        """Gives a title in the reader's language."""
        return Title(labels, name).in_language(self.language)

    def source(self, node: tree.Expression) -> str:
        """Gives the text of an expression."""
        lines = self.found.text.split("\n")
        start = sum(len(line) + 1 for line in lines[: node.span.line - 1]) + node.span.column - 1
        return " ".join(self.found.text[start : start + node.span.width].split())


_Explained = tuple[str, str] | None


def _token_at(found: Scan, offset: int) -> Token | None:
    around = [one for one in found.tokens if (one.start_pos or 0) <= offset <= (one.end_pos or 0)]
    words = [one for one in around if one[0].isalnum() or one[0] in '_"`']
    return words[-1] if words else None


def _span(text: str, token: Token) -> Span:
    return span_at(text, token.start_pos or 0, len(token))


# Things that have a name.


def _object(thing: Thing, asked: _Asked) -> _Explained:
    one = asked.schema.objects.get(thing.name)
    if one is None:
        return None
    fields = Phrase("{known}", {"known": list(one.fields)}).in_language(asked.language)
    return asked.title(one.labels, one.name), f"{thing.name}: {fields}"


def _field(thing: Thing, asked: _Asked) -> _Explained:
    owner = asked.schema.objects.get(thing.owner)
    field = None if owner is None else owner.fields.get(thing.name)
    if owner is None or field is None:
        return None
    title = f"{asked.title(owner.labels, owner.name)}.{asked.title(field.labels, field.name)}"
    kind = say_kind(field.type.kind).in_language(asked.language)
    parts = [f"{thing.owner}.{thing.name}: {kind}"]
    if field.target:
        parts[0] += f" → {field.target}"
    if field.options:
        options = (
            f"{value} ({label})" if (label := asked.title(one.labels, value)) != value else value
            for value, one in field.options.items()
        )
        parts.append(", ".join(options))
    return title, "\n".join(parts)


def _option(thing: Thing, asked: _Asked) -> _Explained:
    object_name, _, field_name = thing.owner.partition(".")
    owner = asked.schema.objects.get(object_name)
    field = None if owner is None else owner.fields.get(field_name)
    option = None if field is None else field.options.get(thing.name)
    if field is None or option is None:
        return None
    place = f"{list(field.options).index(thing.name) + 1}/{len(field.options)}"
    written = json.dumps(thing.name, ensure_ascii=False)
    return asked.title(option.labels, thing.name), f"{written} — {thing.owner}, {place}"


def _link(thing: Thing, asked: _Asked) -> _Explained:
    owner = asked.schema.objects.get(thing.owner)
    link = None if owner is None else owner.links.get(thing.name)
    if link is None:
        return None
    target = asked.schema.objects.get(link.target)
    title = link.target if target is None else asked.title(target.labels, link.target)
    return title, f"{thing.owner}.{thing.name}: {link.target}.{link.field} → {thing.owner}"


def _attribute(thing: Thing, asked: _Asked) -> _Explained:
    object_name, _, field_name = thing.owner.partition(".")
    owner = asked.schema.objects.get(object_name)
    if owner is None or field_name not in owner.fields:
        return None
    values = (
        f"{value}: {one.attributes[thing.name][1]}"
        for value, one in owner.fields[field_name].options.items()
        if thing.name in one.attributes
    )
    return f"{thing.owner}.{thing.name}", ", ".join(values)


def _formula(thing: Thing, asked: _Asked) -> _Explained:
    for one in asked.found.ruleset.statements:
        if isinstance(one, tree.Define | tree.Table) and one.head.name.text == thing.name:
            title = one.head.label or thing.name
            if isinstance(one, tree.Define):
                return title, f"{thing.name} = {asked.source(one.body)}"
            columns = ", ".join(".".join(n.text for n in path.parts) for path in one.columns)
            outputs = ", ".join(name.text for name in one.outputs)
            return title, f"{thing.name}: {columns} => {outputs} ({one.hit})"
    return None


def _function(thing: Thing, asked: _Asked) -> _Explained:
    del asked
    function = functions().get(thing.name)
    if function is not None:
        return function.signature, function.doc
    example = AGGREGATES.get(thing.name)
    return None if example is None else (thing.name, example)


def _calendar(thing: Thing, asked: _Asked) -> _Explained:
    for one in asked.found.ruleset.statements:
        if isinstance(one, tree.Calendar) and one.name.text == thing.name:
            zones = ", ".join(zone.value for zone in one.zones)
            hours = (_hours(line) for line in one.hours)
            return one.label or thing.name, "\n".join((zones, *hours))
    return None


def _hours(line: tree.Hours) -> str:
    days = ", ".join(
        day.first if day.first == day.last else f"{day.first} – {day.last}" for day in line.days
    )
    times = ", ".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in line.times)
    return f"{days}: {times}"


def _process(thing: Thing, asked: _Asked) -> _Explained:
    for one in asked.found.ruleset.statements:
        if isinstance(one, tree.Calendar | tree.Test) or one.head.name.text != thing.name:
            continue
        kind = type(one).__name__.lower()
        title = one.head.label or thing.name
        return title, f"{kind} {thing.name}: {keyword_help(kind, asked.language)}"
    return None


def _step(thing: Thing, asked: _Asked) -> _Explained:
    for one in asked.found.ruleset.statements:
        if isinstance(one, tree.Approval | tree.Sla) and one.head.name.text == thing.owner:
            steps = {step.name.text: step.label for step in find_nodes(one, tree.Step)}
            targets = {target.name.text: target.label for target in find_nodes(one, tree.Target)}
            label = {**steps, **targets}.get(thing.name)
            return label or thing.name, f"{thing.owner}.{thing.name}"
    return None


def _output(thing: Thing, asked: _Asked) -> _Explained:
    explained = _formula(Thing("formula", "", thing.owner), asked)
    return None if explained is None else (thing.name, explained[1])


_EXPLAIN: Mapping[str, Callable[[Thing, _Asked], _Explained]] = {
    "object": _object,
    "field": _field,
    "option": _option,
    "link": _link,
    "attribute": _attribute,
    "formula": _formula,
    "output": _output,
    "function": _function,
    "calendar": _calendar,
    "process": _process,
    "step": _step,
}


# Words and literals.


def _word(token: Token, language: str) -> _Explained:
    sentence = keyword_help(token, language)
    return (str(token), sentence) if token in keyword_sentences() or sentence else None


def _literal(asked: _Asked, token: Token) -> _Explained:
    """Explains the number, amount, length or percentage that a token belongs to."""
    place = (token.line or 0, token.column or 0)
    for node in find_nodes(asked.found.ruleset, tree.Expression):
        first = (node.span.line, node.span.column)
        if first <= place < (node.span.line, node.span.column + node.span.width):
            explained = _value(node, asked.language)
            if explained:
                return asked.source(node), explained
    if token.type == "PERCENT":
        return str(token), f"{read_percent(token, lambda _: None).normalize():f}"
    return None


def _value(node: tree.Expression, language: str) -> str:
    match node:
        case tree.MoneyLiteral():
            return f"{node.amount:,f} {node.currency}"
        case tree.Number():
            return f"{node.value:,f}"
        case tree.Percent():
            return f"{node.value.normalize():f}"
        case tree.Duration():
            return _length(node, language)
    return ""


_LENGTHS = {
    "clock": {
        "en": "Time on the clock: nights, weekends and holidays count.",
        "zh": "按钟表时间计算，夜间、周末与节假日也计入。",
    },
    "calendar": {
        "en": "Calendar time: the clock time stays the same, months end at their last day.",
        "zh": "按自然日计算：钟点不变，月末取当月最后一天。",
    },
    "hours": {
        "en": "Working time of the calendar: only its hours count.",
        "zh": "按日历的工作时间计算，只计工作时段。",
    },
    "days": {
        "en": "Working days of the calendar: the same clock time on the n-th next working day, "
        "moved to the next opening when closed then.",
        "zh": "按日历的工作日计算：第 n 个工作日的同一钟点，若当时不上班则顺延到下一次上班。",
    },
}


def _length(node: tree.Duration, language: str) -> str:
    is_clock = node.unit in ("minute", "hour")
    kind = "clock" if is_clock else "calendar"
    if node.business:
        kind = "hours" if is_clock else "days"
    return _LENGTHS[kind].get(language, _LENGTHS[kind]["en"])
