"""The catalog: everything that is defined, as one immutable snapshot per version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Final, Protocol

import sqlalchemy as sa

from metadata.cache import Cache
from metadata.computed.definitions import read_computed
from metadata.computed.graph import Graph
from metadata.computed.storage import settle_storage, without_values
from metadata.computed.values import Formula, compile_formulas
from metadata.conditions import Conditions, Test, compile_conditions, compile_test
from metadata.elements import Element, by_key, holds_tests
from metadata.fields.base import ENGLISH, choose_label
from metadata.json_text import text
from metadata.keywords import KeywordCheck, compile_keywords
from metadata.layouts import LayoutDefinition, usual_layout
from metadata.links import Links, find_links
from metadata.objects import LinkDefinition, ObjectDefinition
from metadata.problems import Problem
from metadata.programs import make_program, read_kept
from metadata.reading import (
    of_kind,
    read_layouts,
    read_objects,
    read_retirements,
    read_roles,
    read_translations,
    read_views,
)
from metadata.relations import complete_objects
from metadata.reuse import Kept, Reader, Readings, Tables, goes_on, is_same
from metadata.roles import RoleDefinition
from metadata.schema import RuleSchema, make_schema
from metadata.scored_ways import ScoredWays, scored_ways
from metadata.search.fields import Fields, searched_fields
from metadata.translations import Translations
from metadata.views import ViewDefinition, usual_view
from metadata.watching import watched_fields, watched_references
from rule_engine import Program
from rule_engine.errors import RuleError
from rule_engine.program import Key, ObjectProgram, ServiceLevel, in_force, next_turn
from rule_engine.testing import Computed

Labels = Mapping[str, str]
DAYS: Final = re.compile(r"\b(?:effective|until)\s")
"""Found in every rule text that says on which days it applies."""


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
    files to their text, `tests` those of files that hold tests and nothing else: what runs never
    reads them. `rule_packages` maps both to the packages they belong to, `packages` installed
    packages to versions, `messages` texts in rules to their translations by language.
    `retirements` say of rules that are kept and not run since when, by whom and why. `day` is the
    one whose rules are in force; without it the days are not minded.
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
    tests: Mapping[str, str] = field(default_factory=dict)
    rule_packages: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, Labels] = field(default_factory=dict)
    retirements: Mapping[Key, Mapping[str, object]] = field(default_factory=dict)
    day: date | None = None
    stored_program: str | None = field(default=None, repr=False, compare=False)
    readings: Readings = field(default_factory=Readings, repr=False, compare=False)
    kept: Kept = field(default_factory=Kept, repr=False, compare=False)

    @cached_property
    def schema(self) -> RuleSchema:
        """The objects as rules see them."""
        return make_schema(self.objects, self.links, self.kept.rule_objects)

    @cached_property
    def tables(self) -> Mapping[str, sa.Table]:
        """The tables of all objects, retired ones included, by object name."""
        return Tables({**self.retired, **self.objects}, self.kept.tables)

    @cached_property
    def computed(self) -> Graph:
        """The computed fields, with what each looks at."""
        return Graph(read_computed(self.objects, self.schema))

    @cached_property
    def searched(self) -> Mapping[str, Fields]:
        """The fields by object whose texts are in the search index, the name first."""
        return searched_fields(self.objects)

    @cached_property
    def _formulas(self) -> dict[str, tuple[Formula, ...]]:
        return {}

    def formulas(self, object_name: str) -> tuple[Formula, ...]:
        """Gives an object's computed fields as functions of one record, in order."""
        found = self._formulas.get(object_name)
        if found is None:
            found = self._formulas[object_name] = compile_formulas(self.computed, object_name)
        return found

    @property
    def computed_values(self) -> Computed:
        """What gives the values of computed fields in tests of rules, by object and field."""
        return {
            name: {formula.field.name: formula.run for formula in self.formulas(name)}
            for name in self.objects
        }

    @cached_property
    def queries(self) -> Cache:
        """What queries have compiled for this version."""
        return Cache()

    @cached_property
    def program(self) -> Program:
        """The rules that are in force. Raises RuleError when they do not fit the objects."""
        return in_force(self.written, self.day, self.retirements)

    @cached_property
    def next_turn(self) -> date | None:
        """The day from which on others are; None when they stay the same, or cannot be read."""
        if self.day is None or not any(DAYS.search(text) for text in self.rules.values()):
            return None  # without having read the rules
        try:
            return next_turn(self.written, self.day)
        except RuleError:
            return None

    def on(self, day: date) -> Catalog:
        """Gives the same definitions with the rules that are in force on a day."""
        kept = keep(self, self.objects, self.links)
        return replace(self, day=day, kept=kept)

    @cached_property
    def written(self) -> Program:
        """The rules as they are written, compiled, whether in force or not. Raises RuleError when
        they do not fit the objects."""
        same_texts = self.kept.rule_texts == self.rule_texts
        if self.kept.program is not None and same_texts and goes_on(self.kept.schema, self.schema):
            return replace(self.kept.program, schema=self.schema)
        stored = read_kept(self.stored_program, self.schema) if self.stored_program else None
        return stored or make_program(self.rules, self.schema, self.rule_packages)

    @cached_property
    def tested(self) -> Program:
        """The rules as they are written, with all tests of them, compiled anew. Raises RuleError
        when they do not fit the objects."""
        return make_program(self.texts_with_tests, self.schema, self.rule_packages)

    @property
    def texts_with_tests(self) -> Mapping[str, str]:
        """The texts of all rule files, by name."""
        return {**self.rules, **self.tests}

    def rules_of(self, object_name: str) -> ObjectProgram:
        """Gives what runs for an object, put together once."""
        return self.queries.get(
            ("rules", object_name), ObjectProgram, lambda: self.program.for_object(object_name)
        )

    def levels_of(self, object_name: str) -> tuple[ServiceLevel, ...]:
        """Gives the service levels of an object, those that are not in force, too: what they have
        begun goes on."""
        return self.queries.get(
            ("levels", object_name),
            tuple,
            lambda: self.written.for_object(object_name).service_levels,
        )

    @property
    def rule_texts(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The texts of rule files and their packages, by name."""
        return self.rules, self.rule_packages

    @cached_property
    def watched_fields(self) -> Mapping[str, frozenset[str]]:
        """The fields by object that its before-save rules and scores look at."""
        return watched_fields(self.program, self.objects)

    @cached_property
    def watched_references(self) -> frozenset[tuple[str, str]]:
        """The references (object, field) over which rules of their targets look at the object:
        when such a record changes, the one it refers to is computed again."""
        return watched_references(self.program, self.links, self.computed)

    @cached_property
    def scored_ways(self) -> ScoredWays:
        """What scores look at in records of each object, from elsewhere."""
        return scored_ways(self.program, self.computed)

    @cached_property
    def _conditions(self) -> dict[str, Conditions]:
        return dict(self.kept.conditions) if goes_on(self.kept.schema, self.schema) else {}

    def conditions(self, object_name: str) -> Conditions:
        """Gives the compiled conditions of an object."""
        found = self._conditions.get(object_name)
        if found is None:
            found = compile_conditions(self.objects[object_name], self.schema)
            self._conditions[object_name] = found
        return found

    def test(self, object_name: str, text: str) -> Test:
        """Gives a condition of a layout, compiled. Raises RuleError for one that does not fit."""
        key = ("test", object_name, text)
        return self.queries.get(key, Test, lambda: compile_test(text, self.schema, object_name))

    @cached_property
    def _keyword_checks(self) -> dict[str, KeywordCheck | None]:
        return dict(self.kept.keyword_checks)

    def keyword_problems(self, object_name: str, record: Mapping[str, object]) -> list[Problem]:
        """Gives what object-level keywords of the definition find wrong with a whole record."""
        if object_name not in self._keyword_checks:
            self._keyword_checks[object_name] = compile_keywords(self.objects[object_name])
        check = self._keyword_checks[object_name]
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
        record_type: object = None,
    ) -> LayoutDefinition:
        """Gives the layout for a kind of page: one made for the record's type, these roles and
        this device before one for all, and one with everything when none is defined."""
        definition = self.objects[object_name]
        found = [
            (layout, types)
            for layout in self.layouts_by_object.get(object_name, {}).values()
            if layout.kind == kind and layout.offered_to(roles) and layout.device in {"any", device}
            if not (types := types_of_layout(layout, definition)) or record_type in types
        ]
        if not found:
            return usual_layout(definition, kind, self.children(object_name).values())

        def fitness(pair: tuple[LayoutDefinition, frozenset[str]]) -> tuple[bool, ...]:
            layout, types = pair
            return bool(types), bool(layout.roles), layout.device == device

        return max(found, key=fitness)[0]

    def label(self, element: Labelled, language: str = ENGLISH) -> str:
        """Gives an element's title in a language."""
        return element.label(language)

    def message(self, original: str, language: str = ENGLISH) -> str:
        """Gives a text of a rule in a language; the text itself when nobody translated it."""
        return self.rule_text(original).in_language(language)

    def rule_text(self, original: str) -> Translated:
        """Gives a text of a rule with its translations, for the values of a problem."""
        return Translated({ENGLISH: original, **self.messages.get(original, {})})


def types_of_layout(layout: LayoutDefinition, definition: ObjectDefinition) -> frozenset[str]:
    """Gives the record types a layout is for, named by either side; none means all."""
    named = (one.name for one in definition.record_types if layout.name in one.layouts)
    return frozenset((*layout.record_types, *named))


def build_catalog(
    version: int,
    elements: Sequence[Element],
    stored_program: str | None = None,
    *,
    previous: Catalog | None = None,
) -> Catalog:
    """Gives the catalog of elements that were checked before they were stored.

    What is the same in `previous` is taken over from it, which changes nothing but the time.
    Raises DefinitionError when an object cannot be read at all.
    """
    translations = Translations(read_translations(elements))
    readings = Readings(translations, by_key(elements))
    reader = Reader(readings, previous.readings if previous is not None else Readings())
    objects = {
        name: translations.object(made) if made.link_of is not None else made
        for name, made in complete_objects(read_objects(elements, reader)).items()
    }
    live = {name: definition for name, definition in objects.items() if not definition.retired}
    found, _ = find_links(live)
    links = translations.links(found)
    live = settle_storage(live, links)
    texts = {e.name: text(e.body.get("text")) or "" for e in of_kind(elements, "rules")}
    rule_packages = {e.name: e.package for e in of_kind(elements, "rules")}
    return Catalog(
        version=version,
        elements=tuple(elements),
        objects=live,
        retired={name: without_values(made) for name, made in objects.items() if made.retired},
        links=links,
        roles=read_roles(elements, reader),
        views_by_object=read_views(elements, reader),
        layouts_by_object=read_layouts(elements, reader),
        rules={name: one for name, one in texts.items() if not holds_tests(name)},
        tests={name: one for name, one in texts.items() if holds_tests(name)},
        rule_packages=rule_packages,
        packages={e.name: str(e.body.get("version")) for e in of_kind(elements, "package")},
        messages=translations.messages(),
        retirements=read_retirements(elements),
        stored_program=stored_program,
        readings=readings,
        kept=keep(previous, live, links) if previous is not None else Kept(),
    )


def keep(previous: Catalog, objects: Mapping[str, ObjectDefinition], links: Links) -> Kept:
    """Gives what the next catalog takes over: only what was made already."""
    same = {name for name in objects if is_same(previous.objects.get(name), objects[name])}
    linked = {name for name in same if previous.links.get(name) == links.get(name)}
    made = vars(previous)
    schema: RuleSchema | None = made.get("schema")
    rule_objects = schema.objects if schema is not None else {}
    checks: Mapping[str, KeywordCheck | None] = made.get("_keyword_checks", {})
    conditions: Mapping[str, Conditions] = made.get("_conditions", {})
    return Kept(
        tables=made.get("tables"),
        rule_objects={name: rule_objects[name] for name in linked & rule_objects.keys()},
        keyword_checks={name: checks[name] for name in same & checks.keys()},
        schema=schema,
        conditions={name: conditions[name] for name in same & conditions.keys()},
        rule_texts=previous.rule_texts,
        program=made.get("written"),
    )
