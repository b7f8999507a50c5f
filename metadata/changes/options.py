"""Options that are renamed, replaced or taken away: what that means for the rows that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from metadata.changes.renames import renamed_values
from metadata.fields.base import FieldDefinition
from metadata.json_text import mapping
from metadata.objects import ObjectDefinition
from metadata.operations import Operation

REPLACED = "replaced_options"
"""The keyword of a field that says which options take the place of removed ones."""


@dataclass(frozen=True, slots=True)
class OptionChange:
    """What happens to one field's options.

    `moved` maps values to those that take their places, `renamed` the ones among them that only
    have another API value; `removed` are gone without a successor.
    """

    field: FieldDefinition
    moved: Mapping[str, str]
    renamed: frozenset[str]
    removed: tuple[str, ...]


def option_changes(
    before: Iterable[FieldDefinition], wanted: ObjectDefinition
) -> Iterator[OptionChange]:
    """Gives the fields whose options go away or get successors, from those there were."""
    known = {one.id: one for one in before}
    for after in (*wanted.own_fields, *wanted.retired_fields.values()):
        was = known.get(after.id)
        if was is not None and was.options:
            change = compare_options(was, after)
            if change.moved or change.removed:
                yield change


def compare_options(before: FieldDefinition, after: FieldDefinition) -> OptionChange:
    """Gives what happens to a field's options."""
    values = {option.value for option in after.options}
    renamed = renamed_values(before.document, after.document)
    moved = dict(renamed)
    given = mapping(after.parameters.get(REPLACED))
    for option in before.options:
        successor = given.get(option.value)
        if option.value not in values and option.value not in moved and successor in values:
            moved[option.value] = str(successor)
    for option in after.options:
        was = before.option(option.value)
        is_new = was is not None and was.replaced_by != option.replaced_by
        if option.retired and is_new and option.replaced_by in values:
            moved[option.value] = str(option.replaced_by)
    gone = [one.value for one in before.options if one.value not in {*values, *moved}]
    return OptionChange(after, moved, frozenset(renamed), tuple(gone))


def option_operations(current: ObjectDefinition, wanted: ObjectDefinition) -> Iterator[Operation]:
    """Gives what happens to the options of an object's fields."""
    before = (*current.own_fields, *current.retired_fields.values())
    for change in option_changes(before, wanted):
        identity = (wanted.name, change.field.name, change.field.id)
        for was, option in change.moved.items():
            kind = "rename_option" if was in change.renamed else "replace_option"
            yield Operation(kind, *identity, {"was": was, "option": option})
        for option in change.removed:
            yield Operation("remove_option", *identity, {"option": option})
