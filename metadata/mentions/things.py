"""What a name in a document means, and the document with other names for things."""

from __future__ import annotations

from collections.abc import Mapping

from metadata.mentions.places import Place
from rule_engine.check.mentions import Thing
from rule_engine.editor import Standing, find_in_expression, rename_in_expression
from rule_engine.errors import RuleSyntaxError
from rule_engine.types import Schema

Renames = Mapping[Thing, str]

DESCENDING = "-"


def things_at(place: Place, schema: Schema) -> list[Thing]:
    """Gives the things that a place names; nothing for what the schema does not know."""
    if place.names == "expression":
        return things_in_expression(place, schema)
    if place.names == "path":
        return [thing for thing, _ in steps(place, schema) if thing is not None]
    return [named(place)]


def named(place: Place) -> Thing:
    """Gives what a single name stands for."""
    match place.names:
        case "option":
            return Thing("option", f"{place.object}.{place.field}", place.text)
        case "field":
            return Thing("field", place.object, place.text)
        case "link":
            return Thing("link", place.object, place.text)
        case "view":
            return Thing("view", place.object, place.text)
        case "layout":
            return Thing("layout", place.object, place.text)
        case "role":
            return Thing("role", "", place.text)
        case "object":
            return Thing("object", "", place.text)
        case _:
            return Thing("missing", place.object, place.text)


def steps(place: Place, schema: Schema) -> list[tuple[Thing | None, str]]:
    """Gives the steps of a path over references with what they name."""
    found: list[tuple[Thing | None, str]] = []
    here = schema.objects.get(place.object)
    for step in place.text.removeprefix(DESCENDING).split("."):
        field = here.fields.get(step) if here is not None else None
        link = here.links.get(step) if here is not None else None
        owner = here.name if here is not None else ""
        if field is not None:
            found.append((Thing("field", owner, step), step))
            here = schema.objects.get(field.target or "")
        elif link is not None:
            found.append((Thing("link", owner, step), step))
            here = schema.objects.get(link.target)
        else:
            found.append((None, step))
            here = None
    return found


def things_in_expression(place: Place, schema: Schema) -> list[Thing]:
    """Gives what an expression names; nothing for one that cannot be read."""
    try:
        found = find_in_expression(place.text, schema, Standing(place.object, place.this))
    except RuleSyntaxError:
        return []
    return [one.thing for one in found]


def renamed_place(place: Place, schema: Schema, renames: Renames) -> str:
    """Gives the text of a place with other names.

    Raises RuleSyntaxError for an expression that cannot be read, and RenameError.
    """
    if place.names == "expression":
        at = Standing(place.object, place.this)
        return rename_in_expression(place.text, schema, at, renames)
    if place.names != "path":
        return renames.get(named(place), place.text)
    parts = [
        step if thing is None else renames.get(thing, step) for thing, step in steps(place, schema)
    ]
    sign = DESCENDING if place.text.startswith(DESCENDING) else ""
    return sign + ".".join(parts)
