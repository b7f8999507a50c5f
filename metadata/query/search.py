"""Searching one object: what a text means there for one principal, as conditions and an order.

Records are found by what the principal may read in full: tokens carry the tag of their field, and
those of other fields are not asked for. Over a reference (`account.name` in `search`) only records
count that the principal may read. The best come first: those with the very name, those whose name
begins with the text, those whose name has all its words, the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from metadata.fields.base import FOLD, FieldDefinition
from metadata.json_text import nearest
from metadata.parse import SYSTEM
from metadata.problems import Problem
from metadata.query.answers import MAX_SEARCH_CHARACTERS
from metadata.query.order import SortKey
from metadata.query.paths import Paths, ResolvedPath, Source
from metadata.search.fields import is_indexed, tag_of
from metadata.search.tables import MATCHES, SEARCH_ENTRY
from metadata.search.tokens import Lexeme, Term, terms_of
from rule_engine.text import fold
from rule_engine.types import Kind

if TYPE_CHECKING:
    from metadata.access import Principal
    from metadata.catalog import Catalog

ESCAPE: Final = "/"
ALL, NAMED = "search_all", "search_named"
EXACT, START = "search_exact", "search_start"
OTHER_RANK: Final = 3
"""The rank of what is found in other fields than the name."""

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Searched:
    """What is searched for: the text as it is compared with names, and its terms."""

    text: str
    terms: tuple[Term, ...]


NOTHING_SEARCHED: Final = Searched("", ())


@dataclass(frozen=True, slots=True)
class Place:
    """Fields that are searched together: the object's own, or those behind references (`hops`)."""

    object: str
    hops: tuple[FieldDefinition, ...]
    fields: tuple[FieldDefinition, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What one principal searches in an object: `own` fields, those `beyond` references, and the
    name where it may be read."""

    own: Place
    beyond: tuple[Place, ...]
    name: ResolvedPath | None

    @property
    def name_tags(self) -> tuple[str, ...]:
        """The tag of the name, which is the first of the own fields."""
        return self.own.tags[:1] if self.name is not None else ()


def read_search(text: str | None, parameter: str = "search") -> Searched | Problem | None:
    """Gives what a text searches for, None for none, or that it is too long."""
    if text is None or not text.strip():
        return None
    if len(text) > MAX_SEARCH_CHARACTERS:
        return Problem(parameter, "search_too_long", {"limit": MAX_SEARCH_CHARACTERS})
    return Searched(fold(text).strip(), terms_of(text))


def searchable(catalog: Catalog, principal: Principal) -> tuple[str, ...]:
    """Gives the objects whose records a principal may find, the system's last."""
    found = [
        definition
        for definition in catalog.objects.values()
        if definition.link_of is None and principal.access(definition.name).may("read")
    ]
    return tuple(one.name for one in sorted(found, key=lambda one: one.package == SYSTEM))


def unknown_objects(names: Sequence[str], known: Sequence[str]) -> list[Problem]:
    """Gives a problem for each name that is no object here; hidden and unknown are alike."""
    return [
        Problem(
            "objects",
            "unknown_object",
            {"name": name, "nearest": nearest(name, known), "known": known},
        )
        for name in names
        if name not in known
    ]


def plan_search(paths: Paths, object_name: str) -> SearchPlan:
    """Gives what is searched in an object: only what the principal may read in full."""
    catalog, access = paths.catalog, paths.principal.access(object_name)
    definition = catalog.objects[object_name]
    fields = tuple(one for one in catalog.searched[object_name] if access.reads(one.name))
    own = make_place(paths, object_name, (), fields)
    is_named = bool(fields) and fields[0].name == definition.name_field
    name = ResolvedPath(fields[0].name, object_name, (), fields[0]) if is_named else None
    return SearchPlan(own, places_beyond(paths, object_name), name)


def places_beyond(paths: Paths, object_name: str) -> tuple[Place, ...]:
    """Gives the fields behind references that an object lists in `search`, by where they stand."""
    found: dict[tuple[str, ...], list[ResolvedPath]] = {}
    for text in paths.catalog.objects[object_name].search:
        path = paths.resolve(object_name, text, "search", whole=True) if "." in text else None
        if isinstance(path, ResolvedPath) and is_indexed(path.field):
            found.setdefault(tuple(hop.name for hop in path.hops), []).append(path)
    return tuple(
        make_place(paths, str(hops[-1].target), hops, [path.field for path in group])
        for group in found.values()
        for hops in (group[0].hops,)
    )


def make_place(
    paths: Paths,
    object_name: str,
    hops: tuple[FieldDefinition, ...],
    fields: Sequence[FieldDefinition],
) -> Place:
    """Gives fields of an object with their tags."""
    identity = paths.catalog.objects[object_name].id
    return Place(
        object_name, hops, tuple(fields), tuple(tag_of(identity, one.id) for one in fields)
    )


def holds(source: Source, plan: SearchPlan, count: int) -> Condition:
    """Gives the condition that a record has all of `count` terms, each in one of the fields.

    Its parameters are those of `search_values`.
    """
    if not count:
        return sa.false()
    key = source.root.c.id
    if not plan.beyond:
        return key.in_(matching(source, plan.own, ALL)) if plan.own.tags else sa.false()
    return sa.and_(
        *(key.in_(sa.union_all(*with_term(source, plan, number))) for number in range(count))
    )


def with_term(source: Source, plan: SearchPlan, number: int) -> list[sa.Select[tuple[Any]]]:
    """Gives the ids of the records that have a term: in their own fields, and behind references."""
    found = [matching(source, plan.own, f"{ALL}_{number}")] if plan.own.tags else []
    for place, one in enumerate(plan.beyond):
        ids = matching(source, one, f"{ALL}_{number}_{place}")
        found.append(pointing(source, source.object, one.hops, ids))
    return found


def pointing(
    source: Source,
    object_name: str,
    hops: Sequence[FieldDefinition],
    ids: sa.Select[tuple[Any]],
) -> sa.Select[tuple[Any]]:
    """Gives the ids of an object's records whose references lead to some, over readable ones.

    Each hop is a list of ids, which databases follow from its end; of joins they scanned all rows.
    """
    hop, tables = hops[0], source.tables
    target, here = str(hop.target), tables.catalog.tables[object_name].alias()
    there = tables.catalog.tables[target].alias()
    further = ids if len(hops) == 1 else pointing(source, target, hops[1:], ids)
    readable = sa.select(there.c.id).where(
        there.c.id.in_(further), *tables.conditions(there, target)
    )
    return sa.select(here.c.id).where(tables.column(here, object_name, hop.name).in_(readable))


def matching(source: Source, place: Place, parameter: str) -> sa.Select[tuple[Any]]:
    """Gives the ids of the records of a place's object that the index has for a parameter."""
    catalog, entry = source.tables.catalog, SEARCH_ENTRY.alias()
    of_object = entry.c.object == catalog.objects[place.object].id
    if source.tables.dialect == "postgresql":
        asked = sa.bindparam(parameter, type_=TSQUERY())
        return sa.select(entry.c.record).where(entry.c.tokens.op("@@")(asked), of_object)
    index = MATCHES
    fits = index.c.search_match.op("MATCH")(sa.bindparam(parameter, type_=sa.Text()))
    joined = index.join(entry, entry.c.number == index.c.rowid)
    return sa.select(entry.c.record).select_from(joined).where(fits, of_object)


def rank(source: Source, plan: SearchPlan) -> sa.ColumnElement[int]:
    """Gives how well a record fits, from 0 for the best to OTHER_RANK."""
    if plan.name is None:
        return number(OTHER_RANK)
    folded = source.column(plan.name, FOLD)
    best = (
        (folded == sa.bindparam(EXACT, type_=sa.Text()), number(0)),
        (folded.like(sa.bindparam(START, type_=sa.Text()), escape=ESCAPE), number(1)),
    )
    if plan.own.tags == plan.name_tags and not plan.beyond:
        return sa.case(*best, else_=number(2))
    by_name = source.root.c.id.in_(matching(source, named(plan), NAMED))
    return sa.case(*best, (by_name, number(2)), else_=number(OTHER_RANK))


def named(plan: SearchPlan) -> Place:
    """Gives the name alone."""
    return Place(plan.own.object, (), plan.own.fields[:1], plan.name_tags)


def plan_lookup(paths: Paths, object_name: str) -> SearchPlan:
    """Gives what is searched in an object where only its name counts."""
    plan = plan_search(paths, object_name)
    return SearchPlan(named(plan), (), plan.name)


def number(value: int) -> sa.ColumnElement[int]:
    """Gives a number as part of a statement, not as a parameter."""
    return sa.literal_column(str(value), sa.Integer())


def best_first(source: Source, plan: SearchPlan) -> tuple[SortKey, ...]:
    """Gives the order of what is found: by rank, then by name, then by id."""
    if plan.name is None:
        return ()
    folded = sa.func.coalesce(source.column(plan.name, FOLD), sa.literal_column("''", sa.Text()))
    return (
        SortKey(rank(source, plan), Kind.NUMBER, descending=False, nullable=False),
        SortKey(folded, Kind.TEXT, descending=False, nullable=False),
        SortKey(source.root.c.id, Kind.TEXT, descending=False, nullable=False),
    )


def asked_values(
    plan: SearchPlan | None, searched: Searched | Problem | None, dialect: str
) -> dict[str, object]:
    """Gives the parameters of a question that may search for something."""
    if plan is None or not isinstance(searched, Searched):
        return {}
    return search_values(plan, searched, dialect)


def search_values(plan: SearchPlan, searched: Searched, dialect: str) -> dict[str, object]:
    """Gives the parameters of `holds` and `rank`."""
    values: dict[str, object] = {
        ALL: written(searched.terms, plan.own.tags, dialect),
        NAMED: written(searched.terms, plan.name_tags, dialect),
        EXACT: searched.text,
        START: beginning(searched.text),
    }
    for place, term in enumerate(searched.terms if plan.beyond else ()):
        values[f"{ALL}_{place}"] = written([term], plan.own.tags, dialect)
        for beyond, one in enumerate(plan.beyond):
            values[f"{ALL}_{place}_{beyond}"] = written([term], one.tags, dialect)
    return values


def written(terms: Sequence[Term], tags: Sequence[str], dialect: str) -> str:
    """Gives terms in the language of the database's index: all of them, each in some field."""
    write, both, either = WORDS[dialect]
    return both.join(
        f"({either.join(write(tag, lexeme) for tag in tags for lexeme in term)})" for term in terms
    )


def write_tsquery(tag: str, lexeme: Lexeme) -> str:
    """Gives a lexeme for PostgreSQL. Tokens are letters, marks and digits: nothing to escape."""
    return f"'{tag}{lexeme.text}'{':*' if lexeme.is_prefix else ''}"


def write_match(tag: str, lexeme: Lexeme) -> str:
    """Gives a lexeme for FTS5."""
    return f'"{tag}{lexeme.text}"{"*" if lexeme.is_prefix else ""}'


WORDS: Final = {
    "postgresql": (write_tsquery, " & ", " | "),
    "sqlite": (write_match, " AND ", " OR "),
}


def beginning(text: str) -> str:
    """Gives the pattern of texts that begin with a text, all its letters taken literally."""
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return f"{text}%"
