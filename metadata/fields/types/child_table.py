"""A field whose value is a table of rows: records of another object that belong to this one."""

from __future__ import annotations

from typing import ClassVar

from metadata.fields.base import JsonObject, Parameters, Sample
from metadata.fields.inputs import WireField
from metadata.fields.nested import NestedType
from metadata.fields.nested_inputs import RowsField


class ChildTable(NestedType):
    """Rows of the object `to`, saved together with the record they belong to.

    `reverse` names the reference of the row's object that leads back; the only one need not be
    named. A list of row objects replaces the rows: those with an `id` are changed, those without
    are added, absent ones are deleted.
    """

    name = "child_table"
    titles: ClassVar = {"en": "Table of rows", "zh": "明细表"}
    icon = "table-2"
    cell = "rows"
    input: ClassVar[type[WireField]] = RowsField
    wire_schema: ClassVar[JsonObject] = {"type": "array", "items": {"type": "object"}}
    parameters: ClassVar[Parameters] = {
        **NestedType.parameters,
        "reverse": {
            **NestedType.parameters["reverse"],
            "description": "The reference of the row's object that leads back; the only one "
            "need not be named",
            "x-names": "field",
            "x-at": "to",
        },
    }
    samples = (
        Sample(
            {"type": "array", "maxItems": 2, "crm": {"field": "child_table", "to": "thing"}},
            good=(([{"name": "A"}], [{"name": "A"}]),),
            bad=("text", [1], [{}, {}, {}]),
        ),
    )


TYPE = ChildTable()
