"""Searching the slow way, in Python: what the index has to find, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from metadata.access import Principal
from metadata.fields.base import FOLD
from metadata.search.tokens import Term, terms_of, tokens_of
from rule_engine.text import fold
from tests.metadata.worlds import Record, World

Readable = Mapping[str, Collection[str]]


def has(text: object, term: Term) -> bool:
    """Says whether a text has a term."""
    tokens = set(tokens_of(text)) if isinstance(text, str) else set()
    return any(
        token.startswith(lexeme.text) if lexeme.is_prefix else token == lexeme.text
        for token in tokens
        for lexeme in term
    )


def finds(document: str, query: str) -> bool:
    """Says whether a text is found by another."""
    terms = terms_of(query)
    return bool(terms) and all(has(fold(document), term) for term in terms)


def texts(
    world: World, person: Principal, object_name: str, record: Record, readable: Readable
) -> dict[str, object]:
    """Gives the folded texts of a record that somebody is to find it by, by path."""
    definition, access = world.catalog.objects[object_name], person.access(object_name)
    found: dict[str, object] = {}
    for field in world.catalog.searched[object_name]:
        if access.reads(field.name):
            parts = field.type.to_parts(record.get(field.name), field)
            found[field.name] = parts[FOLD]
    for path in definition.search:
        step, _, last = path.partition(".")
        target = definition.fields[step].target if last else None
        if target is None or not (access.reads(step) and person.access(target).reads(last)):
            continue
        other = world.by_id(target, record.get(step))
        if other is not None and other["id"] in readable[target]:
            found[path] = fold(str(other[last])) if other[last] is not None else None
    return found


def expected(
    world: World, person: Principal, object_name: str, text: str, readable: Readable
) -> list[tuple[int, str, str]]:
    """Gives what is to be found, in order: rank, folded name, id."""
    terms, found = terms_of(text), []
    for record in world.records[object_name]:
        if record["id"] not in readable[object_name] or not terms:
            continue
        known = texts(world, person, object_name, record, readable)
        if all(any(has(one, term) for one in known.values()) for term in terms):
            found.append((rank(known, object_name, world, text), *key_of(known, record)))
    return sorted(found, key=lambda one: (one[0], one[1].encode(), one[2]))


def key_of(known: Mapping[str, object], record: Record) -> tuple[str, str]:
    """Gives the folded name, as far as it may be read, and the id."""
    return str(known.get("name") or ""), str(record["id"])


def rank(known: Mapping[str, object], object_name: str, world: World, text: str) -> int:
    """Gives how well a record fits."""
    name = known.get(world.catalog.objects[object_name].name_field)
    if not isinstance(name, str):
        return 3
    searched = fold(text).strip()
    if name == searched:
        return 0
    if name.startswith(searched):
        return 1
    return 2 if all(has(name, term) for term in terms_of(text)) else 3
