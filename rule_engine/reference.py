"""The page of all functions, made from their modules: `python -m rule_engine.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rule_engine.functions import Function, Parameter, functions
from rule_engine.types import Kind

#: What authors call the kinds of values.
KINDS = {
    **{Kind.TEXT: "text", Kind.NUMBER: "number", Kind.PERCENT: "percentage", Kind.MONEY: "money"},
    **{Kind.BOOLEAN: "true or false", Kind.DATE: "date", Kind.INSTANT: "point in time"},
    **{Kind.TIME: "time of day", Kind.CHOICE: "option", Kind.CHOICES: "several options"},
    **{Kind.CALENDAR_LENGTH: "length in days", Kind.CLOCK_LENGTH: "length in hours"},
    **{Kind.BUSINESS_LENGTH: "working time", Kind.REFERENCE: "record", Kind.LIST: "list"},
    Kind.EMPTY: "nothing",
}
HEAD = """\
# Functions of the rule language

Made from `rule_engine/functions/` by `make docs`; every value on this page is computed by a test.
There it is 2 March 2026, 9:00 in Berlin, and Amy acts: a sales rep of the team East who speaks two
languages and has no manager. An empty argument makes the result empty unless the function says
otherwise. Where a function cannot be used it is refused, with its place and the reason;
[aggregates](rules.md#other-records) over related records are part of the language.
"""


def functions_page() -> str:
    """Gives the page in Markdown."""
    return "\n".join([HEAD, *(line for one in functions().values() for line in _entry(one))])


def _entry(function: Function) -> Iterator[str]:
    yield f"## {function.name}"
    yield ""
    yield f"`{function.signature}` — {function.doc}"
    yield ""
    for parameter in function.parameters:
        yield f"- `{parameter.name}`: {_takes(parameter)}"
    yield f"- can be used in {', '.join(_places(function))}"
    yield ""
    yield "| expression | value |"
    yield "|---|---|"
    for expression, value in function.examples:
        yield f"| `{expression}` | {value} |"
    yield ""


def _takes(parameter: Parameter) -> str:
    if parameter.names_calendar:
        taken = "the name of a calendar; without it the organisation's"
    elif parameter.words:
        taken = "one of " + ", ".join(f'`"{word}"`' for word in parameter.words)
    elif len(parameter.kinds) == len(Kind):
        taken = "anything"
    else:
        taken = ", ".join(KINDS[kind] for kind in Kind if kind in parameter.kinds)
    optional = " (may be left out)" if parameter.optional and not parameter.names_calendar else ""
    repeated = ", one or more of one kind" if parameter.repeats else ""
    return f"{taken}{repeated}{optional}"


def _places(function: Function) -> Iterator[str]:
    yield "rules"
    if function.sql is not None or function.expand is not None:
        yield "filters, permissions, bulk scoring"
    if function.javascript is not None or function.expand is not None:
        yield "forms"


if __name__ == "__main__":
    sys.stdout.write(functions_page())
