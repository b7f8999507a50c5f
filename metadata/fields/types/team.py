"""A field that leads to a team."""

from __future__ import annotations

from typing import ClassVar

from metadata.fields.base import FieldDefinition, Parameters, Sample
from metadata.fields.types.reference import Reference


class Team(Reference):
    """The id of a team; on input a unique field's value may stand for it."""

    name = "team"
    takes_any_value = True
    titles: ClassVar = {"en": "Team", "zh": "团队"}
    icon = "users"
    has_way_back = False
    parameters: ClassVar[Parameters] = {
        key: schema for key, schema in Reference.parameters.items() if key != "to"
    }
    samples = (
        Sample({"type": "string", "crm": {"field": "team"}}, good=(("t1", "t1"),), bad=(1.5,)),
    )

    def target(self, field: FieldDefinition) -> str | None:
        """Gives `team`."""
        return "team"


TYPE = Team()
