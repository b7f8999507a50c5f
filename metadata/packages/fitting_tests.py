"""Tests that packages bring and that fail with what is there: they stay out, and are named.

A package never keeps its new version from being installed by a test: what was changed here, or
what another package brings, is meant to be as it is. What somebody wrote here is not left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from metadata.diff import plan
from metadata.elements import Element, by_key, is_of_tests
from metadata.json_text import text
from metadata.packages.places import element_file
from metadata.packages.read import Package
from metadata.packages.rule_texts import HEAD, REST, joined, statements_of
from metadata.problems import Problem

Statements = Mapping[str, str]


def with_fitting_tests(
    current: Sequence[Element], wanted: Sequence[Element], packages: Iterable[Package]
) -> tuple[tuple[Element, ...], tuple[Problem, ...]]:
    """Gives the wanted elements without those tests of packages that fail, and which these are.

    Where something else is wrong, too, it is what is to be put right first.
    """
    shipped = {
        one.name: one for package in packages for one in package.elements if is_of_tests(one)
    }
    elements = tuple(wanted)
    left_out: tuple[Problem, ...] = ()
    while shipped:  # what does not fit the objects is found before what fails
        found = dict(failing(current, elements, shipped))
        if not found:
            break
        elements = tuple(without(one, found.get(one.name, ())) for one in elements)
        left_out += tuple(problem for tests in found.values() for problem in tests.values())
    return elements, left_out


def failing(
    current: Sequence[Element], wanted: Sequence[Element], shipped: Mapping[str, Element]
) -> Iterator[tuple[str, dict[str, Problem]]]:
    """Gives by file the tests of packages in which something is wrong, with what it is."""
    planned = plan(current, wanted)
    renamed = by_key(planned.elements)
    for element in filter(is_of_tests, wanted):
        problems = [one for one in planned.problems if one.path == f"/rules/{element.name}"]
        if not problems or element.name not in shipped:
            continue
        own, theirs = statements(element), statements(shipped[element.name])
        found: dict[str, Problem] = {}
        for problem in problems:
            name = statement_at(renamed[element.key], problem.line or 1)
            if name in own and own[name] == theirs.get(name):
                found.setdefault(name, told(element, name, problem))
        if found:
            yield element.name, found


def told(element: Element, name: str, problem: Problem) -> Problem:
    """Words that a test stays out."""
    reasons = problem.values.get("reasons", (problem.values.get("message"),))
    values = {"test": name.partition(" ")[2] or element.name, "reasons": reasons}
    return Problem(element_file(*element.key), "test_left_out", values)


def statement_at(element: Element, line: int) -> str:
    """Gives the name of the statement in which a line is."""
    last = 0
    for name, written in statements(element).items():
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
    """Gives the tests of a file by name; one that does not come apart is one whole."""
    whole = text(element.body.get("text")) or ""
    found = statements_of(whole)
    return {HEAD: whole} if found is None else found
