"""Field types as the designer offers them: icon, title and group, as each type says."""

from __future__ import annotations

from dataclasses import dataclass

from metadata.fields.base import FieldType, choose_label
from metadata.fields.read import COMPUTED, readable
from metadata.fields.registry import field_types, offered_types
from rule_engine.types import Kind
from trellis import current
from trellis.web.setup.labels import label_of
from trellis.web.words import gettext, lazy_gettext

GROUPS = {
    "texts": lazy_gettext("Text"),
    "numbers": lazy_gettext("Numbers"),
    "dates": lazy_gettext("Dates"),
    "choices": lazy_gettext("Choices"),
    "relations": lazy_gettext("Relations"),
    "more": lazy_gettext("More"),
}
FIRST = (
    *("text", "long_text", "integer", "decimal", "money", "percent", "date", "datetime"),
    *("choice", "multi_choice", "boolean", "reference", "user"),
)
"""The types that people want most, in the order in which the palette begins."""


COMPUTED_ICONS = {"formula": "square-function", "rollup": "sigma", "through": "external-link"}
NUMERIC = frozenset({Kind.NUMBER})


@dataclass(frozen=True, slots=True)
class KindLook:
    """A field type as the palette shows it."""

    name: str
    icon: str
    label: str
    group: str


def look_of(name: str) -> KindLook:
    """Gives how a field type looks; one that is not installed has its name."""
    kind = field_types().get(name)
    if kind is None:
        return KindLook(name, "box", readable(name), "more")
    label = choose_label(kind.titles, current.language()) or readable(name)
    return KindLook(name, kind.icon, label, kind.group if kind.group in GROUPS else "more")


def offered_kinds() -> list[FieldType]:
    """Gives the types an administrator may choose from, the usual ones first."""
    known = offered_types()
    names = [name for name in FIRST if name in known]
    return [known[name] for name in (*names, *(n for n in known if n not in names))]


def palette() -> list[tuple[str, list[KindLook]]]:
    """Gives the types by group, for the palette."""
    looks = [look_of(kind.name) for kind in offered_kinds()]
    found = [
        (str(title), [look for look in looks if look.group == group])
        for group, title in GROUPS.items()
    ]
    return [(title, members) for title, members in found if members]


def computed_looks() -> list[KindLook]:
    """Gives the ways to compute a field; `group` is the type that a new one begins with."""
    first = next(kind for kind in offered_kinds() if kind.takes_any_value and kind.kind in NUMERIC)
    return [KindLook(name, COMPUTED_ICONS[name], label_of(name), first.name) for name in COMPUTED]


def describe(kind: str, detail: str) -> str:
    """Gives a type with what is special about a field, in one line."""
    label = look_of(kind).label
    return gettext("%(kind)s · %(detail)s", kind=label, detail=detail) if detail else label
