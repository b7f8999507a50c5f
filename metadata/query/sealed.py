"""Encrypted fields in conditions: `=`, `!=`, `in` and `is empty` work, by blind index.

`sealed_problems` refuses everything else when a condition is checked; `use_indexes` puts the
blind indexes in the place of the constants before it becomes SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from metadata.columns import indexes_of
from metadata.encryption import Cipher, EncryptionError
from metadata.fields.encrypted import INDEX
from metadata.problems import Problem
from metadata.schema import RuleField
from rule_engine.core import (
    Compare,
    Constant,
    IsEmpty,
    Member,
    Node,
    Not,
    Path,
    Scope,
    children,
    walk,
)
from rule_engine.errors import NotTranslatableError, Span, finding
from rule_engine.types import Kind, Schema, Type

if TYPE_CHECKING:
    from metadata.catalog import Catalog

SEPARATOR = "$"
MAIN = "sealed"
TEXT = Type(Kind.TEXT)
EQUALITY = ("=", "!=")
NOWHERE = Span(1, 1)
SEALED = "{field} is encrypted: SQL only knows whether it is equal to a constant"


def sealed_problems(node: Node, schema: Schema, parameter: str) -> Iterator[Problem]:
    """Gives a problem for each encrypted field that stands where only plain values can."""
    for child in allowed_below(node, schema):
        yield from sealed_problems(child, schema, parameter)
    if is_sealed(node, schema):
        code = "sealed_operator" if is_comparable(node, schema) else "sealed_secret"
        yield Problem(parameter, code, {"name": name_of(node)}, *place_of(node))


def allowed_below(node: Node, schema: Schema) -> list[Node]:
    """Gives what is inside a node, without the encrypted fields that may stand there."""
    match node:
        case IsEmpty(operand=Path() as path) if is_sealed(path, schema):
            return []
        case Compare(op=operator) if operator in EQUALITY:
            sides = [node.left, node.right]
            constant = any(isinstance(side, Constant) for side in sides)
            return [side for side in sides if not (constant and is_comparable(side, schema))]
        case Member() if all(isinstance(item, Constant) for item in node.items):
            return [] if is_comparable(node.item, schema) else [node.item]
        case _:
            return list(children(node))


def is_sealed(node: Node, schema: Schema) -> bool:
    """Says whether a node is an encrypted field of a stored record."""
    if not isinstance(node, Path) or node.scope is Scope.USER:
        return False
    field = field_of(node, schema)
    return field is not None and field.sealed


def is_comparable(node: Node, schema: Schema) -> bool:
    """Says whether a node is an encrypted field that has a blind index."""
    field = field_of(node, schema) if is_sealed(node, schema) else None
    return field is not None and field.comparable


def field_of(node: Node, schema: Schema) -> RuleField | None:
    """Gives the field of a path."""
    if not isinstance(node, Path):
        return None
    known = schema.objects.get(node.object)
    field = known.fields.get(node.field) if known is not None else None
    return field if isinstance(field, RuleField) else None


def not_in_sql(field: str) -> NotTranslatableError:
    """Gives the error for an encrypted field that a condition in SQL wants to read."""
    return NotTranslatableError(finding("not_in_sql", SEALED, NOWHERE, field=field))


def name_of(node: Node) -> str:
    """Gives a path as it is written."""
    if not isinstance(node, Path):
        return ""
    return ".".join((*(hop.field for hop in node.hops), node.field))


def place_of(node: Node) -> tuple[int, int]:
    """Gives line and column."""
    return node.span.line, node.span.column


def use_indexes(node: Node, catalog: Catalog, cipher: Cipher | None) -> Node:
    """Gives a checked condition with encrypted fields compared by their blind indexes.

    Raises EncryptionError without a cipher.
    """
    schema = catalog.schema
    if not any(is_sealed(one, schema) for one in walk(node)):
        return node

    def again(one: Node) -> Node:
        match one:
            case IsEmpty(operand=Path() as path) if is_sealed(path, schema):
                return replace(one, operand=part_of(path, MAIN))
            case Compare(op=operator) if operator in EQUALITY:
                found = pair_of(one, schema)
                if found is not None:
                    member = one_of(one, found[0], (found[1],))
                    return member if operator == "=" else Not(one.type, False, one.span, member)
            case Member(item=Path() as path) if is_sealed(path, schema):
                constants = tuple(item for item in one.items if isinstance(item, Constant))
                return one_of(one, path, constants)
        return with_children(one, again)

    def one_of(one: Node, path: Path, constants: tuple[Constant, ...]) -> Member:
        definition = catalog.objects[path.object]
        field = definition.fields[path.field]
        if cipher is None:
            raise EncryptionError(f"{path.object}.{path.field} is encrypted and there is no key")
        values = [
            index
            for constant in constants
            if constant.value is not None
            for index in indexes_of(cipher, definition, field, constant.value)
        ]
        items = tuple(Constant(TEXT, False, path.span, value) for value in values)
        return Member(one.type, one.nullable, one.span, part_of(path, INDEX), items)

    return again(node)


def pair_of(node: Compare, schema: Schema) -> tuple[Path, Constant] | None:
    """Gives the encrypted field and the constant of a comparison."""
    for one, other in ((node.left, node.right), (node.right, node.left)):
        if isinstance(one, Path) and is_sealed(one, schema) and isinstance(other, Constant):
            return one, other
    return None


def part_of(path: Path, part: str) -> Path:
    """Gives the path of a column that stands behind an encrypted field."""
    return replace(path, type=TEXT, field=f"{path.field}{SEPARATOR}{part}")


def with_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """Gives a node with what lies in it changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, Node):
            return change(value)
        return tuple(map(changed, value)) if isinstance(value, tuple) else value

    return replace(node, **{one.name: changed(getattr(node, one.name)) for one in fields(node)})
