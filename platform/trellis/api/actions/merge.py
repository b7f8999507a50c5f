"""`merge`: makes other records part of this one, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from metadata.json_text import mapping, pointer
from metadata.objects import ObjectDefinition
from metadata.parse import SYSTEM
from metadata.problems import Problem
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.duplicates.choice import SURVIVOR, Wish
from trellis.duplicates.merge import merge_records
from trellis.errors import Refused
from trellis.phrases import Sentence


class Merge(RecordAction):
    """Takes the right to change this record and to delete the others."""

    name = "merge"
    summary = Sentence("Make other records part of this one")
    right = "delete"
    keys: ClassVar[tuple[Key, ...]] = (
        Key("records", KeyType.TEXTS, Sentence("The ids of the other records"), required=True),
        Key(
            "fields",
            KeyType.OBJECT,
            Sentence("By field: the id of the record whose value counts, empty or not"),
        ),
        Key(
            "prefer",
            KeyType.TEXT,
            Sentence(
                "Whose values all other fields take first: survivor (the default), newest, "
                "most_complete or source"
            ),
        ),
        Key("sources", KeyType.TEXTS, Sentence("With source: the names of sources, best first")),
        Key("why", KeyType.TEXT, Sentence("Why, for the history")),
        Key("dry_run", KeyType.BOOLEAN, Sentence("Only say what it would come to")),
    )

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object can be one: not those that rights depend on."""
        return definition.package != SYSTEM and not definition.append_only

    def run(self, call: Call) -> Answer:
        """Answers what became part of the record, and what came with it."""
        done = merge_records(
            call.unit,
            call.object_name,
            call.record_id,
            call.texts("records"),
            Wish(chosen(call), call.text("prefer") or SURVIVOR, call.texts("sources")),
            channel="api",
            expected_version=call.version,
            why=call.text("why"),
            dry_run=call.flag("dry_run"),
        )
        return {
            "id": done.survivor,
            "version": done.version,
            "merge": None if done.dry_run else done.id,
            "merged": list(done.merged),
            "moved": done.moved,
            "fields": list(done.fields),
            "dry_run": done.dry_run,
        }


def chosen(call: Call) -> Mapping[str, str]:
    """Gives the record by field. Raises Refused for values that are no ids."""
    given = mapping(call.values.get("fields"))
    problems = [
        Problem(pointer(("fields", name)), "text_expected")
        for name, value in given.items()
        if not isinstance(value, str)
    ]
    if problems:
        raise Refused(problems)
    return {name: str(value) for name, value in given.items()}


ACTION = Merge()
