"""Reading a JSON Schema as an object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from metadata.dependents import neighbour_problems
from metadata.duplicates.definitions import read_duplicates
from metadata.exclusions import read_exclusions
from metadata.fields.base import ENGLISH, FieldDefinition
from metadata.fields.read import read_field, read_labels, readable
from metadata.fields.registry import offered_types
from metadata.json_text import mapping, nearest, pointer, sequence, strings, text
from metadata.keyword_flaws import keyword_flaws
from metadata.keywords import KEYWORDS
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.record_types import RECORD_TYPE, read_record_types, record_type_fields
from metadata.system_fields import SYSTEM_FIELDS, system_fields_of

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
REFUSED_OBJECTS: Final = frozenset(
    (
        "search",
        "changes",
        "meta",
        "packages",
        "security",
        "menu",
        "docs",
        "files",
        "approvals",
        "absences",
    )
)
SYSTEM: Final = "system"
SYSTEM_OBJECTS: Final = frozenset(("user", "team", "queue", "territory", "manager_period"))
"""Objects that the product itself defines."""
RESERVED_WORDS: Final = ("this", "old", "now", "today", "user", "true", "false", "if", "not")
REFUSED_FIELDS: Final = frozenset({*SYSTEM_FIELDS, *RESERVED_WORDS, RECORD_TYPE})
ID_FIELD: Final = "id"


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object as they were read."""

    live: Mapping[str, FieldDefinition]
    retired: Mapping[str, FieldDefinition]
    problems: Sequence[Problem]


def parse_object(
    name: str, document: Mapping[str, object], *, package: str = "local"
) -> tuple[ObjectDefinition | None, list[Problem]]:
    """Gives the object a JSON Schema defines, and everything that is wrong with it.

    The definition is there even with problems, without the fields that could not be read; it is
    None when there are no properties at all. Whether the document has the right shape is
    `documents.check_document`'s business, and whether references lead anywhere `links`'.
    """
    properties = document.get("properties")
    refused = REFUSED_OBJECTS if package == SYSTEM else REFUSED_OBJECTS | SYSTEM_OBJECTS
    problems = [*name_problems(name, refused, "object", "")]
    if not isinstance(properties, Mapping):
        return None, [*problems, Problem("/properties", "no_properties")]
    crm = mapping(document.get("crm"))
    owner_package = text(crm.get("package")) or package
    read = read_fields(name, document, owner_package)
    problems.extend(read.problems)
    identity = text(crm.get("id")) or name
    has_owner = crm.get("owner") is not False
    typed = {field.name: field for field in record_type_fields(identity, crm, owner_package)}
    live = {**read.live, **{name: one for name, one in typed.items() if not one.retired}}
    fields = {**live, **system_fields_of(has_owner)}
    labels = read_labels(document, "title", readable(name))
    definition = ObjectDefinition(
        id=identity,
        name=name,
        labels=labels,
        plurals=read_labels(crm, "plural", f"{labels[ENGLISH]}s"),
        fields=fields,
        name_field=name_field(crm, read.live),
        retired_fields={
            **read.retired,
            **{name: one for name, one in typed.items() if one.retired},
        },
        document=document,
        icon=text(crm.get("icon")) or "box",
        hue=text(crm.get("hue")),
        owner=has_owner,
        activities=crm.get("activities") is True,
        search=strings(crm.get("search")),
        unique=tuple(strings(group) for group in sequence(crm.get("unique"))),
        record_types=read_record_types(crm),
        exclusions=read_exclusions(crm),
        duplicates=read_duplicates(crm, fields),
        append_only=crm.get("append_only") is True,
        package=owner_package,
        retired=crm.get("retired") is True,
    )
    problems.extend(object_problems(definition, properties))
    problems.extend(neighbour_problems(definition))
    problems.extend(keyword_flaws(definition, KEYWORDS))
    return definition, problems


def read_fields(object_name: str, document: Mapping[str, object], package: str) -> Fields:
    """Gives the fields of an object's properties, in their order."""
    types = offered_types()
    required = frozenset(strings(document.get("required")))
    live: dict[str, FieldDefinition] = {}
    retired: dict[str, FieldDefinition] = {}
    problems: list[Problem] = []
    for name, described in mapping(document.get("properties")).items():
        place = pointer(("properties", name))
        refused = list(name_problems(name, REFUSED_FIELDS, "field", place))
        problems.extend(refused)
        field, flaws = read_field(
            name,
            mapping(described),
            types,
            holder=object_name,
            identity=f"{object_name}.{name}",
            package=package,
            required=name in required,
        )
        problems.extend(Problem(place + flaw.pointer, flaw.code, flaw.values) for flaw in flaws)
        if field is not None and not refused:
            (retired if field.retired else live)[name] = field
    return Fields(live, retired, problems)


def name_problems(name: str, refused: frozenset[str], kind: str, place: str) -> Iterator[Problem]:
    """Finds a name that is ill-formed or taken by the product."""
    if not NAME.fullmatch(name):
        yield Problem(place, "bad_name", {"name": name})
    elif name in refused:
        yield Problem(place, f"refused_{kind}_name", {"name": name})


def name_field(crm: Mapping[str, object], fields: Mapping[str, FieldDefinition]) -> str:
    """Gives the field that titles a record: the one named, else `name`, else the first text."""
    named = text(crm.get("name_field"))
    if named in fields:
        return str(named)
    if "name" in fields:
        return "name"
    texts = (field.name for field in fields.values() if field.type.name == "text")
    return next(texts, ID_FIELD)


def object_problems(
    definition: ObjectDefinition, properties: Mapping[str, object]
) -> Iterator[Problem]:
    """Finds names under the object's keywords that are not its fields."""
    named = [
        *(
            (pointer(("required", index)), name)
            for index, name in enumerate(strings(definition.document.get("required")))
            if name not in properties
        ),
        *(
            (pointer(("crm", "unique", row, column)), name)
            for row, group in enumerate(definition.unique)
            for column, name in enumerate(group)
        ),
    ]
    wanted = text(definition.parameters.get("name_field"))
    if wanted is not None:
        named.append(("/crm/name_field", wanted))
    for place, name in named:
        if name not in definition.fields:
            yield unknown_field(place, name, definition)
        elif definition.fields[name].nested and place.startswith("/crm/"):
            yield Problem(place, "nested_keyword", {"key": place.split("/")[2]})


def unknown_field(place: str, name: str, definition: ObjectDefinition) -> Problem:
    """Words a name that is no field, with the nearest one first."""
    known = [field.name for field in definition.own_fields]
    hint = nearest(name, [*known, *SYSTEM_FIELDS])
    ordered = [hint, *(other for other in known if other != hint)] if hint else known
    values = {"name": name, "object": definition.name, "known": ordered}
    return Problem(place, "unknown_field", values)
