"""Where the things that rule texts name are named: fields, options, formulas, calendars, steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

from lark import Token

from rule_engine import tree
from rule_engine.check.mentions import Mention, Thing
from rule_engine.check.whole import find_mentions
from rule_engine.editor.tokens import Scan, scan
from rule_engine.errors import Span
from rule_engine.syntax.literals import read_name, read_string
from rule_engine.types import Schema

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A token that names a thing; `declares` where the thing gets its name."""

    thing: Thing
    token: Token
    source: str
    declares: bool = False

    @property
    def start(self) -> int:
        """Gives the offset at which it begins."""
        return self.token.start_pos or 0

    @property
    def end(self) -> int:
        """Gives the offset behind it."""
        return self.token.end_pos or 0

    @property
    def written(self) -> str:
        """Gives the name as the text spells it, without quotes."""
        return written_name(self.token)


def written_name(token: Token) -> str:
    """Gives the name that a token spells, without its quotes."""
    return read_string(token, lambda _: None) if token.type == "STRING" else read_name(token)


def find_occurrences(
    texts: Mapping[str, str], schema: Schema
) -> tuple[Mapping[str, Scan], list[Occurrence]]:
    """Gives the tokens that name things in texts by source; raises RuleSyntaxError."""
    scans = {source: scan(text, source=source) for source, text in texts.items()}
    return scans, occurrences_of(scans, schema)


def occurrences_of(scans: Mapping[str, Scan], schema: Schema) -> list[Occurrence]:
    """Gives the tokens that name things, each once for each thing, by place."""
    rulesets = [found.ruleset for found in scans.values()]
    return occurrences_of_mentions(_all_mentions(rulesets, schema), scans, schema)


def occurrences_of_mentions(
    mentions: Iterable[tuple[Mention, bool]], scans: Mapping[str, Scan], schema: Schema
) -> list[Occurrence]:
    """Gives the tokens of mentions, each with whether it declares its thing."""
    places = {
        source: {(token.line, token.column): token for token in found.tokens}
        for source, found in scans.items()
    }
    noted: dict[tuple[Thing, str, int], Occurrence] = {}
    for mention, declares in mentions:
        for source, token in _tokens_of(mention, scans, places, schema):
            key = (mention.thing, source, token.start_pos or 0)
            if key not in noted or declares:
                noted[key] = Occurrence(mention.thing, token, source, declares)
    return sorted(noted.values(), key=lambda one: (one.source, one.start))


def _all_mentions(
    rulesets: Sequence[tree.Ruleset], schema: Schema
) -> Iterator[tuple[Mention, bool]]:
    for mention in find_mentions(rulesets, schema):
        if _is_known(mention.thing, schema):
            yield mention, False
    levels = {
        one.head.name.text: one
        for ruleset in rulesets
        for one in ruleset.statements
        if isinstance(one, tree.Sla)
    }
    for ruleset in rulesets:
        for statement in ruleset.statements:
            for thing, name, declares in _named(statement, schema, levels):
                yield Mention(thing, name.span, ruleset.source), declares


def _is_known(thing: Thing, schema: Schema) -> bool:
    """Says whether a thing is the schema's or the texts', and not made up for a test."""
    if thing.sort in ("field", "link"):
        owner = schema.objects.get(thing.owner)
        return owner is not None and (thing.name in owner.fields or thing.name in owner.links)
    return thing.sort != "missing"


def _tokens_of(
    mention: Mention,
    scans: Mapping[str, Scan],
    places: Mapping[str, Mapping[tuple[int | None, int | None], Token]],
    schema: Schema,
) -> Iterator[tuple[str, Token]]:
    """Gives the tokens of a mention; an option's may stand in the formula that gives the value."""
    if mention.thing.sort != "option":
        token = places[mention.source].get((mention.span.line, mention.span.column))
        if token is not None and token.type == "NAME":
            yield mention.source, token
        return
    spellings = spellings_of(mention.thing, schema)
    for source in dict.fromkeys((mention.source, *scans)):
        found = [
            token
            for token in _strings_in(scans[source], places[source], mention.span)
            if written_name(token) in spellings
        ]
        if found:
            yield from ((source, token) for token in found)
            return


