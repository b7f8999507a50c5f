"""Finding and renaming things in single expressions: filters, conditions, formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lark.exceptions import UnexpectedInput

from rule_engine import tree
from rule_engine.check.mentions import Thing
from rule_engine.editor.changes import replace_names
from rule_engine.editor.meanings import Occurrence, occurrences_of_mentions
from rule_engine.editor.reading import Reading
from rule_engine.editor.renamed import rename_in_schema
from rule_engine.editor.renaming import RenameError, changes_in, means_otherwise
from rule_engine.editor.tokens import Scan
from rule_engine.errors import RuleSyntaxError
from rule_engine.expression import Expression
from rule_engine.messages import Phrase
from rule_engine.types import Schema

EXPRESSION = "expression"
SOURCE = "<text>"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an expression stands: on which object, and whose record `this.` is if another's."""

    object: str
    this: str | None = None


def find_in_expression(text: str, schema: Schema, at: Standing) -> list[Occurrence]:
    """Gives the tokens of an expression that name things; raises RuleSyntaxError."""
    expression = Expression.parse(text)
    reading = Reading.begin(text, EXPRESSION)
    try:
        tokens = reading.read_all()
        root = reading.finish(tokens[-1] if tokens else None)
    except UnexpectedInput:
        return []
    ruleset = tree.Ruleset("", "", "", None, (), SOURCE, text)
    scanned = {SOURCE: Scan(text, tuple(tokens), root, ruleset)}
    mentions = expression.mentions(schema, at.object, this=at.this)
    return occurrences_of_mentions([(one, False) for one in mentions], scanned, schema)


def rename_in_expression(
    text: str, schema: Schema, at: Standing, renames: Mapping[Thing, str]
) -> str:
    """Gives an expression in which things have other names wherever they are meant.

    Raises RuleSyntaxError, and RenameError when a new name would mean something else there.
    """
    found = find_in_expression(text, schema, at)
    changes = changes_in(found, SOURCE, renames)
    if not changes:
        return text
    renamed = replace_names(text, changes, EXPRESSION)
    owners = [None if one is None else rename_owner(one, renames) for one in (at.object, at.this)]
    standing = Standing(str(owners[0]), owners[1])
    names = ", ".join(dict.fromkeys(name for _, name in changes.values()))
    try:
        meant = find_in_expression(renamed, rename_in_schema(schema, renames), standing)
    except RuleSyntaxError as error:
        said = Phrase('"{name}" cannot be a name', {"name": names})
        raise RenameError(said, error.diagnostics) from error
    if means_otherwise(found, meant, renames):
        template = '"{name}" would mean something else somewhere; take another name'
        raise RenameError(Phrase(template, {"name": names}))
    return renamed


def rename_owner(name: str, renames: Mapping[Thing, str]) -> str:
    """Gives the name that an object has afterwards."""
    return renames.get(Thing("object", "", name), name)
