"""Runs test cases one after the other, each in a world of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rule_engine.backends.python import trace_node
from rule_engine.errors import FoundError, RuleError, Span, placed
from rule_engine.messages import Phrase, Sentences, verbatim
from rule_engine.program import (
    Change,
    Do,
    Expect,
    ExpectError,
    ExpectReason,
    Given,
    Now,
    Program,
    TestCase,
    TestStep,
    Wait,
)
from rule_engine.services.evaluate import holds
from rule_engine.testing.clocks import calendar_of, show_clocks
from rule_engine.testing.commands import Commands, wait
from rule_engine.testing.coverage import coverage
from rule_engine.testing.requests import Requests
from rule_engine.testing.results import TestResult, TestRun
from rule_engine.testing.saving import Saver
from rule_engine.testing.world import (
    NOTHING_COMPUTED,
    CannotTestError,
    Computed,
    Refusals,
    Values,
    World,
)

#: What the clock shows in tests that do not say: a Monday morning.
STANDARD_NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
STANDARD_ZONE = ZoneInfo("UTC")


def run_tests(
    program: Program,
    *,
    now: datetime | None = None,
    zone: ZoneInfo = STANDARD_ZONE,
    computed: Computed = NOTHING_COMPUTED,
) -> list[TestResult]:
    """Runs all tests of a program in memory, in written order.

    `now` is where each test's clock starts unless it says `now is`; without it a fixed instant, so
    that a test gives the same answer every day. `computed` are the formulas and roll-ups that hold.
    """
    return [case.result() for case in _cases(program, now, zone, computed)]


def examine(
    program: Program,
    *,
    now: datetime | None = None,
    zone: ZoneInfo = STANDARD_ZONE,
    computed: Computed = NOTHING_COMPUTED,
) -> TestRun:
    """Runs all tests and says which conditions none of them made true."""
    cases = list(_cases(program, now, zone, computed))
    results = tuple(case.result() for case in cases)
    situations = (one for case in cases for one in case.world.situations)
    return TestRun(results, coverage(program, situations))


def _cases(
    program: Program, now: datetime | None, zone: ZoneInfo, computed: Computed
) -> Iterator[_Case]:
    for case in program.tests:
        yield _Case(program, case, now or STANDARD_NOW, zone, computed)


@dataclass(slots=True)
class _Case:
    """One test in progress. `errors` are the messages of the last command until expected."""

    program: Program
    case: TestCase
    now: datetime
    zone: ZoneInfo
    computed: Computed
    world: World = field(init=False)
    errors: Refusals = ()
    seen: bool = True
    place: Span = field(init=False)
    commands: Commands | None = None
    expectations: int = 0
    failures: list[tuple[Span, Phrase]] = field(default_factory=list)

    def __post_init__(self) -> None:
        calendar = calendar_of(self.program, self.case.of)
        self.world = World(
            self.program, self.now, self.zone, calendar=calendar, computed=self.computed
        )
        self.place = self.case.span

    def result(self) -> TestResult:
        """Runs the steps; after a statement that cannot run the rest is not looked at."""
        self._run()
        by_place = sorted(self.failures, key=lambda failure: (failure[0].line, failure[0].column))
        failures = tuple(placed(span, why) for span, why in by_place)
        return TestResult(self.case.name, self.case.of, not failures, failures)

    def fail(self, span: Span, why: Phrase) -> None:
        """Notes a failure at its place."""
        self.failures.append((span, why))

    def _run(self) -> None:
        for step in self.case.steps:
            try:
                self._take(step)
            except (CannotTestError, RuleError) as problem:
                self.fail(step.span, _said(problem))
                return
        self._forget_errors()
        if not self.expectations and not self.failures:
            self.fail(self.case.span, Phrase("the test expects nothing"))

    def _take(self, step: TestStep) -> None:
        match step:
            case Now(moment=moment):
                aware = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
                self.world.now = aware.astimezone(UTC)
            case Given(object=object_name, alias=alias, values=values):
                self._give(object_name, alias, values)
            case Wait(length=length):
                self._forget_errors()
                self._done(wait(Requests(self.world), length), step.span)
            case Do():
                self._forget_errors()
                self._done(self._tested().do(step), step.span)
            case Change(values=values):
                self._forget_errors()
                self._done(self._tested().change(values), step.span)
            case Expect() | ExpectError() | ExpectReason():
                self.expectations += 1
                self._expect(step)

    def _done(self, refusals: Refusals, place: Span) -> None:
        self.errors, self.seen, self.place = refusals, not refusals, place

    def _give(self, object_name: str, alias: str, values: Values) -> None:
        self.world.add(object_name, alias, values)
        self.world.recompute()
        Saver(self.world).watch(alias, None)
        if object_name == self.case.object:
            self.commands = Commands(self.world, alias, self.case.of)

    def _tested(self) -> Commands:
        if self.commands is None:
            text = 'there is no {object}; write "given {object} as … { … }"'
            raise CannotTestError(Phrase(text, {"object": self.case.object}))
        return self.commands

    def _forget_errors(self) -> None:
        """A refusal that no `expect error` looked at makes the test fail."""
        if not self.seen:
            why = {"messages": Sentences(self.errors)}
            self.fail(self.place, Phrase("refused: {messages}", why))
        self.errors, self.seen = (), True

    def _expect(self, step: Expect | ExpectError | ExpectReason) -> None:
        match step:
            case Expect():
                self._expect_condition(step)
            case ExpectError(text=text):
                self.seen = True
                if not any(text in str(error) for error in self.errors):
                    self.fail(step.span, _no_error(text, self.errors))
            case ExpectReason(text=text):
                reasons = tuple(self._reasons())
                if not any(text in str(reason) for reason in reasons):
                    self.fail(step.span, _no_reason(text, reasons))

    def _expect_condition(self, step: Expect) -> None:
        self.world.rescore()
        show_clocks(self.world, self.case.of)
        record: dict[str, object] = {
            **self.world.names(),
            **self.world.told(),
            "pending_step": self._pending_step(),
            "reason": str(Sentences(tuple(self._reasons()))) or None,
        }
        environment = self.world.environment()
        if not holds(step.condition, record, environment):
            trace = trace_node(step.condition, record, environment, None)
            values = {"text": step.text, "found": trace.sentence()}
            self.fail(step.span, Phrase("expected {text}; {found}", values))

    def _pending_step(self) -> str | None:
        request = self.commands.request if self.commands else None
        return request.step if request else None

    def _reasons(self) -> Iterator[Phrase]:
        """Gives what spoke for the tested record's scores and its last approval outcome."""
        self.world.rescore()
        if self.commands is None:
            return
        for result in self.world.scores.get(self.commands.record_id, ()):
            yield from (verbatim(item.because or item.text) for item in result.items)
        yield from self.world.reasons


def _said(problem: CannotTestError | RuleError) -> Phrase:
    match problem:
        case CannotTestError(said=said):
            return said
        case FoundError(diagnostic=found):
            return placed(found.span, found.said)
    return verbatim(str(problem))


def _no_error(text: str, errors: Refusals) -> Phrase:
    values = {"text": text, "errors": Sentences(errors)}
    if errors:
        return Phrase('no error says "{text}"; errors: {errors}', values)
    return Phrase('no error says "{text}"; there are no errors', values)


def _no_reason(text: str, reasons: tuple[Phrase, ...]) -> Phrase:
    values = {"text": text, "reasons": Sentences(reasons)}
    if reasons:
        return Phrase('no reason says "{text}"; reasons: {reasons}', values)
    return Phrase('no reason says "{text}"; there are no reasons', values)
