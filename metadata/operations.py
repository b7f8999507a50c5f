"""Operations: what a plan does, one thing each, in words and as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from metadata.json_text import mapping
from metadata.problems import Problem, sentence

JsonObject = Mapping[str, object]

DESTRUCTIVE: Final = frozenset({"retire_object", "retire_field"})


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """One step of a plan.

    `kind` is create_, rename_, change_, retire_, restore_ or purge_ with object or field, or
    convert_field; rename_, replace_ or remove_option; add_index or drop_index; or add_, change_,
    rename_ or remove_element for roles, views and the like, and rewrite_element for what follows
    new names. `object` and
    `field` are names after the plan, `element` is the stable id. `detail` holds what the sentence
    needs besides: the old name (`was`), the changed keywords (`keys`), the kind of element.
    """

    kind: str
    object: str = ""
    field: str = ""
    element: str = ""
    detail: JsonObject = dataclasses.field(default_factory=dict)

    @property
    def place(self) -> str:
        """Gives `object` or `object.field`."""
        return f"{self.object}.{self.field}" if self.field else self.object

    @property
    def is_destructive(self) -> bool:
        """Says whether something goes out of use that may hold data."""
        return self.kind in DESTRUCTIVE

    def sentence(self, language: str = "en") -> str:
        """Gives the operation in a reader's language."""
        values = {"object": self.object, "field": self.field, **self.detail}
        if "kind" in values:
            values["kind"] = sentence(Problem("", f"element_{values['kind']}"), language)
        return sentence(Problem("", f"operation_{self.kind}", values), language)

    def to_json(self) -> JsonObject:
        """Gives the operation as it stands in the history and in a plan's answer."""
        return {
            "kind": self.kind,
            "object": self.object,
            "field": self.field,
            "element": self.element,
            "detail": dict(self.detail),
        }


def read_operation(stored: JsonObject) -> Operation:
    """Gives an operation out of the history."""
    return Operation(
        str(stored.get("kind")),
        str(stored.get("object") or ""),
        str(stored.get("field") or ""),
        str(stored.get("element") or ""),
        mapping(stored.get("detail")),
    )