def _strings_in(
    found: Scan, places: Mapping[tuple[int | None, int | None], Token], span: Span
) -> Iterator[Token]:
    first = places.get((span.line, span.column))
    if first is None or first.start_pos is None:
        return
    end = first.start_pos + span.width
    if first.type == "STRING":
        yield first
    elif first == "[":
        for token in found.tokens:
            if token.type == "STRING" and first.start_pos < (token.start_pos or 0) < end:
                yield token


def spellings_of(thing: Thing, schema: Schema) -> frozenset[str]:
    """Gives the ways to name an option: its value and its labels."""
    object_name, _, field_name = thing.owner.partition(".")
    owner = schema.objects.get(object_name)
    field = None if owner is None else owner.fields.get(field_name)
    option = None if field is None else field.options.get(thing.name)
    labels = () if option is None else option.labels.values()
    return frozenset((thing.name, *labels))


def _named(
    statement: tree.Statement, schema: Schema, levels: Mapping[str, tree.Sla]
) -> Iterator[tuple[Thing, tree.Name, bool]]:
    """Gives what a statement names that needs no schema: things of rule texts themselves."""
    match statement:
        case tree.Test():
            yield Thing("process", "", statement.of.text), statement.of, False
            if (level := levels.get(statement.of.text)) is not None:
                yield from _clocks(statement, level, schema)
            return
        case tree.Calendar():
            yield Thing("calendar", "", statement.name.text), statement.name, True
            return
        case tree.Define() | tree.Table():
            yield from _formula_names(statement, schema)
            return
    head = statement.head
    yield Thing("process", "", head.name.text), head.name, True
    for start in find_nodes(statement, tree.Start):
        yield Thing("process", "", start.process.text), start.process, False
    for step in find_nodes(statement, tree.Step):
        yield Thing("step", head.name.text, step.name.text), step.name, True
    for target in find_nodes(statement, tree.Target):
        yield Thing("step", head.name.text, target.name.text), target.name, True
    for line in find_nodes(statement, tree.RejectionLine):
        if line.to_step is not None:
            yield Thing("step", head.name.text, line.to_step.text), line.to_step, False


def _clocks(
    test: tree.Test, level: tree.Sla, schema: Schema
) -> Iterator[tuple[Thing, tree.Name, bool]]:
    """Gives where a test asks for the clocks of a service level's targets."""
    owner = schema.object(level.head.object.text)
    targets = {target.name.text for target in find_nodes(level, tree.Target)}
    given = {
        one.alias.text
        for one in find_nodes(test, tree.Given)
        if schema.object(one.object.text) is owner
    }
    own = frozenset() if owner is None else owner.fields.keys()
    for path in find_nodes(test, tree.Path):
        record, *names = path.parts
        if names and record.text in given and names[0].text in targets - own:
            yield Thing("step", level.head.name.text, names[0].text), names[0], False


def _formula_names(
    formula: tree.Define | tree.Table, schema: Schema
) -> Iterator[tuple[Thing, tree.Name, bool]]:
    head = formula.head
    owner = schema.object(head.object.text)
    object_name = head.object.text if owner is None else owner.name
    yield Thing("formula", object_name, head.name.text), head.name, True
    for output in formula.outputs if isinstance(formula, tree.Table) else ():
        yield Thing("output", head.name.text, output.text), output, True


def find_nodes(root: object, kind: type[_T]) -> Iterator[_T]:
    """Gives all nodes of a kind inside a tree."""
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, kind):
            yield node
        if isinstance(node, tuple):
            pending.extend(reversed(node))
        elif hasattr(node, "__dataclass_fields__") and not isinstance(node, Span):
            parts = fields(node)  # type: ignore[arg-type]  # a dataclass, as just seen
            pending.extend(getattr(node, part.name) for part in reversed(parts))


def thing_at(occurrences: Sequence[Occurrence], source: str, offset: int) -> Occurrence | None:
    """Gives the occurrence that a place is in or right behind."""
    around = [one for one in occurrences if one.source == source]
    return next((one for one in around if one.start <= offset <= one.end), None)
