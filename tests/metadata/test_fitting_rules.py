"""Of rule files that do not fit a schema as a whole, what fits is left, statement by statement."""

from __future__ import annotations

import pytest

from metadata.catalog import build_catalog
from metadata.programs import make_fitting, make_program
from rule_engine import Program
from tests.metadata.databases import element, object_body

RULES = {
    "thing": """ruleset thing "Thing"
define is_large on thing as size > 10
define is_huge on thing as is_large and size > 100
validate named on thing { require name is not empty message "Name it" }
validate small on thing { require not is_huge message "Too large" }
test "t" of named { given thing as t { name: "A" } do save }
""",
    "other": """ruleset other "Other"
validate young on other { require age < 10 message "Too old" }
""",
}
TEXT, NUMBER = {"type": "string"}, {"type": "number"}
THING, OTHER = object_body({"name": TEXT, "size": NUMBER}), object_body({"age": NUMBER})
BARE = object_body({"name": TEXT})


def fitting(rules: dict[str, str], **objects: dict[str, object]) -> Program:
    catalog = build_catalog(1, [element(name, body) for name, body in objects.items()])
    return make_fitting(rules, catalog.schema, {})


def names(program: Program) -> list[str]:
    return [one.name for one in program.validations]


@pytest.mark.parametrize(
    ("objects", "left"),
    [
        ({"thing": THING, "other": OTHER}, ["named", "small", "young"]),
        ({"thing": THING}, ["named", "small"]),
        ({"thing": BARE, "other": OTHER}, ["named", "young"]),
        ({"thing": BARE}, ["named"]),
        ({}, []),
    ],
)
def test_what_names_something_gone_goes_with_it(
    objects: dict[str, dict[str, object]], left: list[str]
) -> None:
    program = fitting(RULES, **objects)
    assert names(program) == left
    assert program.tests == ()


def test_where_all_fits_it_is_the_whole_program() -> None:
    texts = {name: text.partition("test ")[0] for name, text in RULES.items()}
    catalog = build_catalog(1, [element("thing", THING), element("other", OTHER)])
    assert make_fitting(RULES, catalog.schema, {}) == make_program(texts, catalog.schema, {})


def test_a_text_that_is_none_leaves_the_others() -> None:
    assert names(fitting({**RULES, "thing": "validate {"}, other=OTHER)) == ["young"]
