"""Tests that packages bring and that fail with what is there: they are left out and named.

A package never keeps its new version from being installed by a test: what was changed here, or
what another package brings, is meant to be as it is. What somebody wrote here is not left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from metadata.catalog import Catalog
from metadata.diff import FOLDERS, Plan, plan
from metadata.elements import Element, by_key, is_of_tests
from metadata.json_text import text
from metadata.packages.places import element_file
from metadata.packages.rule_texts import HEAD, REST, joined, statements_of
from metadata.problems import Problem

Statements = Mapping[str, str]
TEST: Final = "test "
"""What the names of tests among statements begin with."""
PLACE: Final = f"/{FOLDERS['rules']}/"
"""Where rule files stand in a problem's path."""


def with_fitting_tests(
    current: Sequence[Element],
    wanted: Sequence[Element],
    shipped: Iterable[Element],
    known: Catalog | None = None,
) -> tuple[tuple[Element, ...], tuple[Problem, ...]]:
    """Gives the wanted elements without those of the shipped tests that fail, and which these are.

    Where something else is wrong, it is to be put right first. `known` is the catalog of the
    elements in force where there is one: it saves time.
    """
    files = {one.name: one for one in shipped if is_of_tests(one)}
    elements = tuple(wanted)
    left_out: tuple[Problem, ...] = ()
    while files:  # what does not fit is found before what fails
        planned = plan(current, elements, known)
        found = failing(planned, elements, files) if only_tests(planned.problems, files) else {}
        if not found:
            break
        elements = tuple(without(one, found.get(one.name, ())) for one in elements)
        left_out += tuple(problem for tests in found.values() for problem in tests.values())
    return elements, left_out


def only_tests(problems: Sequence[Problem], files: Collection[str]) -> bool:
    """Says whether something is wrong in these files of tests and nothing else is, but that other
    tests fail."""
    others = [one for one in problems if one.path.removeprefix(PLACE) not in files]
    return len(others) < len(problems) and all(one.code == "rule_test_failed" for one in others)


def failing(
    planned: Plan, wanted: Sequence[Element], files: Mapping[str, Element]
) -> dict[str, dict[str, Problem]]:
    """Gives by file the tests in which something is wrong, with what it is; of these, those that
    are as they were shipped."""
    renamed, drafted = by_key(planned.elements), by_key(wanted)
    found: dict[str, dict[str, Problem]] = {}
    for file, shipped in files.items():
        problems = [one for one in planned.problems if one.path == f"{PLACE}{file}"]
        if not problems:
            continue
        element = drafted["rules", file]
        own, theirs, placed = map(statements, (element, shipped, renamed[element.key]))
        for problem in problems:
            name = statement_at(placed, problem.line or 1)
            if name in own and own[name] == theirs.get(name):
                found.setdefault(file, {}).setdefault(name, told(element, name, problem))
    return found


def told(element: Element, name: str, problem: Problem) -> Problem:
    """Words that a test is left out."""
    reasons = problem.values.get("reasons", (problem.values.get("message"),))
    values = {"test": name.removeprefix(TEST), "reasons": reasons, "package": element.package}
    return Problem(element_file(*element.key), "test_left_out", values)


def statement_at(parts: Statements, line: int) -> str:
    """Gives the name of the statement in which a line is."""
    last = 0
    for name, written in parts.items():
        last += len(written.splitlines())
        if line <= last:
            return name
    return REST


def without(element: Element, names: Collection[str]) -> Element:
    """Gives a file of tests without some; all else as it is."""
    if not names or not is_of_tests(element):
        return element
    kept = {name: one for name, one in statements(element).items() if name not in names}
    return replace(element, body={"text": joined(kept)})


def statements(element: Element) -> Statements:
    """Gives the parts of a file by name, one that does not come apart as one whole by its own."""
    whole = text(element.body.get("text")) or ""
    found = statements_of(whole)
    return {element.name: whole} if found is None else found


def tests_of(element: Element) -> Statements:
    """Gives the tests of a file by name, without what stands around them."""
    parts = statements(element)
    return {
        name.removeprefix(TEST): written.strip()
        for name, written in parts.items()
        if name not in (HEAD, REST)
    }
