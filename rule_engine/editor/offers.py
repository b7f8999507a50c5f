"""The things that a completion can offer, family by family."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rule_engine import tree
from rule_engine.check.aggregates import AGGREGATES
from rule_engine.check.statements.cases import COMMANDS
from rule_engine.check.statements.people import ACTORS, GROUPS, RELATIONS
from rule_engine.check.words import say_kind
from rule_engine.check.worlds import CLOCK_OBJECT, with_clocks, world_of
from rule_engine.editor.context import Wanted
from rule_engine.editor.keywords import keyword_help
from rule_engine.functions import functions
from rule_engine.messages import Title
from rule_engine.types import FieldType, ObjectType, Option, Schema


@dataclass(frozen=True, slots=True)
class Completion:
    """One offer: what it is called, what to write, and what to show beside it.

    `kind` is field, option, function, keyword and the like; `matches` are further words by which
    it can be looked for.
    """

    label: str
    insert: str
    kind: str
    detail: str = ""
    documentation: str = ""
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what can be named."""

    schema: Schema
    names: Mapping[str, Sequence[str]]
    language: str

    def title(self, labels: Mapping[str, str], name: str) -> str:
        """Gives a title in the reader's language."""
        return Title(labels, name).in_language(self.language)


def offers_for(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    """Gives the offers of a family."""
    return _FAMILIES[wanted.sort](wanted, reader)


def write_name(name: str) -> str:
    """Gives a name as it is written, in backquotes where it holds spaces."""
    return name if name.isidentifier() else f"`{name}`"


def _objects(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    for name, one in reader.schema.objects.items():
        detail = reader.title(one.labels, name)
        yield Completion(name, write_name(name), "object", detail, "", tuple(one.labels.values()))


def _fields(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    owner = reader.schema.objects.get(wanted.owner)
    for field in () if owner is None else owner.fields.values():
        if field.writable or wanted.sort == "field":
            yield _field(field, reader)


def _field(field: FieldType, reader: Reader) -> Completion:
    kind = say_kind(field.type.kind).in_language(reader.language)
    options = ", ".join(field.options)
    detail = reader.title(field.labels, field.name)
    documentation = f"{kind}: {options}" if options else kind
    if field.target:
        target = reader.schema.objects.get(field.target)
        title = field.target if target is None else reader.title(target.labels, field.target)
        documentation = f"{kind} → {title}"
    matches = tuple(field.labels.values())
    return Completion(field.name, write_name(field.name), "field", detail, documentation, matches)


def _links(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    owner = reader.schema.objects.get(wanted.owner)
    for link in () if owner is None else owner.links.values():
        target = reader.schema.objects.get(link.target)
        detail = link.target if target is None else reader.title(target.labels, link.target)
        yield Completion(link.name, link.name, "link", detail, f"count({link.name})")


def _formulas(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    for one in wanted.statements:
        if isinstance(one, tree.Define | tree.Table):
            owner = reader.schema.object(one.head.object.text)
            if owner is not None and owner.name == wanted.owner:
                yield _of_head(one.head, "formula")


def _of_head(head: tree.Head, kind: str) -> Completion:
    name, label = head.name.text, head.label or ""
    return Completion(name, write_name(name), kind, label, "", (label,) if label else ())


def _options(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    for value, option in _options_of(wanted.owner, reader.schema).items():
        written = json.dumps(value, ensure_ascii=False)
        detail = reader.title(option.labels, value)
        matches = (value, *option.labels.values())
        yield Completion(written, written, "option", detail, "", matches)


def _options_of(place: str, schema: Schema) -> Mapping[str, Option]:
    object_name, _, field_name = place.partition(".")
    owner = schema.objects.get(object_name)
    return {} if owner is None else owner.fields[field_name].options


def _attributes(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    known = {
        name: kind
        for option in _options_of(wanted.owner, reader.schema).values()
        for name, (kind, _) in option.attributes.items()
    }
    for name, kind in known.items():
        detail = say_kind(kind.kind).in_language(reader.language)
        yield Completion(name, name, "attribute", detail)


def _functions(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted, reader
    for name, function in functions().items():
        yield Completion(name, f"{name}(", "function", function.signature, function.doc)
    for name, example in AGGREGATES.items():
        yield Completion(name, f"{name}(", "aggregate", example)


def _arguments(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del reader
    name, _, place = wanted.owner.partition(".")
    parameters = functions()[name].parameters
    for word in parameters[min(int(place), len(parameters) - 1)].words if parameters else ():
        written = json.dumps(word)
        yield Completion(written, written, "word", functions()[name].signature, "", (word,))


def _instants(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    for word in ("now", "today", "user", "this", "old"):
        yield Completion(word, word, "value", "", keyword_help(word, reader.language))


def _booleans(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    for word in ("true", "false"):
        yield Completion(word, word, "keyword", "", keyword_help(word, reader.language))


def _persons(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    for words, ending in ((GROUPS, ' "'), (RELATIONS, " of "), (ACTORS, "")):
        for word in words:
            help_text = keyword_help(word, reader.language)
            yield Completion(word, word + ending, "person", "", help_text)


def _people(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    """Gives names that only the platform knows; channels are words, the others texts."""
    for name in reader.names.get(wanted.owner, ()):
        written = name if wanted.owner == "channel" else json.dumps(name, ensure_ascii=False)
        yield Completion(written, written, wanted.owner, "", "", (name,))


def _calendars(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del reader
    for one in wanted.statements:
        if isinstance(one, tree.Calendar):
            name, label = one.name.text, one.label or ""
            yield Completion(name, write_name(name), "calendar", label, "", (label,))


def _processes(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del reader
    for one in wanted.statements:
        match one:
            case tree.Score() | tree.Validate() | tree.Rule() | tree.Assign():
                yield _of_head(one.head, type(one).__name__.lower())
            case tree.Approval() | tree.Sla():
                yield _of_head(one.head, type(one).__name__.lower())


def _steps(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del reader
    approval = wanted.statements[0] if wanted.statements else None
    for stage in approval.statements if isinstance(approval, tree.Approval) else ():
        steps = stage.steps if isinstance(stage, tree.ParallelSteps) else (stage,)
        for step in steps:
            if isinstance(step, tree.Step):
                yield Completion(
                    step.name.text, write_name(step.name.text), "step", step.label or ""
                )


def _rejections(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    yield Completion(
        "submitter", "submitter", "person", "", keyword_help("submitter", reader.language)
    )


def _commands(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    for word in COMMANDS:
        yield Completion(word, word, "command", "", keyword_help(word, reader.language))


def _given(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    given: dict[str, str] = {}
    for test in wanted.statements:
        for line in test.statements if isinstance(test, tree.Test) else ():
            owner = reader.schema.object(line.object.text) if isinstance(line, tree.Given) else None
            if isinstance(line, tree.Given) and owner is not None:
                given[line.alias.text] = owner.name
    for name in world_of(given, reader.schema).fields:
        yield Completion(name, write_name(name), "given", given.get(name, ""))


def _clocks(wanted: Wanted, reader: Reader) -> Iterator[Completion]:
    del wanted
    owner: ObjectType = next(iter(reader.schema.objects.values()))
    for field in with_clocks(owner, ())[CLOCK_OBJECT].fields.values():
        yield _field(field, reader)


_FAMILIES: Mapping[str, Callable[[Wanted, Reader], Iterator[Completion]]] = {
    "object": _objects,
    "field": _fields,
    "writable": _fields,
    "link": _links,
    "formula": _formulas,
    "option": _options,
    "attribute": _attributes,
    "argument": _arguments,
    "function": _functions,
    "instant": _instants,
    "boolean": _booleans,
    "person": _persons,
    "people": _people,
    "calendar": _calendars,
    "process": _processes,
    "step": _steps,
    "rejection": _rejections,
    "command": _commands,
    "given": _given,
    "clock": _clocks,
}
