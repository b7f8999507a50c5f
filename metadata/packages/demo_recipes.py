"""What is wrong with a `demo/generate.json`: its shape, and what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from metadata.catalog import Catalog
from metadata.documents import choice_values, distinct, shape_problems, validator
from metadata.fields.base import Refused
from metadata.fields.values import read_value
from metadata.json_text import mapping, nearest, pointer, sequence, strings, text
from metadata.objects import FieldDefinition, ObjectDefinition
from metadata.problems import Problem

SCHEMA: Final = "demo"
PLACEHOLDER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
MAKERS: Final = (
    *("pick", "pick_one", "template", "range", "log", "fraction", "days", "ago", "later"),
    *("related", "user"),
)
"""The keys that say what a recipe makes."""
ORDERED: Final = ("after_days", "after_minutes", "range", "log", "fraction", "days", "ago", "many")
"""Pairs of a least and a most."""
OWNER: Final = "owner"

Place = tuple[object, ...]


def recipe_problems(document: object, catalog: Catalog) -> list[Problem]:
    """Gives what is wrong; paths are JSON Pointers. What it names is looked at in a sound shape."""
    shape = distinct(shape_problems(validator(SCHEMA), document))
    return shape or list(Recipes(catalog, mapping(document)).problems())


@dataclass(frozen=True, slots=True)
class Recipes:
    """A file of sound shape with the catalog that it draws on."""

    catalog: Catalog
    document: Mapping[str, object]

    def problems(self) -> Iterator[Problem]:
        """Gives what is wrong with people and records."""
        yield from self.people()
        for index, group in enumerate(sequence(self.document["objects"])):
            place = ("objects", index)
            yield from self.group(mapping(group), place)
            yield from pairs_out_of_order(group, place)

    def people(self) -> Iterator[Problem]:
        """Finds roles that are not there, teams nobody makes, and managers who come later."""
        teams = [str(mapping(team)["name"]) for team in sequence(self.document["teams"])]
        before: list[str] = []
        for index, given in enumerate(sequence(self.document["users"])):
            user, place = mapping(given), ("users", index)
            for position, role in enumerate(strings(user["roles"])):
                if role not in self.catalog.roles:
                    values = {"name": role, "known": list(self.catalog.roles)}
                    yield Problem(pointer((*place, "roles", position)), "unknown_role", values)
            yield from one_of(user["team"], teams, (*place, "team"))
            if "manager" in user:
                yield from one_of(user["manager"], before, (*place, "manager"))
            before.append(str(user["username"]))

    def held(self) -> Set[str]:
        """Gives the roles that somebody holds."""
        users = map(mapping, sequence(self.document["users"]))
        return {role for user in users for role in strings(user["roles"])}

    def holder(self, role: object, place: Place) -> Iterator[Problem]:
        """Finds a role that nobody holds; of users' misspelt roles it is a consequence."""
        if role not in self.held() and self.held() <= set(self.catalog.roles):
            known = sorted(self.held())
            hint = nearest(str(role), known)
            values = {"name": role, "nearest": hint, "known": None if hint else known}
            yield Problem(pointer(place), "role_unheld", values)

    def target(self, name: object, place: Place) -> Iterator[Problem]:
        """Finds an object that is not there."""
        known = list(self.catalog.objects)
        if name not in known:
            hint = nearest(str(name), known)
            values = {"name": name, "nearest": hint, "known": None if hint else known}
            yield Problem(pointer(place), "unknown_object", values)

    def group(self, group: Mapping[str, object], place: Place) -> Iterator[Problem]:
        """Gives what is wrong with the records of one object."""
        yield from self.target(group["object"], (*place, "object"))
        yield from missing_of_group(group, place)
        if "owner" in group:
            yield from self.holder(group["owner"], (*place, "owner"))
        definition = self.catalog.objects.get(str(group["object"]))
        if definition is None:
            return
        parent = mapping(group.get("parent"))
        if parent:
            inner = (*place, "parent")
            yield from self.target(parent["object"], (*inner, "object"))
            names = ((parent["field"], (*inner, "field")),)
            copied = enumerate(strings(parent.get("copy")))
            for name, at in (*names, *((one, (*inner, "copy", i)) for i, one in copied)):
                yield from unknown(definition, str(name), at)
        yield from self.fields(definition, mapping(group["fields"]), (*place, "fields"), ())
        known = tuple(mapping(group["fields"]))
        for index, given in enumerate(sequence(group.get("life"))):
            at, step = (*place, "life", index), mapping(given)
            yield from one_key(step, ("set", "act", "one_of"), at)
            yield from self.fields(definition, mapping(step.get("set")), (*at, "set"), known)
            for option, choice in enumerate(sequence(step.get("one_of"))):
                inside = (*at, "one_of", option, "set")
                yield from self.fields(definition, mapping(mapping(choice)["set"]), inside, known)

    def fields(
        self,
        definition: ObjectDefinition,
        recipes: Mapping[str, object],
        place: Place,
        known: tuple[str, ...],
    ) -> Iterator[Problem]:
        """Gives what is wrong with the recipes of fields; `known` are fields with values before."""
        names = list(known)
        for name, recipe in recipes.items():
            at = (*place, name)
            yield from unknown(definition, name, at)
            if name in definition.fields:
                yield from self.value(definition.fields[name], recipe, at, names)
                yield from self.related(definition, mapping(recipe), at)
            names.append(name)

    def value(
        self, field: FieldDefinition, recipe: object, place: Place, known: list[str]
    ) -> Iterator[Problem]:
        """Gives what is wrong with a value or a recipe."""
        if not isinstance(recipe, Mapping):
            yield from value_problems(field, recipe, place)
            return
        yield from one_key(recipe, MAKERS, place)
        picked = recipe.get("pick", ())
        keys = range(len(picked)) if isinstance(picked, list) else picked
        for key, one in zip(keys, picked, strict=True):
            yield from value_problems(field, one, (*place, "pick", key))
        for index, option in enumerate(sequence(recipe.get("pick_one"))):
            at = (*place, "pick_one", index, "value")
            yield from self.value(field, mapping(option)["value"], at, known)
        yield from self.template(text(recipe.get("template")) or "", (*place, "template"), known)
        if "later" in recipe:
            yield from (
                one_of(recipe["than"], known, (*place, "than"))
                if "than" in recipe
                else [Problem(pointer(place), "missing_key", {"key": "than"})]
            )
        if "user" in recipe:
            yield from self.holder(recipe["user"], (*place, "user"))

    def related(
        self, definition: ObjectDefinition, recipe: Mapping[str, object], place: Place
    ) -> Iterator[Problem]:
        """Gives what is wrong with a recipe that refers to records made before."""
        if "related" not in recipe:
            return
        yield from self.target(recipe["related"], (*place, "related"))
        if "of" in recipe:
            yield from unknown(definition, str(recipe["of"]), (*place, "of"))
        target = self.catalog.objects.get(str(recipe["related"]))
        if target is not None and recipe.get("by", OWNER) != OWNER:
            yield from unknown(target, str(recipe["by"]), (*place, "by"))

    def template(self, template: str, place: Place, known: list[str]) -> Iterator[Problem]:
        """Finds names in a template that are neither words' nor those of fields so far."""
        pools = list(mapping(self.document["pools"]))
        for match in PLACEHOLDER.finditer(template):
            name, argument = match[1], match[2] or ""
            if name == "slug":
                yield from one_of(argument, known, place)
            elif name == "digits":
                if not argument.isdecimal():
                    yield Problem(pointer(place), "not_known", {"value": match[0]})
            else:
                yield from one_of(name, [*pools, *known], place)


