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
    return rename_things(texts, schema, {thing: new})


def rename_things(
    texts: Mapping[str, str], schema: Schema, renames: Mapping[Thing, str]
) -> Mapping[str, str]:
    """Gives texts in which several things have other names at once; see `rename_all`.

    Texts that name neither these things nor others by a new name stay.
    """
    scans, found = find_occurrences(texts, schema)
    mentioned = {one.thing for one in found}
    if mentioned.isdisjoint((*renames, *(replace(one, name=new) for one, new in renames.items()))):
        return texts
    renamed = {
        source: replace_names(text, changes_in(found, source, renames))
        for source, text in texts.items()
    }
    named = ", ".join(renames.values())
    changed_schema = rename_in_schema(schema, renames)
    try:
        changed_scans, meant = find_occurrences(renamed, changed_schema)
    except RuleSyntaxError as error:
        said = Phrase('"{name}" cannot be a name', {"name": named})
        raise RenameError(said, error.diagnostics) from error
    before = Counter(map(_key, _findings(scans, schema)))
    after = _findings(changed_scans, changed_schema)
    more = Counter(map(_key, after)) - before
    is_taken = any(_is_taken(one, new, renames, found, schema) for one, new in renames.items())
    if more or is_taken or means_otherwise(found, meant, renames):
        template = '"{name}" would mean something else somewhere; take another name'
        said = Phrase(template, {"name": named})
        raise RenameError(said, [one for one in after if _key(one) in more])
    return renamed


def means_otherwise(
    before: Sequence[Occurrence], after: Sequence[Occurrence], renames: Mapping[Thing, str]
) -> bool:
    """Says whether renaming changed what is named besides the names."""
    wanted = [(one.source, _as_renamed(one.thing, renames)) for one in before]
    return wanted != [(one.source, one.thing) for one in after]


def find_references(texts: Mapping[str, str], schema: Schema, thing: Thing) -> list[Occurrence]:
    """Gives where a thing is named, by API name or label, by source and place."""
    _, found = find_occurrences(texts, schema)
    return [one for one in found if one.thing == thing]


def _is_taken(
    thing: Thing,
    new: str,
    renames: Mapping[Thing, str],
    found: Sequence[Occurrence],
    schema: Schema,
) -> bool:
    """Says whether there is a thing of this name already that keeps it."""
    renamed = replace(thing, name=new)
    if renamed in renames:
        return False
    object_name, _, field_name = renamed.owner.partition(".")
    owner = schema.objects.get(object_name)
    field = None if owner is None else owner.fields.get(field_name)
    known = {
        "object": schema.objects,
        "field": {} if owner is None else {**owner.fields, **owner.links},
        "link": {} if owner is None else {**owner.fields, **owner.links},
        "option": {} if field is None else field.options,
    }
    return new in known.get(renamed.sort, {}) or any(one.thing == renamed for one in found)


def _findings(scans: Mapping[str, Scan], schema: Schema) -> Sequence[Diagnostic]:
    try:
        return compile_program([one.ruleset for one in scans.values()], schema).warnings
    except RuleCheckError as error:
        return error.diagnostics


def _key(found: Diagnostic) -> tuple[str, str]:
    return found.source, found.code


def _as_renamed(one: Thing, renames: Mapping[Thing, str]) -> Thing:
    """Gives the name that something has after renaming, which may be its owner's."""
    owner = one.owner
    if one.sort in ("field", "link", "formula", "option", "attribute"):
        name, dot, rest = owner.partition(".")
        rest = renames.get(Thing("field", name, rest), rest)
        owner = f"{renames.get(Thing('object', '', name), name)}{dot}{rest}"
    elif one.sort == "output":
        renamed = (new for thing, new in renames.items() if is_formula(thing, owner))
        owner = next(renamed, owner)
    elif one.sort == "step":
        owner = renames.get(Thing("process", "", owner), owner)
    return replace(one, owner=owner, name=renames.get(one, one.name))


def is_formula(thing: Thing, name: str) -> bool:
    """Says whether a thing is a formula of a name."""
    return thing.sort == "formula" and thing.name == name


def changes_in(
    found: Sequence[Occurrence], source: str, renames: Mapping[Thing, str]
) -> dict[int, tuple[Token, str]]:
    """Gives the tokens of a text that get another name; what names a thing by a label stays."""
    return {
        one.start: (one.token, renames[one.thing])
        for one in found
        if one.source == source and one.thing in renames and one.written == one.thing.name
    }
