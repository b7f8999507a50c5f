"""Tests of packages that a draft changes or takes out: whoever does it says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metadata.elements import LOCAL, Element, by_key, is_of_tests
from metadata.packages.fitting_tests import tests_of


def altered_tests(before: Sequence[Element], after: Sequence[Element]) -> Iterator[str]:
    """Gives the names of tests of packages that are not what they were."""
    wanted = by_key(after)
    for element in before:
        now = wanted.get(element.key)
        if is_of_tests(element) and element.package != LOCAL and element != now:
            left = tests_of(now) if now is not None else {}
            yield from (
                name for name, written in tests_of(element).items() if left.get(name) != written
            )
