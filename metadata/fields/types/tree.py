"""A field that leads to the record of the same object one level up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from metadata.fields.base import FieldDefinition, Flaw, Parameters, Sample
from metadata.fields.types.reference import Reference
from metadata.json_text import mapping

MAX_DEPTH: Final = 50
"""How many levels a tree has at most."""


class Tree(Reference):
    """The id of the parent: a record of the same object, empty at the top.

    No record may stand below itself, and no branch be more than 50 levels deep: whoever saves
    sees to that, also when two people move records at once.
    """

    name = "tree"
    titles: ClassVar = {"en": "Parent in a tree", "zh": "上级（树形）"}
    icon = "list-tree"
    own_object = True
    is_tree = True
    parameters: ClassVar[Parameters] = dict(Reference.parameters)

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a `to` that names another object."""
        yield from super().flaws(field)
        written, own = mapping(field.document.get("crm")).get("to"), field.text("to")
        if written is not None and written != own:
            yield Flaw("/crm/to", "tree_of_other", {"object": own})

    samples = (
        Sample({"type": "string", "crm": {"field": "tree"}}, good=(("a1", "a1"),), bad=(1.5,)),
    )


TYPE = Tree()
