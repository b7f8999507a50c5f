"""Renames things in rule texts wherever they are meant, and only there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lark import Token

from rule_engine.check.mentions import Sort, Thing
from rule_engine.check.whole import compile_program
from rule_engine.editor.changes import replace_names
from rule_engine.editor.meanings import Occurrence, find_occurrences
from rule_engine.editor.renamed import rename_in_schema
from rule_engine.editor.tokens import Scan
from rule_engine.errors import Diagnostic, RuleCheckError, RuleError, RuleSyntaxError
from rule_engine.messages import Phrase
from rule_engine.types import Schema


class RenameError(RuleError):
    """A name that cannot be taken. `findings` is what the checks would find then, if anything."""

    def __init__(self, said: Phrase, findings: Sequence[Diagnostic] = ()) -> None:
        self.said = said
        self.findings = tuple(findings)
        told = (f"{one.source}:{one}" for one in findings)
        super().__init__("\n".join((str(said), *told)))


def rename(
    text: str,
    schema: Schema,
    object_name: str,
    old: str,
    new: str,
    *,
    sort: Sort = "field",
    beside: Mapping[str, str] | None = None,
) -> str:
    """Gives a text in which a thing has another name; see `rename_all`.

    `object_name` is the owner as in `Thing`; `beside` are texts whose formulas may be named here.
    """
    texts = {"<text>": text, **(beside or {})}
    return rename_all(texts, schema, Thing(sort, object_name, old), new)["<text>"]


def rename_all(
    texts: Mapping[str, str], schema: Schema, thing: Thing, new: str
) -> Mapping[str, str]:
    """Gives texts, by source, in which a thing has another name, wherever it is meant.

    `schema` is the one before renaming. Comments and layout stay. What names the thing by a label
    stays, too. Raises RuleSyntaxError, and RenameError when the new name would mean something else.
    """
    scans, found = find_occurrences(texts, schema)
    renamed = {
        source: replace_names(text, _changes(found, source, thing, new))
        for source, text in texts.items()
    }
    changed_schema = rename_in_schema(schema, thing, new)
    try:
        changed_scans, meant = find_occurrences(renamed, changed_schema)
    except RuleSyntaxError as error:
        said = Phrase('"{name}" cannot be a name', {"name": new})
        raise RenameError(said, error.diagnostics) from error
    before = Counter(map(_key, _findings(scans, schema)))
    after = _findings(changed_scans, changed_schema)
    more = Counter(map(_key, after)) - before
    wanted = [(one.source, _as_renamed(one.thing, thing, new)) for one in found]
    is_taken = _is_taken(replace(thing, name=new), found, schema)
    if more or is_taken or wanted != [(one.source, one.thing) for one in meant]:
        template = '"{name}" would mean something else somewhere; take another name'
        said = Phrase(template, {"name": new})
        raise RenameError(said, [one for one in after if _key(one) in more])
    return renamed


def find_references(texts: Mapping[str, str], schema: Schema, thing: Thing) -> list[Occurrence]:
    """Gives where a thing is named, by API name or label, by source and place."""
    _, found = find_occurrences(texts, schema)
    return [one for one in found if one.thing == thing]


def _is_taken(renamed: Thing, found: Sequence[Occurrence], schema: Schema) -> bool:
    """Says whether there is a thing of this name already."""
    object_name, _, field_name = renamed.owner.partition(".")
    owner = schema.objects.get(object_name)
    field = None if owner is None else owner.fields.get(field_name)
    known = {
        "object": schema.objects,
        "field": {} if owner is None else {**owner.fields, **owner.links},
        "link": {} if owner is None else {**owner.fields, **owner.links},
        "option": {} if field is None else field.options,
    }
    return renamed.name in known.get(renamed.sort, {}) or any(one.thing == renamed for one in found)


def _findings(scans: Mapping[str, Scan], schema: Schema) -> Sequence[Diagnostic]:
    try:
        return compile_program([one.ruleset for one in scans.values()], schema).warnings
    except RuleCheckError as error:
        return error.diagnostics


def _key(found: Diagnostic) -> tuple[str, str]:
    return found.source, found.code


def _as_renamed(one: Thing, thing: Thing, new: str) -> Thing:
    """Gives the name that something has after a thing was renamed, which may be its owner."""
    if one == thing:
        return replace(one, name=new)
    owner = one.owner
    if thing.sort == "object" and one.sort in ("field", "link", "formula", "option", "attribute"):
        name, dot, rest = owner.partition(".")
        owner = f"{new}{dot}{rest}" if name == thing.name else owner
    elif thing.sort == "field" and owner == f"{thing.owner}.{thing.name}":
        owner = f"{thing.owner}.{new}"
    elif (thing.sort, one.sort) in (("formula", "output"), ("process", "step")):
        owner = new if owner == thing.name else owner
    return replace(one, owner=owner)


def _changes(
    found: list[Occurrence], source: str, thing: Thing, new: str
) -> dict[int, tuple[Token, str]]:
    return {
        one.start: (one.token, new)
        for one in found
        if one.source == source and one.thing == thing and one.written == thing.name
    }
