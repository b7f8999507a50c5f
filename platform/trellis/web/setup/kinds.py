"""Field types as the designer offers them: icon, title and group.

Looks only. A type that is not named here is offered all the same, under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass

from metadata.fields.base import FieldType
from metadata.fields.read import readable
from metadata.fields.registry import field_types
from trellis.web.words import gettext, lazy_gettext

TEXTS, NUMBERS, TIMES, CHOICES, RELATIONS, OTHERS = range(6)
GROUPS = (
    lazy_gettext("Text"),
    lazy_gettext("Numbers"),
    lazy_gettext("Dates"),
    lazy_gettext("Choices"),
    lazy_gettext("Relations"),
    lazy_gettext("More"),
)
LOOKS = {
    "text": ("type", lazy_gettext("Text"), TEXTS),
    "long_text": ("align-left", lazy_gettext("Long text"), TEXTS),
    "email": ("mail", lazy_gettext("Email"), TEXTS),
    "phone": ("phone", lazy_gettext("Phone"), TEXTS),
    "url": ("link", lazy_gettext("Web address"), TEXTS),
    "integer": ("hash", lazy_gettext("Whole number"), NUMBERS),
    "decimal": ("calculator", lazy_gettext("Decimal number"), NUMBERS),
    "percent": ("percent", lazy_gettext("Percent"), NUMBERS),
    "money": ("banknote", lazy_gettext("Money"), NUMBERS),
    "date": ("calendar", lazy_gettext("Date"), TIMES),
    "datetime": ("calendar-clock", lazy_gettext("Date and time"), TIMES),
    "choice": ("circle-chevron-down", lazy_gettext("Choice"), CHOICES),
    "multi_choice": ("list-checks", lazy_gettext("Several choices"), CHOICES),
    "boolean": ("toggle-right", lazy_gettext("Yes or no"), CHOICES),
    "reference": ("link-2", lazy_gettext("Link to a record"), RELATIONS),
    "user": ("user-round", lazy_gettext("Person"), RELATIONS),
}
ORDER = tuple(LOOKS)
HIDDEN = frozenset({"identifier"})


@dataclass(frozen=True, slots=True)
class KindLook:
    """A field type as the palette shows it."""

    name: str
    icon: str
    label: str
    group: int


def look_of(name: str) -> KindLook:
    """Gives how a field type looks."""
    icon, label, group = LOOKS.get(name, ("box", readable(name), OTHERS))
    return KindLook(name, icon, str(label), group)


def offered_kinds() -> list[FieldType]:
    """Gives the types an administrator may choose from, the usual ones first."""
    known = field_types()
    names = [name for name in ORDER if name in known]
    return [
        known[name]
        for name in (*names, *(n for n in known if n not in LOOKS | dict.fromkeys(HIDDEN)))
    ]


def palette() -> list[tuple[str, list[KindLook]]]:
    """Gives the types by group, for the palette."""
    looks = [look_of(kind.name) for kind in offered_kinds()]
    found = [
        (str(title), [look for look in looks if look.group == group])
        for group, title in enumerate(GROUPS)
    ]
    return [(title, members) for title, members in found if members]


def describe(kind: str, detail: str) -> str:
    """Gives a type with what is special about a field, in one line."""
    label = look_of(kind).label
    return gettext("%(kind)s · %(detail)s", kind=label, detail=detail) if detail else label
