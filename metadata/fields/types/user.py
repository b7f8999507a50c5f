"""A field that leads to a person who works with the product."""

from __future__ import annotations

from typing import ClassVar

from metadata.fields.base import FieldDefinition, Parameters, Sample, Titles
from metadata.fields.types.reference import Reference


class User(Reference):
    """The id of a user; on input a user name may stand for it."""

    name = "user"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Person", "zh": "人员"}
    icon = "user-round"
    group = "relations"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample({"type": "string", "crm": {"field": "user"}}, (("li.wei", "li.wei"),), (5,)),
    )
    cell = "user"
    has_way_back = False
    parameters: ClassVar[Parameters] = {
        key: schema for key, schema in Reference.parameters.items() if key != "to"
    }

    def target(self, field: FieldDefinition) -> str | None:
        """Gives `user`."""
        return "user"


TYPE = User()
