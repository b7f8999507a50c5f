"""What elements define, read kind by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from metadata.elements import LOCAL, Element
from metadata.layouts import LayoutDefinition, parse_layout
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import DefinitionError, Problem
from metadata.reuse import Reader
from metadata.roles import RoleDefinition, parse_role
from metadata.translations import Translation, Translations
from metadata.views import ViewDefinition, parse_view
from rule_engine.program import Key


def of_kind(elements: Iterable[Element], kind: str) -> Iterable[Element]:
    """Gives the elements of a kind that are in use; objects say themselves whether they are."""
    return (
        element
        for element in elements
        if element.kind == kind and (kind == "object" or element.body.get("retired") is not True)
    )


def read_objects(elements: Sequence[Element], reader: Reader) -> dict[str, ObjectDefinition]:
    """Gives all objects by name, retired ones too."""
    return {
        element.name: reader.read(
            element, ObjectDefinition, partial(read_object, element, reader.translations)
        )
        for element in of_kind(elements, "object")
    }


def read_object(element: Element, translations: Translations) -> ObjectDefinition:
    """Gives the object that an element defines, with its titles in all languages."""
    definition, problems = parse_object(element.name, element.body, package=element.package)
    if definition is None:
        place = f"/{element.name}"
        raise DefinitionError([Problem(place + p.path, p.code, p.values) for p in problems])
    return translations.object(definition)


def read_translations(elements: Iterable[Element]) -> list[Translation]:
    """Gives the translations of all packages, the local ones last."""
    found = [
        Translation(element.package, element.name.rpartition("/")[2], element.body)
        for element in of_kind(elements, "translations")
    ]
    return sorted(found, key=lambda translation: translation.package == LOCAL)


def read_retirements(elements: Iterable[Element]) -> dict[Key, Mapping[str, object]]:
    """Gives what is known of retired rules, by keyword and name."""
    found = ((one.name.partition("/"), one.body) for one in elements if one.kind == "retirement")
    return {(word, name): body for (word, _slash, name), body in found}


def read_roles(elements: Iterable[Element], reader: Reader) -> dict[str, RoleDefinition]:
    """Gives the roles by name."""

    def read(one: Element) -> RoleDefinition:
        role = parse_role(one.name, one.body, identity=one.id, package=one.package)
        return reader.translations.role(role)

    found = of_kind(elements, "role")
    return {one.name: reader.read(one, RoleDefinition, partial(read, one)) for one in found}


def read_views(elements: Iterable[Element], reader: Reader) -> dict[str, dict[str, ViewDefinition]]:
    """Gives the views by object and name."""

    def read(one: Element) -> ViewDefinition:
        target, _, name = one.name.partition("/")
        view = parse_view(target, name, one.body, identity=one.id, package=one.package)
        return reader.translations.view(view)

    views: dict[str, dict[str, ViewDefinition]] = {}
    for element in of_kind(elements, "view"):
        made = reader.read(element, ViewDefinition, partial(read, element))
        views.setdefault(made.object, {})[made.name] = made
    return views


def read_layouts(
    elements: Iterable[Element], reader: Reader
) -> dict[str, dict[str, LayoutDefinition]]:
    """Gives the layouts by object and name."""

    def read(one: Element) -> LayoutDefinition:
        target, _, name = one.name.partition("/")
        layout = parse_layout(target, name, one.body, identity=one.id, package=one.package)
        return reader.translations.layout(layout)

    layouts: dict[str, dict[str, LayoutDefinition]] = {}
    for element in of_kind(elements, "layout"):
        made = reader.read(element, LayoutDefinition, partial(read, element))
        layouts.setdefault(made.object, {})[made.name] = made
    return layouts
