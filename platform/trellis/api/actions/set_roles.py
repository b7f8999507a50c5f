"""`set_roles`: gives a user exactly these roles."""

from __future__ import annotations

from metadata.objects import ObjectDefinition
from trellis.api.actions import Answer, Call, Key, KeyType, RecordAction
from trellis.phrases import Sentence
from trellis.records.accounts import give_roles
from trellis.records.people import USER


class SetRoles(RecordAction):
    """The one way to change what somebody may do, besides the roles themselves."""

    name = "set_roles"
    summary = Sentence("Give a user exactly these roles")
    right = "administer"
    keys = (Key("roles", KeyType.TEXTS, Sentence("API names of all her roles"), required=True),)

    def is_for(self, definition: ObjectDefinition) -> bool:
        """Says whether records of an object are users."""
        return definition.name == USER

    def run(self, call: Call) -> Answer:
        """Answers the roles she holds now."""
        roles = sorted({*call.texts("roles")})
        version = give_roles(call.unit, call.record_id, roles, call.version)
        return {"id": call.record_id, "version": version, "roles": roles}


ACTION = SetRoles()
