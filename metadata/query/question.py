"""A question to the records of one object, and what it means for one principal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT, Count, QueryProblem
from metadata.query.cost import cost_problems, costs_of
from metadata.query.filter import resolve_filter
from metadata.query.order import SortPath, resolve_sort
from metadata.query.paths import Paths, ResolvedPath
from metadata.query.search import SearchPlan, plan_search
from rule_engine.core import Node
from rule_engine.types import Schema

MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as texts, without values. `fields` None means all that the principal sees.

    `terms` says for how many terms is searched, None for no search at all; `match` names fields to
    be equal to values, with whether the value is empty; `among` says whether only records with
    given ids are meant; `this` is the object of the record that `this.` means in the filter.
    Questions that are equal share a statement.
    """

    object: str
    fields: tuple[str, ...] | None = None
    filter: str | None = None
    sort: tuple[str, ...] = ()
    limit: int = 50
    count: str = "none"
    terms: int | None = None
    match: tuple[tuple[str, bool], ...] = ()
    among: bool = False
    this: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The question with its names resolved."""

    question: Question
    fields: tuple[ResolvedPath, ...]
    sort: tuple[SortPath, ...]
    filter: Node | None
    match: tuple[ResolvedPath, ...]
    searched: SearchPlan | None


def resolve_question(
    question: Question, paths: Paths, schema: Schema, others: Sequence[Problem] = ()
) -> Resolved:
    """Gives the question resolved.

    Raises QueryProblem with everything that is wrong, `others` included.
    """
    problems = [*others, *bounds_problems(question)]
    fields = resolve_fields(question, paths, problems)
    sort, found = resolve_sort(paths, question.object, question.sort)
    problems.extend(found)
    names = [name for name, _ in question.match]
    match = tuple(resolve_all(paths, question.object, names, "match", problems))
    node = None
    try:
        if question.filter and question.filter.strip():
            node = resolve_filter(question.filter, schema, question.object, question.this)
    except QueryProblem as problem:
        problems.extend(problem.problems)
    if not problems and not paths.principal.unrestricted:
        searches, counts = question.terms is not None, question.count == "exact"
        problems += cost_problems(
            costs_of(paths.catalog, fields, sort, node, searches=searches, counts=counts)
        )
    if problems:
        raise QueryProblem(problems)
    searched = None if question.terms is None else plan_search(paths, question.object)
    return Resolved(question, fields, sort, node, match, searched)


def bounds_problems(question: Question) -> list[Problem]:
    """Finds what is out of bounds."""
    problems = []
    if not 1 <= question.limit <= MAX_LIMIT:
        problems.append(Problem("limit", "bad_limit", {"limit": MAX_LIMIT}))
    if question.count not in get_args(Count):
        problems.append(Problem("count", "bad_count", {"known": list(get_args(Count))}))
    if question.fields is not None and len(question.fields) > MAX_FIELDS:
        problems.append(Problem("fields", "too_many_fields", {"limit": MAX_FIELDS}))
    return problems


def resolve_fields(
    question: Question, paths: Paths, problems: list[Problem]
) -> tuple[ResolvedPath, ...]:
    """Gives the selected paths, each once; without any all that the principal sees."""
    chosen = question.fields
    if chosen is None:
        known = paths.known(question.object, whole=False)
        chosen = tuple(name for name, field in known.items() if not field.nested)
    return tuple(resolve_all(paths, question.object, chosen, "fields", problems, whole=False))


def resolve_all(
    paths: Paths,
    object_name: str,
    texts: Sequence[str],
    parameter: str,
    problems: list[Problem],
    *,
    whole: bool = True,
) -> list[ResolvedPath]:
    """Gives the paths that exist; what is wrong with the others goes to `problems`."""
    found = []
    for text in dict.fromkeys(texts):
        path = paths.resolve(object_name, text, parameter, whole=whole)
        if isinstance(path, Problem):
            problems.append(path)
        else:
            found.append(path)
    return found
