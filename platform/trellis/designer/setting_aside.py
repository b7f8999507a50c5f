"""Tests of packages that stand against a draft are taken out by it, in one step."""

from __future__ import annotations

from typing import Final

from metadata.packages.rule_texts import statements_of
from trellis.designer.altered_tests import TEST
from trellis.designer.drafts import find_drafted, put_element
from trellis.designer.publishing import make_plan
from trellis.unit import Unit

FAILED: Final = "package_test_failed"
FILES: Final = "/rules/"


def set_tests_aside(unit: Unit) -> list[str]:
    """Has the acting administrator's draft take out the tests of packages that it makes fail, and
    gives their names. Publishing wants to hear why; their texts stay in the versions before."""
    failing: dict[str, list[str]] = {}
    for problem in make_plan(unit).problems:
        if problem.code == FAILED:
            file = problem.path.removeprefix(FILES)
            failing.setdefault(file, []).append(f"{TEST}{problem.values['test']}")
    for file, tests in failing.items():
        written = str((find_drafted(unit, "rules", file).body or {})["text"])
        parts = statements_of(written) or {"": written}
        left = "".join(part for name, part in parts.items() if name not in tests)
        put_element(unit, "rules", file, {"text": left})
    return [name.removeprefix(TEST) for tests in failing.values() for name in tests]
