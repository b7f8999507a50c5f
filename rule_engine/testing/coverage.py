"""Which conditions no test made true: each is looked at in all situations that tests made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rule_engine.errors import Span
from rule_engine.messages import Phrase
from rule_engine.program import Condition, Program
from rule_engine.services.evaluate import evaluate
from rule_engine.testing.world import Situation


@dataclass(frozen=True, slots=True)
class Gap:
    """A condition that tests never made true; of a requirement: never false."""

    source: str
    span: Span
    text: str
    wanted: bool

    @property
    def said(self) -> Phrase:
        """The gap in a sentence."""
        values: dict[str, object] = {"source": self.source, "text": self.text}
        values |= {"line": self.span.line, "column": self.span.column}
        if self.wanted:
            return Phrase("never true: {source}:{line}:{column} {text}", values)
        return Phrase("never false: {source}:{line}:{column} {text}", values)


def coverage(program: Program, situations: Iterable[Situation]) -> tuple[Gap, ...]:
    """Gives the gaps that situations leave in a program, in written order."""
    by_object: dict[str, list[Situation]] = {}
    for situation in situations:
        by_object.setdefault(situation.object, []).append(situation)
    return tuple(
        Gap(one.source, one.node.span, one.text, one.wanted)
        for one in program.conditions
        if not _is_met(one, by_object.get(one.object, ()))
    )


def _is_met(condition: Condition, situations: Sequence[Situation]) -> bool:
    return any(
        (evaluate(condition.node, s.record, s.environment, s.old) is True) is condition.wanted
        for s in situations
    )
