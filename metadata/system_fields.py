"""The fields that every object has and nobody writes by hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from metadata.fields.base import FieldDefinition
from metadata.fields.registry import field_types

OWNER_FIELDS: Final = ("owner", "owner_team", "owner_queue")
"""System fields that only objects with an owner have."""

ROW_POSITION: Final = "row_position"
"""The system field of objects whose records are rows of a table: their order in it."""

LABELS: Final[tuple[tuple[str, str, Mapping[str, object], str, str], ...]] = (
    ("id", "identifier", {}, "ID", "编号"),
    ("created_at", "datetime", {}, "Created at", "创建时间"),
    ("created_by", "user", {}, "Created by", "创建人"),
    ("updated_at", "datetime", {}, "Updated at", "更新时间"),
    ("updated_by", "user", {}, "Updated by", "更新人"),
    ("version", "integer", {}, "Version", "版本"),
    ("owner", "user", {}, "Owner", "负责人"),
    ("owner_team", "reference", {"to": "team"}, "Owner's team", "所属团队"),
    ("owner_queue", "reference", {"to": "queue"}, "Queue", "所在队列"),
    ("deleted_at", "datetime", {}, "Deleted at", "删除时间"),
    ("source", "text", {}, "Source", "来源"),
    ("import_batch", "text", {}, "Import batch", "导入批次"),
    (ROW_POSITION, "integer", {}, "Position", "行号"),
)
SYSTEM_FIELDS: Final = tuple(name for name, *_ in LABELS)


@cache
def system_fields() -> Mapping[str, FieldDefinition]:
    """Gives the system fields by name."""
    types = field_types()
    return MappingProxyType(
        {
            name: FieldDefinition(
                id=f"system-{name}",
                name=name,
                type=types[kind],
                column=name,
                labels={"en": english, "zh": chinese},
                parameters=parameters,
                system=True,
                track=False,
                package="system",
            )
            for name, kind, parameters, english, chinese in LABELS
        }
    )


def system_fields_of(has_owner: bool) -> dict[str, FieldDefinition]:
    """Gives the system fields of an object with or without an owner."""
    return {
        name: field
        for name, field in system_fields().items()
        if (has_owner or name not in OWNER_FIELDS) and name != ROW_POSITION
    }
