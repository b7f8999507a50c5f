"""Translations: labels in other languages, put onto the definitions they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from metadata.fields.base import FieldDefinition
from metadata.fields.option import OptionDefinition
from metadata.json_text import mapping, text
from metadata.layouts import LayoutDefinition, Section, Tab
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.roles import RoleDefinition
from metadata.views import ViewDefinition

Labels = Mapping[str, str]
Headed = TypeVar("Headed", Section, Tab)


@dataclass(frozen=True, slots=True)
class Translation:
    """What one package says in one language; `body` is the file `translations/<language>.json`."""

    package: str
    language: str
    body: Mapping[str, object]

    def part(self, *path: str) -> Mapping[str, object]:
        """Gives what stands at a path, or nothing."""
        found: Mapping[str, object] = self.body
        for key in path:
            found = mapping(found.get(key))
        return found


def with_labels(labels: Labels, found: Iterable[tuple[str, object]]) -> Labels:
    """Gives labels with those of further languages."""
    added = {language: label for language, given in found if (label := text(given))}
    return {**labels, **added} if added else labels


class Translations:
    """All translations in force; later ones win over earlier ones."""

    def __init__(self, known: Iterable[Translation]) -> None:
        self.known = tuple(known)

    def says_the_same(self, other: Translations, *path: str) -> bool:
        """Says whether other translations have the same texts at a path."""
        if self.known is other.known:
            return True
        ours, theirs = (
            [(known.language, part) for known in one.known if (part := known.part(*path))]
            for one in (self, other)
        )
        return ours == theirs

    def labels(self, labels: Labels, key: str, *path: str) -> Labels:
        """Gives labels with the texts that stand under `key` at a path."""
        return with_labels(labels, ((t.language, t.part(*path).get(key)) for t in self.known))

    def object(self, definition: ObjectDefinition) -> ObjectDefinition:
        """Gives an object with its titles, and those of its fields, in all languages."""
        place = ("objects", definition.name)
        if not any(translation.part(*place) for translation in self.known):
            return definition
        return replace(
            definition,
            labels=self.labels(definition.labels, "title", *place),
            plurals=self.labels(definition.plurals, "plural", *place),
            fields={
                name: field if field.system else self.field(field, *place, "fields", name)
                for name, field in definition.fields.items()
            },
        )

    def links(
        self, links: Mapping[str, Mapping[str, LinkDefinition]]
    ) -> dict[str, dict[str, LinkDefinition]]:
        """Gives the ways back of all objects with their titles in all languages."""
        return {
            name: {key: self.link(name, link) for key, link in found.items()}
            for name, found in links.items()
        }

    def link(self, object_name: str, link: LinkDefinition) -> LinkDefinition:
        """Gives a way back with its title in all languages."""
        place = ("objects", object_name, "links")
        return replace(link, labels=self.labels(link.labels, link.name, *place))

    def field(self, field: FieldDefinition, *place: str) -> FieldDefinition:
        """Gives a field with its title, help and options in all languages."""
        if not any(translation.part(*place) for translation in self.known):
            return field
        return replace(
            field,
            labels=self.labels(field.labels, "title", *place),
            help=self.labels(field.help, "help", *place),
            options=tuple(self.option(option, *place) for option in field.options),
        )

    def option(self, option: OptionDefinition, *place: str) -> OptionDefinition:
        """Gives an option with its title in all languages."""
        return replace(option, labels=self.labels(option.labels, option.value, *place, "options"))

    def role(self, role: RoleDefinition) -> RoleDefinition:
        """Gives a role with its title in all languages, written plain or under `title`."""
        given = ((t.language, t.part("roles").get(role.name)) for t in self.known)
        titles = ((language, mapping(said).get("title", said)) for language, said in given)
        return replace(role, labels=with_labels(role.labels, titles))

    def view(self, view: ViewDefinition) -> ViewDefinition:
        """Gives a view with its title in all languages."""
        return replace(view, labels=self.labels(view.labels, view.name, "views", view.object))

    def layout(self, layout: LayoutDefinition) -> LayoutDefinition:
        """Gives a layout with its titles in all languages."""
        place = ("layouts", layout.object, layout.name)
        return replace(
            layout,
            labels=self.labels(layout.labels, "title", *place),
            sections=tuple(self.headed(section, *place, "sections") for section in layout.sections),
            tabs=tuple(self.headed(tab, *place, "tabs") for tab in layout.tabs),
        )

    def headed(self, part: Headed, *place: str) -> Headed:
        """Gives a part of a layout with its heading in all languages, found by the English one."""
        return replace(part, labels=self.labels(part.labels, part.label(), *place))

    def messages(self) -> dict[str, Labels]:
        """Gives the translations of texts in rules: text → language → translation."""
        found: dict[str, dict[str, str]] = {}
        for translation in self.known:
            for original, given in translation.part("messages").items():
                if label := text(given):
                    found.setdefault(original, {})[translation.language] = label
        return dict(found)
