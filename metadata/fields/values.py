"""Reading one value of a field, with all that its definition demands."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from metadata.fields.base import UTC, FieldDefinition


def read_value(field: FieldDefinition, wire: object, zone: ZoneInfo = UTC) -> object:
    """Gives a field's value from its wire form or text; None is empty.

    A value in its Python form passes too. Raises Refused for what the type cannot read and for
    what the definition's standard keywords forbid.
    """
    if wire is None:
        return None
    value = field.type.coerce(wire, field, zone)
    if value is not None:
        for check in field.checks:
            check(value)
    return value