def one_of(name: object, known: list[str], place: Place) -> Iterator[Problem]:
    """Finds a name that is not among the known ones."""
    if name not in known:
        yield Problem(pointer(place), "not_known", choice_values(name, known))


def one_key(given: Mapping[str, object], known: tuple[str, ...], place: Place) -> Iterator[Problem]:
    """Finds none or several of the keys of which there has to be one."""
    if sum(key in given for key in known) != 1:
        yield Problem(pointer(place), "one_key", {"known": known})


def unknown(definition: ObjectDefinition, name: str, place: Place) -> Iterator[Problem]:
    """Finds a field that is not there or takes no values."""
    field = definition.fields.get(name)
    if field is None or field.computed:
        hint = nearest(name, definition.fields)
        values = {"object": definition.name, "name": name, "nearest": hint}
        yield Problem(pointer(place), "unknown_field", values)


def value_problems(field: FieldDefinition, value: object, place: Place) -> Iterator[Problem]:
    """Gives what is wrong with a plain value."""
    try:
        read_value(field, value)
    except Refused as refused:
        yield Problem(pointer(place), refused.code, {"field": field.name, **refused.values})


def missing_of_group(group: Mapping[str, object], place: Place) -> Iterator[Problem]:
    """Finds what records need: an owner or a parent, and a time of creation."""
    if "parent" not in group:
        missing = [key for key in ("owner", "created_days") if key not in group]
    else:
        missing = [] if {"after_days", "after_minutes"} & set(group) else ["after_days"]
    for key in missing:
        yield Problem(pointer(place), "missing_key", {"key": key})


def pairs_out_of_order(given: object, place: Place) -> Iterator[Problem]:
    """Finds pairs, at any depth, whose least is more than their most."""
    if isinstance(given, Mapping):
        for key, inner in given.items():
            at = (*place, key)
            if key in ORDERED and isinstance(inner, list) and len(inner) == 2 and is_wrong(inner):
                yield Problem(pointer(at), "range_order", {"low": inner[0], "high": inner[1]})
            else:
                yield from pairs_out_of_order(inner, at)
    elif isinstance(given, list):
        for index, inner in enumerate(given):
            yield from pairs_out_of_order(inner, (*place, index))


def is_wrong(pair: list[object]) -> bool:
    """Says whether a pair of numbers begins with the larger one."""
    low, high = pair
    return isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high
