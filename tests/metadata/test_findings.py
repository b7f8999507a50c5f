"""What is wrong with rules and their tests is looked for once while all is the same that it depends
on: nothing that was found is told of what is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from metadata.catalog import Catalog, build_catalog
from metadata.checks.findings import Found, digest_of, found_once
from metadata.checks.rules import failing_tests
from metadata.elements import Element
from metadata.store import create_store, load_elements
from tests.metadata.databases import engine_for
from tests.metadata.package_world import TEXT, install_school

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def elements(database_url: str) -> list[Element]:
    with engine_for(database_url) as engine, engine.begin() as connection:
        create_store(connection)
        install_school(connection)
        return load_elements(connection)


def changed(elements: list[Element], kind: str, name: str, change: Change) -> list[Element]:
    (place,) = (n for n, one in enumerate(elements) if one.key == (kind, name))
    body: dict[str, Any] = deepcopy(dict(elements[place].body))
    change(body)
    made = replace(elements[place], body=body)
    return [*elements[:place], made, *elements[place + 1 :]]


def digest(elements: list[Element]) -> str:
    return digest_of(build_catalog(0, elements))


def add_line(body: dict[str, Any]) -> None:
    body["text"] += "# A line.\n"


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("rules", "school/checks", add_line),
        ("rules", "school/tests/fees", add_line),
        ("object", "student", lambda body: body.update(title="Pupil")),
        ("object", "student", lambda body: body["properties"].update(nick=TEXT)),
        ("object", "lead", lambda body: body["properties"]["channel"].update(enum=["web"])),
        ("translations", "school/zh", lambda body: body["objects"]["student"].update(title="生")),
        ("translations", "school/zh", lambda body: body["messages"].update({"No gifts": "不"})),
    ],
)
def test_it_is_looked_for_anew_where_it_may_be_another(
    elements: list[Element], kind: str, name: str, change: Change
) -> None:
    assert digest(changed(elements, kind, name, change)) != digest(elements)


def test_whose_a_rule_file_is_matters_too(elements: list[Element]) -> None:
    others = [replace(one, package="crm") if one.kind == "rules" else one for one in elements]
    assert digest(others) != digest(elements)


def test_what_rules_do_not_see_matters_not(elements: list[Element]) -> None:
    """Ids and columns are given anew each time that a package is planned."""
    other = changed(elements, "view", "student/all", lambda body: body.update(title="Ours"))
    other = changed(other, "role", "teacher", lambda body: body.update(title="Ours"))
    columns = {"column": "c_9", "id": "9"}
    other = changed(
        other, "object", "student", lambda body: body["properties"]["fee"]["crm"].update(columns)
    )
    assert digest([replace(one, id=f"{n}") for n, one in enumerate(other)]) == digest(elements)


def test_it_is_looked_for_once(elements: list[Element]) -> None:
    looked = []

    def find(catalog: Catalog) -> Iterator[Found]:
        looked.append(catalog)
        yield from ()

    first, second = build_catalog(0, elements), build_catalog(0, elements)
    other = build_catalog(0, changed(elements, "rules", "school/checks", add_line))
    for catalog in (first, second, other, first):
        assert found_once("trial", catalog, find) == ()
    assert looked == [first, other]


def test_a_test_that_was_put_right_is_right_and_a_broken_one_broken(
    elements: list[Element],
) -> None:
    def broken(body: dict[str, Any]) -> None:
        body["text"] = body["text"].replace("li.fee = 5", "li.fee = 6")

    right = build_catalog(0, elements)
    wrong = build_catalog(0, changed(elements, "rules", "school/tests/fees", broken))
    for _ in range(2):
        assert failing_tests(right, None) == ()
        ((key, problem),) = failing_tests(wrong, None)
        assert (key, problem.code) == (("rules", "school/tests/fees"), "package_test_failed")
    assert failing_tests(wrong, wrong) == ()
