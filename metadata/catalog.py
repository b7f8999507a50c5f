"""The catalog: everything that is defined, as one immutable snapshot per version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import sqlalchemy as sa

from metadata.cache import Cache
from metadata.conditions import Condition, compile_conditions
from metadata.ddl import table_for
from metadata.elements import LOCAL, Element
from metadata.fields.base import ENGLISH, choose_label
from metadata.json_text import text
from metadata.keywords import KeywordCheck, compile_keywords
from metadata.layouts import LayoutDefinition, parse_layout, usual_layout
from metadata.links import Links, find_links
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import DefinitionError, Problem
from metadata.programs import make_program, read_kept
from metadata.roles import RoleDefinition, parse_role
from metadata.schema import make_schema
from metadata.translations import Translation, Translations
from metadata.views import ViewDefinition, parse_view, usual_view
from rule_engine import Program
from rule_engine.types import Schema

Labels = Mapping[str, str]


class Labelled(Protocol):
    """What has a title in several languages."""

    def label(self, language: str = ENGLISH) -> str:
        """Gives the title in a language."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A title or a text of a rule, inside a sentence: readers see it in their languages."""

    labels: Labels

    def in_language(self, language: str) -> str:
        """Gives the text in a language; as it was written when nobody translated it."""
        return choose_label(self.labels, language)


@dataclass(frozen=True)  # without slots: what few need is made when first asked for
class Catalog:
    """All definitions of one version.

    `objects` are those in use, `retired` those taken out of use; `rules` maps names of rule
    files to their text, `rule_packages` to the packages they belong to, `packages` installed
    packages to versions, `messages` texts in rules to their translations by language.
    `stored_program` is the document of the compiled rules where one was kept.
    """

    version: int
    elements: tuple[Element, ...] = ()
    objects: Mapping[str, ObjectDefinition] = field(default_factory=dict)
    retired: Mapping[str, ObjectDefinition] = field(default_factory=dict)
    links: Links = field(default_factory=dict)
    roles: Mapping[str, RoleDefinition] = field(default_factory=dict)
    views_by_object: Mapping[str, Mapping[str, ViewDefinition]] = field(default_factory=dict)
    layouts_by_object: Mapping[str, Mapping[str, LayoutDefinition]] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)
    rule_packages: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, Labels] = field(default_factory=dict)
    stored_program: str | None = field(default=None, repr=False, compare=False)

    @cached_property
    def schema(self) -> Schema:
        """The objects as rules see them."""
        return make_schema(self.objects, self.links)

    @cached_property
    def tables(self) -> Mapping[str, sa.Table]:
        """The tables of all objects, retired ones included, by object name."""
        metadata = sa.MetaData()
        known = {**self.retired, **self.objects}
        return {name: table_for(definition, metadata) for name, definition in known.items()}

    @cached_property
    def queries(self) -> Cache:
        """What queries have compiled for this version."""
        return Cache()

    @cached_property
    def program(self) -> Program:
        """The rules, compiled. Raises RuleError when they do not fit the objects."""
        kept = read_kept(self.stored_program, self.schema) if self.stored_program else None
        return kept or make_program(self.rules, self.schema, self.rule_packages)

    @cached_property
    def watched_references(self) -> frozenset[tuple[str, str]]:
        """The references (object, field) over which rules of their targets look at the object:
        when such a record changes, the one it refers to is computed again."""
        return frozenset(
            (links[way[0]].target, links[way[0]].field)
            for name, links in self.links.items()
            for way in self.program.reads(name).links
            if len(way) == 1
        )

    @cached_property
    def _conditions(self) -> dict[str, tuple[Condition, ...]]:
        return {}

    def conditions(self, object_name: str) -> tuple[Condition, ...]:
        """Gives the compiled conditions of an object's fields."""
        found = self._conditions.get(object_name)
        if found is None:
            found = compile_conditions(self.objects[object_name], self.schema)
            self._conditions[object_name] = found
        return found

    @cached_property
    def _keyword_checks(self) -> dict[str, KeywordCheck | None]:
        return {name: compile_keywords(made) for name, made in self.objects.items()}

    def keyword_problems(self, object_name: str, record: Mapping[str, object]) -> list[Problem]:
        """Gives what object-level keywords of the definition find wrong with a whole record."""
        check = self._keyword_checks.get(object_name)
        return check(record) if check is not None else []

    def children(self, object_name: str) -> Mapping[str, LinkDefinition]:
        """Gives the ways back to an object's records, by name."""
        return self.links.get(object_name, {})

    def views(self, object_name: str) -> Mapping[str, ViewDefinition]:
        """Gives an object's views by name; there always is one."""
        found = self.views_by_object.get(object_name)
        if found:
            return found
        usual = usual_view(self.objects[object_name])
        return {usual.name: usual}

    def default_view(self, object_name: str, roles: frozenset[str] = frozenset()) -> ViewDefinition:
        """Gives the view an object opens with: the default one offered to these roles, else the
        first one."""
        views = self.views(object_name).values()
        offered = [view for view in views if view.offered_to(roles)] or list(views)
        return next((view for view in offered if view.default), offered[0])

    def layout(
        self,
        object_name: str,
        kind: str,
        *,
        roles: frozenset[str] = frozenset(),
        device: str = "desktop",
    ) -> LayoutDefinition:
        """Gives the layout for a kind of page: one made for these roles and this device before
        one for all, and one with everything when none is defined."""
        found = [
            layout
            for layout in self.layouts_by_object.get(object_name, {}).values()
            if layout.kind == kind and layout.offered_to(roles) and layout.device in {"any", device}
        ]
        if not found:
            links = self.children(object_name).values()
            return usual_layout(self.objects[object_name], kind, links)
        return max(found, key=lambda layout: (bool(layout.roles), layout.device == device))

    def label(self, element: Labelled, language: str = ENGLISH) -> str:
        """Gives an element's title in a language."""
        return element.label(language)

    def message(self, original: str, language: str = ENGLISH) -> str:
        """Gives a text of a rule in a language; the text itself when nobody translated it."""
        return self.rule_text(original).in_language(language)

    def rule_text(self, original: str) -> Translated:
        """Gives a text of a rule with its translations, for the values of a problem."""
        return Translated({ENGLISH: original, **self.messages.get(original, {})})


