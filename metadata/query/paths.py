"""Paths (`account.owner.name`) resolved for one principal, and the joins they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from metadata.fields.base import FieldDefinition, physical_name
from metadata.json_text import nearest
from metadata.problems import Problem
from metadata.query.answers import MAX_HOPS
from metadata.query.tables import PermittedTables

if TYPE_CHECKING:
    from metadata.access import Principal
    from metadata.catalog import Catalog


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """A field reached over references. `hops` are the references' fields, outermost first.

    `masked` tells that the principal sees the field only in part.
    """

    text: str
    object: str
    hops: tuple[FieldDefinition, ...]
    field: FieldDefinition
    masked: bool = False


class Paths:
    """Finds the fields behind path texts as one principal knows them."""

    def __init__(self, catalog: Catalog, principal: Principal) -> None:
        self.catalog = catalog
        self.principal = principal

    def known(self, object_name: str, *, whole: bool) -> Mapping[str, FieldDefinition]:
        """Gives an object's fields that the principal may see.

        `whole` leaves out masked ones, and those whose values are other records.
        """
        definition = self.catalog.objects.get(object_name)
        access = self.principal.access(object_name)
        if definition is None or not access.exists:
            return {}
        may = access.reads if whole else access.sees
        fields = definition.fields.items()
        return {name: field for name, field in fields if may(name) and not (whole and field.nested)}

    def resolve(
        self, object_name: str, text: str, parameter: str, *, whole: bool = False
    ) -> ResolvedPath | Problem:
        """Gives the field of a path, or what is wrong with it.

        Hidden fields, hidden objects and unknown names are told apart by nothing. `whole` asks for
        a field that is seen in full, as filter and sort do.
        """
        *steps, last = text.split(".")
        if len(steps) > MAX_HOPS:
            return Problem(parameter, "path_too_deep", {"path": text, "limit": MAX_HOPS})
        hops: list[FieldDefinition] = []
        here = object_name
        for step in steps:
            field = self.known(here, whole=True).get(step)
            if field is None or field.target is None or not self.known(field.target, whole=True):
                return self._unknown(parameter, here, step)
            hops.append(field)
            here = field.target
        found = self.known(here, whole=whole).get(last)
        if found is None or (hops and found.nested):
            return self._unknown(parameter, here, last)
        masked = not self.principal.access(here).reads(last)
        return ResolvedPath(text, object_name, tuple(hops), found, masked)

    def _unknown(self, parameter: str, object_name: str, step: str) -> Problem:
        """Words a name that is no field here, with the nearest one that is."""
        known = list(self.known(object_name, whole=True))
        values = {"name": step, "object": object_name, "nearest": nearest(step, known)}
        return Problem(parameter, "unknown_field", {**values, "known": known})


class Source:
    """What one statement selects from: an object's table and the related ones its paths need.

    Related tables are joined from the left together with their row rule, so that a row that may
    not be read is absent, never a reason to lose the row that points at it.
    """

    def __init__(self, tables: PermittedTables, object_name: str) -> None:
        self.tables = tables
        self.object = object_name
        self.root = tables.catalog.tables[object_name].alias("r")
        self.clause: sa.FromClause = self.root
        self._joined: dict[tuple[str, ...], sa.FromClause] = {(): self.root}

    def at(self, hops: tuple[FieldDefinition, ...]) -> sa.FromClause:
        """Gives the table at the end of some references, joined when first asked for."""
        key = tuple(hop.name for hop in hops)
        known = self._joined.get(key)
        if known is not None:
            return known
        before, hop = self.at(hops[:-1]), hops[-1]
        target = str(hop.target)
        joined = self.tables.catalog.tables[target].alias(f"j{len(self._joined)}")
        rule = self.tables.conditions(joined, target)
        meets = sa.and_(joined.c.id == self._stored(hops[:-1], before, hop), *rule)
        self.clause = self.clause.outerjoin(joined, meets)
        self._joined[key] = joined
        return joined

    def column(self, path: ResolvedPath, part: str = "") -> sa.ColumnElement[object]:
        """Gives the column of a path's field, or of one of its parts."""
        return self._stored(path.hops, self.at(path.hops), path.field, part)

    def _stored(
        self,
        hops: tuple[FieldDefinition, ...],
        table: sa.FromClause,
        field: FieldDefinition,
        part: str = "",
    ) -> sa.ColumnElement[object]:
        if field.virtual:
            owner = str(hops[-1].target) if hops else self.object
            return self.tables.column(table, owner, field.name, part)
        column: sa.ColumnElement[object] = table.c[physical_name(field.column, part)]
        return column
