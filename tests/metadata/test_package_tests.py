"""The tests of a package are installed with it; those that fail with what is here are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
import sqlalchemy as sa

from metadata.drafts import Draft, with_drafts
from metadata.elements import is_of_tests
from metadata.json_text import mapping
from metadata.migrate import publish
from metadata.packages.export import export_package
from metadata.packages.files import FILES, load_bases
from metadata.packages.install import Prepared, install, prepare_all, publish_prepared, uninstall
from metadata.packages.read import Package
from metadata.problems import DefinitionError, PackageError, sentence
from metadata.store import create_store, load_catalog, load_elements
from metadata.stored import DIGESTS
from tests.metadata.databases import engine_for
from tests.metadata.package_world import (
    SCHOOL,
    body_of,
    edit,
    edit_at,
    install_school,
    package,
    version_two,
)

FILE, NAME = "tests/fees.rules", "school/tests/fees"
A_FEE = SCHOOL[FILE]
GIFTS = """
test "no gifts" of fees {
    given student as li { name: "Li", fee: 0 CNY }
    change { fee: -1 CNY }
    expect error "No gifts"
}
"""
MORE = A_FEE + GIFTS
FREE = 'validate fees on student {\n    require fee >= 0 CNY message "Ours"\n}\n'


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        install_school(made)
        yield made


def names_of(connection: sa.Connection) -> list[str]:
    return [case.name for case in load_catalog(connection).tested.tests]


def prepared(connection: sa.Connection, new: Package) -> Prepared:
    elements = load_elements(connection)
    return prepare_all([new], elements, load_bases(connection, elements))


def version_three(tests: str) -> Package:
    manifest = {**SCHOOL["manifest.json"], "version": "3.0.0"}
    return package(SCHOOL, {"manifest.json": manifest, FILE: tests})


def told(found: Prepared) -> list[str]:
    return [f"{one.path}: {sentence(one)}" for one in found.left_out]


def test_they_come_change_go_and_come_back(connection: sa.Connection) -> None:
    assert names_of(connection) == ["a fee"]
    assert load_catalog(connection).written.tests == ()
    install(connection, version_two({FILE: MORE}), by="ann")
    assert names_of(connection) == ["a fee", "no gifts"]
    uninstall(connection, "school", by="ann", confirm=["school"])
    assert names_of(connection) == []
    install(connection, version_two({FILE: MORE}), by="ann")
    assert names_of(connection) == ["a fee", "no gifts"]


def test_what_breaks_one_is_refused_until_the_test_is_changed_too(
    connection: sa.Connection,
) -> None:
    install(connection, version_two({FILE: MORE}), by="ann")
    with pytest.raises(DefinitionError) as refused:
        edit_at(connection, "rules", "school/checks", "text", to=FREE)
    (problem,) = refused.value.problems
    assert (problem.path, problem.line, problem.code) == (
        f"/rules/{NAME}",
        7,
        "package_test_failed",
    )
    ours = {"text": MORE.replace('"No gifts"\n}', '"Ours"\n}')}
    both = [Draft("rules", NAME, ours), Draft("rules", "school/checks", {"text": FREE})]
    publish(connection, with_drafts(load_elements(connection), both), by="ann")
    # What was made of a test here stays, and the other one goes on with the package.
    more = MORE.replace("fee: 5 CNY }\n", "fee: 6 CNY }\n").replace("= 5", "= 6")
    install(connection, version_three(more), by="ann")
    text = body_of(connection, "rules", NAME)["text"]
    assert "fee: 6 CNY" in text
    assert 'expect error "Ours"' in text


def without_tests(connection: sa.Connection) -> None:
    """Makes of the instance one of a version of Trellis that installed no tests."""
    after = [one for one in load_elements(connection) if not is_of_tests(one)]
    for number, one in enumerate(after):
        if one.kind == "package":
            files = {FILES: mapping(one.body[DIGESTS])[FILES]}
            after[number] = replace(one, body={**one.body, DIGESTS: files})
    publish(connection, after, by="ann")


def exported(connection: sa.Connection) -> Mapping[str, bytes]:
    elements = load_elements(connection)
    return export_package("school", elements, load_bases(connection, elements)["school"]).files


def test_they_are_exported_as_they_are_here(connection: sa.Connection) -> None:
    edit(connection, "rules", NAME, {"text": MORE})
    assert exported(connection)[FILE] == MORE.encode()
    edit(connection, "rules", NAME, None)
    assert FILE not in exported(connection)
    without_tests(connection)
    assert exported(connection)[FILE] == A_FEE.encode()


def test_an_instance_without_them_gets_them_with_the_next_version(
    connection: sa.Connection,
) -> None:
    without_tests(connection)
    assert names_of(connection) == []
    install(connection, version_two({FILE: A_FEE.replace("5 CNY", "7 CNY")}), by="ann")
    assert names_of(connection) == ["a fee"]
    assert "7 CNY" in body_of(connection, "rules", NAME)["text"]


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (FREE, 'no error says "No gifts"; errors: Ours'),
        ("# nothing\n", 'nothing called "fees" can be tested'),
    ],
)
def test_those_that_fail_with_what_is_here_stay_out_and_are_named(
    connection: sa.Connection, here: str, reason: str
) -> None:
    without_tests(connection)
    edit_at(connection, "rules", "school/checks", "text", to=here)
    found = prepared(connection, version_two({FILE: MORE}))
    (*_, last) = told(found)
    assert last.startswith(f'{FILE}: The test "no gifts" of the package school is left out, since')
    assert reason in last
    publish_prepared(connection, found, by="ann")
    assert '− test "no gifts"' in found.message
    assert names_of(connection) == (["a fee"] if here == FREE else [])
    # They stay out, and are told as what was changed here.
    again = prepared(connection, version_three(MORE))
    assert (again.problems, again.left_out) == ((), ())
    assert any(place.startswith(FILE) for place in again.edits)


def test_what_somebody_wrote_here_is_never_left_out(connection: sa.Connection) -> None:
    edit(connection, "rules", NAME, {"text": A_FEE + GIFTS.replace("no gifts", "ours")})
    rules = SCHOOL["rules/checks.rules"].replace("No gifts", "No presents")
    found = prepared(connection, version_two({"rules/checks.rules": rules}))
    assert found.left_out == ()
    with pytest.raises(DefinitionError) as refused:
        publish_prepared(connection, found, by="ann")
    assert [one.values["test"] for one in refused.value.problems] == ["ours"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("test {", "expression"), (FREE, "tests_only")],
)
def test_a_file_of_tests_has_to_be_one(connection: sa.Connection, text: str, code: str) -> None:
    with pytest.raises(PackageError) as refused:
        install(connection, version_two({FILE: text}), by="ann")
    assert {one.code for one in refused.value.problems} == {code}
    assert {one.path for one in refused.value.problems} == {FILE}


def test_another_package_may_make_them_fail(connection: sa.Connection) -> None:
    manifest = {
        "name": "house",
        "version": "1.0.0",
        "title": "House",
        "requires": {"school": ">=1"},
    }
    rule = 'validate dear on student {\n    forbid fee < 9 CNY message "Dear"\n}\n'
    other = package({"manifest.json": manifest, "rules/dear.rules": rule})
    found = prepared(connection, other)
    assert [one.values["test"] for one in found.left_out] == ["a fee"]
    publish_prepared(connection, found, by="ann")
    assert names_of(connection) == []


def test_a_file_that_does_not_come_apart_stays_out_whole(connection: sa.Connection) -> None:
    """Two tests of one name cannot be told apart, and what passes cannot be left in."""
    fails = A_FEE.replace("li.fee = 5", "li.fee = 6")
    found = prepared(connection, version_two({FILE: A_FEE + fails}))
    assert [one.values["test"] for one in found.left_out] == [NAME]
    publish_prepared(connection, found, by="ann")
    assert names_of(connection) == []


def test_what_was_set_aside_stays_out_or_is_told(connection: sa.Connection) -> None:
    install(connection, version_two({FILE: MORE}), by="ann")
    edit(connection, "rules", NAME, {"text": A_FEE})
    same = prepared(connection, version_three(MORE + "# The same tests.\n"))
    assert same.conflicts == ()
    assert same.edits == (f"{FILE}:/test no gifts",)
    other = prepared(connection, version_three(MORE.replace("fee: -1", "fee: -2")))
    ((place, kept),) = [(one.place, one.kept) for one in other.conflicts]
    assert (place, kept) == (f"{FILE}:/test no gifts", "ours")
    publish_prepared(connection, other, by="ann")
    assert names_of(connection) == ["a fee"]


def test_where_something_else_is_wrong_no_test_is_blamed(connection: sa.Connection) -> None:
    edit(connection, "rules", "local/own", {"text": GIFTS.replace("no gifts", "own")})
    no_rules = "# nothing\n"  # what our own test is about is gone, and so is what theirs are about
    found = prepared(connection, version_two({"rules/checks.rules": no_rules}))
    assert found.left_out == ()
    with pytest.raises(DefinitionError) as refused:
        publish_prepared(connection, found, by="ann")
    assert {one.path for one in refused.value.problems} == {f"/rules/{NAME}", "/rules/local/own"}
