"""Tests of packages that stand against a draft are taken out by it, in one step."""

from __future__ import annotations

from collections.abc import Iterable

from metadata.checks.rules import unreadable_tests
from metadata.elements import LOCAL, Element, is_of_tests
from metadata.packages.fitting_tests import only_tests, with_fitting_tests
from trellis.designer.drafts import put_element
from trellis.designer.publishing import Planned, drafted_elements
from trellis.unit import Unit


def can_set_aside(planned: Planned) -> bool:
    """Says whether tests of packages stand in the way of a plan, and nothing else but tests."""
    return only_tests(planned.problems, [one.name for one in of_packages(planned.elements)])


def set_tests_aside(unit: Unit) -> None:
    """Has the acting administrator's draft take out the tests of packages that fail with it, or do
    not fit it. Publishing wants to hear why; their texts stay in the versions before."""
    elements = unit.catalog.elements
    wanted, _ = drafted_elements(unit)
    fitting, _ = with_fitting_tests(elements, wanted, of_packages(wanted), unit.catalog)
    for before, after in zip(wanted, fitting, strict=True):
        if after.body != before.body:
            put_element(unit, after.kind, after.name, after.body)


def of_packages(elements: Iterable[Element]) -> list[Element]:
    """Gives the files of tests that belong to packages; one with a slip is to be put right."""
    files = [one for one in elements if is_of_tests(one) and one.package != LOCAL]
    return [one for one in files if not unreadable_tests(one)]
