"""What is wrong with translations, and what they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from metadata.catalog import Catalog
from metadata.checks.rule_texts import rule_texts
from metadata.elements import Element
from metadata.json_text import mapping, nearest, pointer
from metadata.objects import FieldDefinition, LinkSides, ObjectDefinition
from metadata.problems import Problem

Texts = Mapping[str, object]


def translation_problems(element: Element, catalog: Catalog) -> Iterator[Problem]:
    """Gives the names in a translation that nothing has."""
    body = element.body
    for name, texts in mapping(body.get("objects")).items():
        definition = catalog.objects.get(name)
        if definition is None:
            yield unknown(("objects", name), name, catalog.objects)
        else:
            yield from object_names(definition, mapping(texts))
            yield from link_names(name, mapping(texts), catalog)
    for part, known in (("views", catalog.views_by_object), ("layouts", catalog.layouts_by_object)):
        for object_name, texts in mapping(body.get(part)).items():
            names = known.get(object_name, {})
            for name in mapping(texts):
                if name not in names:
                    yield unknown((part, object_name, name), name, names)
    for name in mapping(body.get("roles")):
        if name not in catalog.roles:
            yield unknown(("roles", name), name, catalog.roles)


def object_names(definition: ObjectDefinition, texts: Texts) -> Iterator[Problem]:
    """Gives the fields and options in an object's translation that it does not have."""
    for name, described in mapping(texts.get("fields")).items():
        field = definition.fields.get(name)
        place = ("objects", definition.name, "fields", name)
        if field is None:
            yield unknown(place, name, definition.fields)
            continue
        known = [option.value for option in field.options]
        for value in mapping(mapping(described).get("options")):
            if value not in known:
                yield unknown((*place, "options", value), value, known)


def link_names(object_name: str, texts: Texts, catalog: Catalog) -> Iterator[Problem]:
    """Gives the ways back in an object's translation that it does not have."""
    known = catalog.children(object_name)
    for name in mapping(texts.get("links")):
        if name not in known:
            yield unknown(("objects", object_name, "links", name), name, known)


def unknown(place: Iterable[object], name: str, known: Iterable[str]) -> Problem:
    """Words a name that is not among the known ones."""
    words = list(known)
    values = {"value": name, "nearest": nearest(name, words), "known": words}
    return Problem(pointer(place), "not_known", values)


def missing_translations(
    elements: Iterable[Element], package: str, language: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives a warning for each label of a package that has no text in a language."""
    for element in elements:
        if element.package != package:
            continue
        if element.kind == "object" and element.name in catalog.objects:
            yield from missing_labels(catalog.objects[element.name], language)
            yield from missing_messages(catalog.objects[element.name], language, catalog)
            yield from missing_link_titles(element.name, language, catalog)
        elif element.kind == "role":
            role = catalog.roles[element.name]
            yield from missing(role.labels, language, ("roles", element.name))
        elif element.kind in {"view", "layout"}:
            yield from missing_titles(element, language, catalog)
    for definition in catalog.objects.values():
        if definition.link_of is not None and definition.package == package:
            yield from missing_attributes(definition, definition.link_of, language)
    for text in rule_texts(catalog.written, package):
        if language not in catalog.messages.get(text, {}):
            place = pointer(("messages", text))
            yield Problem(place, "text_not_translated", {"text": text, "language": language})


def unsaid_texts(
    elements: Sequence[Element], package: str, language: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives a warning for each text that a package translates and that nothing says.

    What stands in a rule text counts as said, whatever it does there.
    """
    rules = "\n".join(str(one.body.get("text")) for one in elements if one.kind == "rules")
    others = [text for one in catalog.objects.values() for text in object_texts(one)]
    known = dict.fromkeys([*rule_texts(catalog.written, package), *others])
    for element in elements:
        if element.key == ("translations", f"{package}/{language}"):
            for text in mapping(element.body.get("messages")):
                if text not in known and text not in rules:
                    values = {"text": text, "nearest": nearest(text, known)}
                    yield Problem(pointer(("messages", text)), "text_not_said", values)


def missing_labels(definition: ObjectDefinition, language: str) -> Iterator[Problem]:
    """Gives the titles of an object, its fields and options that are not translated."""
    place = ("objects", definition.name)
    yield from missing(definition.labels, language, (*place, "title"))
    for field in definition.own_fields:
        if field.package == definition.package:
            yield from missing_field(field, language, (*place, "fields", field.name))


def missing_attributes(
    definition: ObjectDefinition, sides: LinkSides, language: str
) -> Iterator[Problem]:
    """Gives the attributes of links whose titles are not translated; all else is said elsewhere."""
    for field in definition.own_fields:
        if field.name not in {sides.here, sides.there}:
            place = ("objects", definition.name, "fields", field.name)
            yield from missing_field(field, language, place)


def missing_link_titles(object_name: str, language: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives the ways back to other records over an object's references that are not translated.

    One that is called as the object needs no title of its own.
    """
    for name, links in catalog.links.items():
        for link in links.values():
            if link.target == object_name:
                yield from missing(link.labels, language, ("objects", name, "links", link.name))


def missing_messages(
    definition: ObjectDefinition, language: str, catalog: Catalog
) -> Iterator[Problem]:
    """Gives the messages of exit criteria that are not translated."""
    for text in object_texts(definition):
        if language not in catalog.messages.get(text, {}):
            place = pointer(("messages", text))
            yield Problem(place, "text_not_translated", {"text": text, "language": language})


def object_texts(definition: ObjectDefinition) -> Iterator[str]:
    """Gives the messages of an object's exit criteria, and what its rules of duplicates say."""
    for field in definition.own_fields:
        exits = (option.exit for option in field.options if option.exit is not None)
        yield from (one.message for one in exits if one.message is not None)
    said = {text for rule in definition.duplicates for text in (rule.title, rule.message) if text}
    yield from sorted(said)


def missing_field(
    field: FieldDefinition, language: str, place: tuple[str, ...]
) -> Iterator[Problem]:
    """Gives the title and the options of a field that are not translated."""
    yield from missing(field.labels, language, (*place, "title"))
    for option in field.options:
        yield from missing(option.labels, language, (*place, "options", option.value))


def missing_titles(element: Element, language: str, catalog: Catalog) -> Iterator[Problem]:
    """Gives the titles of a view or layout that are not translated."""
    object_name, _, name = element.name.partition("/")
    if element.kind == "view":
        view = catalog.views_by_object[object_name][name]
        yield from missing(view.labels, language, ("views", object_name, name))
        return
    layout = catalog.layouts_by_object[object_name][name]
    place = ("layouts", object_name, name)
    for part, group in (("sections", layout.sections), ("tabs", layout.tabs)):
        for section in group:
            if section.labels:
                yield from missing(section.labels, language, (*place, part, section.label()))


def missing(labels: Mapping[str, str], language: str, place: tuple[str, ...]) -> Iterator[Problem]:
    """Gives a warning when there is no label in a language."""
    if language not in labels:
        yield Problem(pointer(place), "not_translated", {"language": language})
