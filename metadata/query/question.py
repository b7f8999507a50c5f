"""A question to the records of one object, and what it means for one principal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from metadata.problems import Problem
from metadata.query.answers import MAX_LIMIT, Count, QueryProblem
from metadata.query.filter import resolve_filter
from metadata.query.order import SortPath, resolve_sort
from metadata.query.paths import Paths, ResolvedPath
from metadata.query.search import read_words, search_paths
from rule_engine.core import Node
from rule_engine.types import Schema

MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as texts. `fields` None means all that the principal sees."""

    object: str
    fields: Sequence[str] | None = None
    filter: str | None = None
    sort: tuple[str, ...] = ()
    after: str | None = None
    limit: int = 50
    count: Count = "none"
    search: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """The question with its names resolved. `words` is None where nothing is searched for."""

    question: Question
    fields: tuple[ResolvedPath, ...]
    sort: tuple[SortPath, ...]
    filter: Node | None
    match: tuple[tuple[ResolvedPath, object], ...]
    words: tuple[str, ...] | None
    searched: tuple[ResolvedPath, ...]


def resolve_question(
    question: Question, paths: Paths, schema: Schema, match: Mapping[str, object]
) -> Resolved:
    """Gives the question resolved. Raises QueryProblem with everything that is wrong."""
    problems = [*bounds_problems(question)]
    fields = resolve_fields(question, paths, problems)
    sort, found = resolve_sort(paths, question.object, question.sort)
    problems.extend(found)
    matched = tuple(
        (path, value)
        for name, value in match.items()
        for path in resolve_all(paths, question.object, [name], "match", problems)
    )
    node = words = None
    try:
        if question.filter and question.filter.strip():
            node = resolve_filter(question.filter, schema, question.object)
    except QueryProblem as problem:
        problems.extend(problem.problems)
    try:
        if question.search and question.search.strip():
            words = read_words(question.search)
    except QueryProblem as problem:
        problems.extend(problem.problems)
    if problems:
        raise QueryProblem(problems)
    searched = () if words is None else search_paths(paths, question.object)
    return Resolved(question, fields, sort, node, matched, words, searched)


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
        chosen = list(paths.known(question.object, whole=False))
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
