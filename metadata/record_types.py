"""Record types: kinds of records of one object, each with its options and layouts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from metadata.fields.base import ENGLISH, FieldDefinition, choose_label
from metadata.fields.option import OptionDefinition
from metadata.fields.read import read_labels, readable
from metadata.fields.registry import field_types
from metadata.json_text import mapping, strings

RECORD_TYPE: Final = "record_type"
"""The field that says of which type a record is, on objects that declare types."""

LABELS: Final = {"en": "Record type", "zh": "记录类型"}


@dataclass(frozen=True, slots=True)
class RecordType:
    """One type. `options` holds the options that fields offer, where these are not all of them.

    `layouts` names layouts made for it; a retired type keeps its records and gets no new ones.
    """

    name: str
    labels: Mapping[str, str]
    layouts: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_default: bool = False
    retired: bool = False

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""
        return choose_label(self.labels, language) or self.name


def read_record_types(crm: Mapping[str, object]) -> tuple[RecordType, ...]:
    """Gives an object's record types in their order."""
    declared = mapping(crm.get("record_types"))
    return tuple(read_record_type(name, mapping(given)) for name, given in declared.items())


def read_record_type(name: str, given: Mapping[str, object]) -> RecordType:
    """Gives one record type."""
    return RecordType(
        name=name,
        labels=read_labels(given, "title", readable(name)),
        layouts=strings(given.get("layouts")),
        options={key: strings(values) for key, values in mapping(given.get("options")).items()},
        is_default=given.get("default") is True,
        retired=given.get("retired") is True,
    )


def default_type(types: tuple[RecordType, ...]) -> RecordType | None:
    """Gives the type of records that name none: the one marked, else the first in use."""
    living = [one for one in types if not one.retired]
    return next((one for one in living if one.is_default), living[0] if living else None)


def record_type_field(
    object_id: str, types: tuple[RecordType, ...], package: str
) -> FieldDefinition:
    """Gives the choice among the types; out of use when none is declared any more."""
    usual = default_type(types)
    return FieldDefinition(
        id=f"{RECORD_TYPE}-{object_id}",
        name=RECORD_TYPE,
        type=field_types()["choice"],
        column=RECORD_TYPE,
        labels=LABELS,
        document={"type": "string", "enum": [one.name for one in types]},
        required=bool(types),
        default=usual.name if usual else None,
        options=tuple(OptionDefinition(one.name, one.labels, retired=one.retired) for one in types),
        package=package,
        retired=not types,
    )


def record_type_fields(
    object_id: str, crm: Mapping[str, object], package: str
) -> Iterator[FieldDefinition]:
    """Gives the field of the record type where an object declares types, or once did."""
    if "record_types" in crm:
        yield record_type_field(object_id, read_record_types(crm), package)
