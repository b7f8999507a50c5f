"""Takes a text through everything the engine does: declared errors only, in time for its size."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from rule_engine import (
    Diagnostic,
    Expression,
    NotTranslatableError,
    Program,
    RuleCheckError,
    RuleSyntaxError,
    compile_program,
    core,
    parse,
    tree,
)
from rule_engine.backends.javascript.compiler import compile_node_javascript
from rule_engine.backends.python import compile_node
from rule_engine.backends.sql import compile_parts_sql
from rule_engine.editor import RenameError, complete, format_text, hover, rename_all
from rule_engine.editor.meanings import find_occurrences
from rule_engine.messages import PLACES
from rule_engine.program.whole import outer_nodes
from rule_engine.storage import read_program, read_ruleset, write_program, write_ruleset
from rule_engine.testing import run_tests
from tests.rule_engine.fuzz_texts import Input
from tests.rule_engine.law_world import Tables

T = TypeVar("T")

#: CPU seconds for each KB, a begun one counting as whole.
PER_KB = 0.1
MEASURED = 4
SQL_DIALECTS: Mapping[str, sa.Dialect] = {
    "sqlite": sqlite.dialect(),  # type: ignore[no-untyped-call]  # sqlalchemy's own
    "postgresql": postgresql.dialect(),
}
NAMES = ("quite_new", "step", "业务", "two words", "status", "", "`", 'a"b', "stаtus", "a\nb")


def in_time(what: Callable[[], T], size: int) -> T:
    """Gives an answer about a text of so many bytes.

    Raises TooSlowError for one that is slow each time that it is asked for.
    """
    most = PER_KB * max(1.0, size / 1024)
    times: list[float] = []
    for _ in range(MEASURED):
        start = time.process_time()
        answer = what()
        times.append(time.process_time() - start)
        if times[-1] <= most:
            return answer
    name = getattr(what, "__name__", what)
    raise TooSlowError(f"{name}: {min(times):.3f} s for {size} bytes")


class TooSlowError(AssertionError):
    """An answer that took more than its time, each time that it was asked for."""


@dataclass
class Asked:
    """One input, and what was asked about it."""

    given: Input
    asked: set[str] = field(default_factory=set)

    def ask(self, what: Callable[[], T]) -> T:
        self.asked.add(what.__name__)
        return in_time(what, self.given.size)

    def everything(self) -> None:
        """Asks everything but what chance leaves out, about a place and a name that it takes."""
        if self.given.object:
            self.nodes = self.ask(self.resolve)
            self.ask_back_ends()
            return
        ruleset, program, found = self.ask(self.check)
        check_findings(self.given.text, found)
        if program is not None:
            self.program = program
            self.nodes = nodes_of(program)
            self.ask_back_ends()
            self.ask(self.run_tests)
            self.ask(self.store_program)
        self.ask(self.format)
        self.offset = self.given.random.randint(0, len(self.given.text))
        self.ask(self.given.random.choice((self.complete, self.hover)))
        if ruleset is not None:
            self.ruleset = ruleset
            self.ask(self.given.random.choice((self.store_ruleset, self.rename)))

    def ask_back_ends(self) -> None:
        for back_end in (self.in_python, self.in_sql, self.in_javascript):
            self.ask(back_end)

    def resolve(self) -> Sequence[tuple[str, core.Node]]:
        """Gives the node of an expression, unless it is refused."""
        owner = self.given.object
        try:
            expression = Expression.parse(self.given.text)
            return [(owner, expression.resolve(self.given.world.schema, owner, sees_changes=True))]
        except (RuleSyntaxError, RuleCheckError) as error:
            check_findings(self.given.text, error.diagnostics)
            return []

    def check(self) -> tuple[tree.Ruleset | None, Program | None, Sequence[Diagnostic]]:
        ruleset = None
        try:
            ruleset = parse(self.given.text)
            rulesets = [ruleset, *self.given.beside.values()]
            program = compile_program(rulesets, self.given.world.schema)
        except (RuleSyntaxError, RuleCheckError) as error:
            return ruleset, None, error.diagnostics
        return ruleset, program, program.warnings

    def in_python(self) -> None:
        for _, node in self.nodes:
            with suppress(NotTranslatableError):
                compile_node(node)

    def in_javascript(self) -> None:
        for _, node in self.nodes:
            with suppress(NotTranslatableError):
                compile_node_javascript(node)

    def in_sql(self) -> None:
        tables = self.given.world.tables
        for name, dialect in SQL_DIALECTS.items():
            for owner, node in self.nodes:
                with suppress(NotTranslatableError):
                    parts = compile_parts_sql(node, Tables(name, tables), tables[owner])
                    for part in parts.values():
                        part.compile(dialect=dialect)

    def run_tests(self) -> None:
        run_tests(self.program)

    def store_program(self) -> None:
        document = write_program(self.program)
        assert read_program(document, self.program.schema) == self.program

    def store_ruleset(self) -> None:
        assert read_ruleset(write_ruleset(self.ruleset)) == self.ruleset

    def format(self) -> None:
        with suppress(RuleSyntaxError):
            formatted = format_text(self.given.text)
            assert format_text(formatted) == formatted

    def complete(self) -> None:
        complete(self.given.text, self.offset, self.given.world.schema)

    def hover(self) -> None:
        hover(self.given.text, self.offset, self.given.world.schema)

    def rename(self) -> None:
        schema, source = self.given.world.schema, self.given.random
        texts = {"<text>": self.given.text}
        with suppress(RuleSyntaxError, RenameError):
            _, found = find_occurrences(texts, schema)
            things = sorted({one.thing for one in found}, key=str)
            if things:
                rename_all(texts, schema, source.choice(things), source.choice(NAMES))


def nodes_of(program: Program) -> Sequence[tuple[str, core.Node]]:
    """Gives the outermost nodes with their objects, without those about two records."""
    definitions = (*program.scores, *program.validations, *program.rules, *program.approvals)
    return [
        (definition.object, node)
        for definition in (*definitions, *program.service_levels)
        for node in outer_nodes(definition)
    ]


def check_findings(text: str, found: Sequence[Diagnostic]) -> None:
    lines = text.split("\n")
    for finding in found:
        if finding.source != "<text>":
            continue
        span = finding.span
        assert 1 <= span.line <= len(lines)
        assert 1 <= span.column <= len(lines[span.line - 1]) + 1
        assert span.width >= 1
        assert finding.message
        assert finding.code
        for phrase in (finding.said, finding.advice):
            assert set(PLACES.findall(phrase.template)) <= set(phrase.values)
    places = [(one.source, one.span.line, one.span.column) for one in found]
    assert places == sorted(places)
