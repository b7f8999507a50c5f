"""Finds out what can stand at the cursor, from what is around it in the finished statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import takewhile

from rule_engine import tree
from rule_engine.check.mentions import Mention
from rule_engine.check.names import find_field
from rule_engine.check.worlds import CLOCK_OBJECT, TEST_OBJECT
from rule_engine.editor.unfinished import MARKER, Unfinished
from rule_engine.errors import Span
from rule_engine.functions import functions
from rule_engine.types import Kind, Schema


@dataclass(frozen=True, slots=True)
class Wanted:
    """What can stand somewhere: `sort` names a family of offers, `owner` whose they are.

    `statements` are those whose names can be offered.
    """

    sort: str
    owner: str = ""
    statements: Sequence[tree.Statement] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """The finished statement: the nodes down to the cursor, outermost first, and what is known."""

    path: Sequence[object]
    mentions: Mapping[tuple[int, int], Mention]
    statements: Sequence[tree.Statement]

    def parent(self, level: int = 1) -> object:
        """Gives the node so many levels above the cursor's word."""
        return self.path[-1 - level] if level < len(self.path) else None

    def meant_by(self, name: tree.Name) -> Mention | None:
        """Gives what a name means."""
        return self.mentions.get((name.span.line, name.span.column))

    def missing_in(self, name: tree.Name) -> str:
        """Gives the object that was looked at for a name and has none such; empty for none."""
        mention = self.meant_by(name)
        return mention.thing.owner if mention and mention.thing.sort == "missing" else ""


def path_to_marker(root: object) -> list[object]:
    """Gives the nodes from a tree down to the word at the cursor; tuples are no nodes."""
    found = _search(root)
    return [node for node in reversed(found) if not isinstance(node, tuple)]


def _search(node: object) -> list[object]:
    if _is_marker(node):
        return [node]
    for child in _children(node):
        below = _search(child)
        if below:
            return [*below, node]
    return []


def _is_marker(node: object) -> bool:
    match node:
        case tree.Name(text=written) | tree.Text(value=written) | tree.String(value=written):
            return written == MARKER
    return False


