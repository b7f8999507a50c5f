"""The rows of a child table: changed, added and deleted as a list of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition
from metadata.json_text import pointer
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.system_fields import ROW_POSITION
from trellis.records.inner_writes import changed_values, write_inner
from trellis.records.items import Item, Items, write_item
from trellis.records.owners import changed_items
from trellis.records.removal import remove
from trellis.records.writers import Writers
from trellis.unit import Channel, Unit

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rows:
    """What becomes of the rows of one record."""

    field: FieldDefinition
    link: LinkDefinition
    owner: str
    before: tuple[str, ...]
    rows: tuple[Item, ...]

    @property
    def kept(self) -> list[str]:
        """Gives the ids of the rows that stay, in their new order."""
        return [row.id for row in self.rows if row.id is not None]

    @property
    def removed(self) -> list[str]:
        """Gives the ids of the rows that go."""
        kept = set(self.kept)
        return [one for one in self.before if one not in kept]

    @property
    def is_reordered(self) -> bool:
        """Says whether rows stand in another order than before."""
        kept = set(self.kept)
        if [one for one in self.before if one in kept] != self.kept:
            return True
        added = [row.place for row in self.rows if row.id is None]
        return any(place < len(self.rows) - len(added) for place in added)

    @property
    def is_changed(self) -> bool:
        """Says whether there is anything to write."""
        changes = any(row.id is None or row.values for row in self.rows)
        return changes or bool(self.removed) or self.is_reordered

    def save(
        self, unit: Unit, record_id: str, writers: Writers, channel: Channel, found: list[Problem]
    ) -> tuple[Items, Items]:
        """Deletes, changes and adds rows in this order, so that unique values are free."""
        child = unit.catalog.objects[self.link.target]
        old: Items = []
        new: Items = []
        for row_id in self.removed:
            gone = write_inner(
                unit,
                child,
                (self.field.name,),
                found,
                lambda key=row_id: remove(unit, child, key, writers, channel=channel),  # type: ignore[misc]
            )
            if gone is not None:
                old += changed_items(child, self.link, gone, {})[0]
        for row in self.rows:
            given = self.given(child, row, record_id)
            pair = write_item(unit, self.field, self.link, row, given, writers, channel, found)
            old += pair[0]
            new += pair[1]
        if not found:
            self.put_in_order(unit, child)
            if self.is_reordered and not (old or new):
                kept = [one for one in self.before if one in set(self.kept)]
                return [{"id": one} for one in kept], [{"id": one} for one in self.kept]
        return old, new

    def given(self, child: ObjectDefinition, row: Item, record_id: str) -> dict[str, object]:
        """Gives what makes a new row one of the record's: the way back, and its place."""
        back = child.fields[self.link.field]
        own = {"object": self.owner, "id": record_id} if back.target is None else record_id
        return {self.link.field: back.type.coerce(own, back), ROW_POSITION: row.place}

    def put_in_order(self, unit: Unit, child: ObjectDefinition) -> None:
        """Writes the places of the rows that were there, where they differ."""
        if not (self.removed or self.is_reordered or len(self.kept) < len(self.rows)):
            return
        table = unit.catalog.tables[child.name]
        position = table.c[ROW_POSITION]
        for row in self.rows:
            if row.id is not None:
                moved = sa.or_(position.is_(None), position != row.place)
                statement = sa.update(table).where(table.c.id == row.id, moved)
                unit.connection.execute(statement.values({ROW_POSITION: row.place}))


def plan_rows(
    unit: Unit,
    definition: ObjectDefinition,
    field: FieldDefinition,
    link: LinkDefinition,
    sent: Sequence[Record],
    record_id: str | None,
    problems: list[Problem],
) -> Rows:
    """Gives what a list of rows means for those that are there, as far as this person sees them.

    Rows that she does not see stay. What is wrong with the list goes to `problems`.
    """
    shown: dict[str, Record] = {}
    if record_id is not None:
        found = unit.records().nested(definition.name, field.name, [record_id])
        shown = {str(row["id"]): row for row in found.get(record_id, ())}
    child = unit.catalog.objects[link.target]
    rows: list[Item] = []
    for place, given in enumerate(sent):
        key, known = given.get("id"), [row.id for row in rows]
        if key is not None and (not isinstance(key, str) or key not in shown or key in known):
            code = "row_twice" if key in known else "unknown_row"
            problems.append(Problem(pointer((field.name, place, "id")), code))
            continue
        values = {name: value for name, value in given.items() if name != "id"}
        if link.field in values and not leads_to(values.pop(link.field), record_id):
            here = pointer((field.name, place, link.field))
            problems.append(Problem(here, "row_of_other"))
        if key is not None:
            values = changed_values(unit, child, shown[str(key)], values)
        rows.append(Item(place, None if key is None else str(key), values))
    return Rows(field, link, definition.name, tuple(shown), tuple(rows))


def leads_to(given: object, record_id: str | None) -> bool:
    """Says whether a row's reference to its record is empty or right."""
    if isinstance(given, Mapping):
        given = given.get("id")
    return given is None or given == "" or given == record_id