def build_catalog(
    version: int, elements: Sequence[Element], stored_program: str | None = None
) -> Catalog:
    """Gives the catalog of elements that were checked before they were stored.

    Raises DefinitionError when an object cannot be read at all.
    """
    translations = Translations(read_translations(elements))
    objects = read_objects(elements, translations)
    live = {name: definition for name, definition in objects.items() if not definition.retired}
    links, _ = find_links(live)
    return Catalog(
        version=version,
        elements=tuple(elements),
        objects=live,
        retired={name: made for name, made in objects.items() if made.retired},
        links=links,
        roles=read_roles(elements, translations),
        views_by_object=read_views(elements, translations),
        layouts_by_object=read_layouts(elements, translations),
        rules={e.name: text(e.body.get("text")) or "" for e in of_kind(elements, "rules")},
        rule_packages={e.name: e.package for e in of_kind(elements, "rules")},
        packages={e.name: str(e.body.get("version")) for e in of_kind(elements, "package")},
        messages=translations.messages(),
        stored_program=stored_program,
    )


def of_kind(elements: Iterable[Element], kind: str) -> Iterable[Element]:
    """Gives the elements of a kind that are in use; objects say themselves whether they are."""
    return (
        element
        for element in elements
        if element.kind == kind and (kind == "object" or element.body.get("retired") is not True)
    )


def read_objects(
    elements: Sequence[Element], translations: Translations
) -> dict[str, ObjectDefinition]:
    """Gives all objects by name, retired ones too."""
    objects: dict[str, ObjectDefinition] = {}
    for element in of_kind(elements, "object"):
        definition, problems = parse_object(element.name, element.body, package=element.package)
        if definition is None:
            place = f"/{element.name}"
            raise DefinitionError([Problem(place + p.path, p.code, p.values) for p in problems])
        objects[element.name] = translations.object(definition)
    return objects


def read_translations(elements: Iterable[Element]) -> list[Translation]:
    """Gives the translations of all packages, the local ones last."""
    found = [
        Translation(element.package, element.name.rpartition("/")[2], element.body)
        for element in of_kind(elements, "translations")
    ]
    return sorted(found, key=lambda translation: translation.package == LOCAL)


def read_roles(
    elements: Iterable[Element], translations: Translations
) -> dict[str, RoleDefinition]:
    """Gives the roles by name."""
    return {
        element.name: translations.role(
            parse_role(element.name, element.body, identity=element.id, package=element.package)
        )
        for element in of_kind(elements, "role")
    }


def read_views(
    elements: Iterable[Element], translations: Translations
) -> dict[str, dict[str, ViewDefinition]]:
    """Gives the views by object and name."""
    views: dict[str, dict[str, ViewDefinition]] = {}
    for element in of_kind(elements, "view"):
        target, _, name = element.name.partition("/")
        view = parse_view(target, name, element.body, identity=element.id, package=element.package)
        views.setdefault(target, {})[name] = translations.view(view)
    return views


def read_layouts(
    elements: Iterable[Element], translations: Translations
) -> dict[str, dict[str, LayoutDefinition]]:
    """Gives the layouts by object and name."""
    layouts: dict[str, dict[str, LayoutDefinition]] = {}
    for element in of_kind(elements, "layout"):
        target, _, name = element.name.partition("/")
        layout = parse_layout(
            target, name, element.body, identity=element.id, package=element.package
        )
        layouts.setdefault(target, {})[name] = translations.layout(layout)
    return layouts
