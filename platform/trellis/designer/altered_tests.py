"""Tests of packages that a draft changes or takes out: whoever does it says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metadata.elements import LOCAL, Element, by_key, is_of_tests
from metadata.json_text import mapping, text
from metadata.packages.rule_texts import statements_of

TEST = "test "


def altered_tests(before: Sequence[Element], after: Sequence[Element]) -> Iterator[str]:
    """Gives the names of tests of packages that are not what they were."""
    wanted = by_key(after)
    for element in before:
        if is_of_tests(element) and element.package != LOCAL and element != wanted.get(element.key):
            left = tests_of(wanted.get(element.key))
            yield from (
                name.removeprefix(TEST)
                for name, written in tests_of(element).items()
                if left.get(name) != written
            )


def tests_of(element: Element | None) -> dict[str, str]:
    """Gives the tests of a file by name; none of one that does not come apart."""
    body = mapping(element.body) if element is not None else {}
    found = statements_of(text(body.get("text")) or "") or {}
    return {name: written.strip() for name, written in found.items() if name.startswith(TEST)}