def _children(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        yield from node
    elif hasattr(node, "__dataclass_fields__") and not isinstance(node, Span):
        for part in fields(node):  # type: ignore[arg-type]  # a dataclass, as just seen
            yield getattr(node, part.name)


def find_wanted(around: Around, unfinished: Unfinished, schema: Schema) -> Iterator[Wanted]:
    """Gives the families of things that fit at the cursor."""
    if not around.path:
        return
    yield from _values_beside(around, schema)
    yield from _arguments(around)
    word, parent = around.path[-1], around.parent()
    if isinstance(word, tree.Text):
        yield from _texts(word, parent)
    elif isinstance(word, tree.Name) and isinstance(parent, tree.Path):
        yield from _path_parts(around, parent, word, unfinished)
    elif isinstance(word, tree.Name):
        yield from _names(around, word, parent)


# Texts.


def _texts(word: tree.Text, parent: object) -> Iterator[Wanted]:
    match parent:
        case tree.Group():
            yield Wanted("people", parent.kind.text)
        case tree.Notify() if parent.template is word:
            yield Wanted("people", "template")


# Options of the field that a value is compared with or written to.


def _values_beside(around: Around, schema: Schema) -> Iterator[Wanted]:
    """Gives the options of fields beside the value at the cursor."""
    value_level = 1 if isinstance(around.path[-1], tree.Name) else 0
    own = around.parent(value_level)
    if isinstance(around.path[-1], tree.Name) and isinstance(own, tree.Path) and len(own.parts) > 1:
        return
    above = around.parent(value_level + 1)
    if isinstance(above, tree.ListLiteral):
        value_level += 1
        own, above = above, around.parent(value_level + 1)
    for beside in _partners(above, own):
        mention = around.meant_by(beside)
        if mention is not None and mention.thing.sort == "field":
            yield from _of_field(schema, mention.thing.owner, mention.thing.name)
    if isinstance(above, tree.Cell):
        yield from _column(above, around, schema)
    elif isinstance(above, tree.GradeLine):
        yield from _grades(around, schema)


def _of_field(schema: Schema, object_name: str, field_name: str) -> Iterator[Wanted]:
    """Gives the fixed values of a field."""
    owner = schema.objects.get(object_name)
    field = None if owner is None else owner.fields.get(field_name)
    if field is not None and field.options:
        yield Wanted("option", f"{object_name}.{field_name}")
    elif field is not None and field.type.kind is Kind.BOOLEAN:
        yield Wanted("boolean")


def _partners(above: object, own: object) -> Iterator[tree.Name]:
    """Gives the last names of the paths that the value at the cursor belongs to."""
    paths: list[object] = []
    match above:
        case tree.Compare() | tree.TextTest():
            paths = [above.right if above.left is own else above.left]
        case tree.In():
            paths = [above.item if above.collection is own else above.collection]
        case tree.Between() if above.operand is not own:
            paths = [above.operand]
        case tree.Changed() if above.path is not own:
            paths = [above.path]
        case tree.Set() if above.value is own:
            paths = [above.path]
        case tree.FieldValue() if above.value is own:
            yield above.name
    for path in paths:
        if isinstance(path, tree.Path):
            yield path.parts[-1]


def _grades(around: Around, schema: Schema) -> Iterator[Wanted]:
    """Gives the options of the field that takes a score's grade."""
    for score in [node for node in around.path if isinstance(node, tree.Score)]:
        for path in score.into[1:]:
            yield from _of_path(schema, score.head, path)


def _column(cell: tree.Cell, around: Around, schema: Schema) -> Iterator[Wanted]:
    """Gives the options of a cell's column."""
    tables = [node for node in around.path if isinstance(node, tree.Table)]
    rows = [node for node in around.path if isinstance(node, tree.Row)]
    for table, row in zip(tables, rows, strict=False):
        place = next(number for number, one in enumerate(row.cells) if one is cell)
        for path in table.columns[place : place + 1]:
            yield from _of_path(schema, table.head, path)


def _of_path(schema: Schema, head: tree.Head, path: tree.Path) -> Iterator[Wanted]:
    """Gives the fixed values of the field that a path of an object leads to."""
    owner = schema.object(head.object.text)
    for name in path.parts:
        field = None if owner is None else find_field(owner, name.text)
        if owner is None or field is None:
            return
        if name is path.parts[-1]:
            yield from _of_field(schema, owner.name, field.name)
        owner = schema.objects.get(field.target or "")


def _arguments(around: Around) -> Iterator[Wanted]:
    """Gives the words that a function takes in the cursor's place."""
    level = 1 if isinstance(around.path[-1], tree.Name) else 0
    own, call = around.parent(level), around.parent(level + 1)
    if isinstance(call, tree.Call) and call.function.text in functions():
        place = next((n for n, one in enumerate(call.arguments) if one is own), None)
        if place is not None:
            yield Wanted("argument", f"{call.function.text}.{place}")


# Paths.


def _path_parts(
    around: Around, path: tree.Path, word: tree.Name, unfinished: Unfinished
) -> Iterator[Wanted]:
    is_first = path.parts[0] is word
    owner = around.missing_in(word)
    if "." in owner:
        yield Wanted("attribute", owner)
    elif owner == TEST_OBJECT and is_first:
        yield Wanted("given", statements=[n for n in around.path if isinstance(n, tree.Test)])
    elif owner == CLOCK_OBJECT:
        yield Wanted("clock")
    elif owner:
        yield from _of_record(around, owner, is_first)
    if isinstance(around.parent(2), tree.UserPath) and is_first:
        yield Wanted("person")
    elif is_first and "LPAR" in _after_name(unfinished):
        yield Wanted("function")
        yield Wanted("instant")


def _of_record(around: Around, owner: str, is_first: bool) -> Iterator[Wanted]:
    is_target = any(_is_target(node, around) for node in around.path)
    yield Wanted("writable" if is_target else "field", owner)
    if is_target:
        return
    yield Wanted("formula", owner, around.statements)
    yield Wanted("link", owner)
    climbs = [node for node in around.path if isinstance(node, tree.Approvers) and node.until]
    if is_first and climbs and not isinstance(around.parent(2), tree.UserPath):
        yield Wanted("field", "user")


def _is_target(node: object, around: Around) -> bool:
    """Says whether the cursor is in the path that a statement writes to."""
    match node:
        case tree.Set() | tree.Clear():
            return node.path in around.path
        case tree.Score():
            return any(path in around.path for path in node.into)
        case tree.Editable():
            return True
    return False


def _after_name(unfinished: Unfinished) -> frozenset[str]:
    """Gives what could follow a name at the cursor."""
    marked = unfinished.position.take("NAME")
    return frozenset() if marked is None else marked.accepted()


# Other names.


def _before_cursor(around: Around) -> list[tree.Statement]:
    """Gives the approval at the cursor with the stages before the one where it stands."""
    approvals = [node for node in around.path if isinstance(node, tree.Approval)]
    return [
        replace(
            one, statements=tuple(takewhile(lambda part: part not in around.path, one.statements))
        )
        for one in approvals
    ]


def _names(around: Around, word: tree.Name, parent: object) -> Iterator[Wanted]:
    every = around.statements
    match parent:
        case tree.Head() if parent.object is word:
            yield Wanted("object")
        case tree.Given() if parent.object is word:
            yield Wanted("object")
        case tree.Create():
            yield Wanted("object")
        case tree.FieldValue():
            given = [node for node in around.path if isinstance(node, tree.Given | tree.Change)]
            yield Wanted("field" if given else "writable", around.missing_in(word))
        case tree.AssignAvailable() | tree.Due() | tree.SlaCalendar():
            yield Wanted("calendar", statements=every)
        case tree.Start():
            approvals = [one for one in every if isinstance(one, tree.Approval)]
            yield Wanted("process", statements=approvals)
        case tree.Test():
            yield Wanted("process", statements=every)
        case tree.Do():
            yield Wanted("command")
        case tree.Notify():
            yield Wanted("people", "channel")
        case tree.RejectionLine():
            if parent.to_submitter is word:
                yield Wanted("rejection")
            else:
                yield Wanted("step", statements=_before_cursor(around))
        case tree.Relation() | tree.Group():
            yield Wanted("person")
