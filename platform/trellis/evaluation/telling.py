"""What explanations are made of: the record with its world, and lines that are worded late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rule_engine import core
from rule_engine.backends.python import trace_node
from rule_engine.backends.python.trace import Trace
from rule_engine.messages import NOTHING, Phrase
from rule_engine.services.assign import Workload
from rule_engine.services.automate import SaveEvent
from rule_engine.services.evaluate import holds
from rule_engine.services.people import user_record
from rule_engine.types import Directory, Environment
from trellis.phrases import Sentence

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation, `indent` steps to the right."""

    indent: int = 0
    said: Phrase = NOTHING

    def in_language(self, language: str) -> str:
        """Gives the line for a reader."""
        return "  " * self.indent + self.said.in_language(language)


Lines = Iterator[Line]


@dataclass(frozen=True, slots=True)
class Company:
    """The people of an instance, and what they have to do."""

    directory: Directory
    workload: Workload


@dataclass(frozen=True, slots=True)
class World:
    """A record with everything around it; `old` is None when it is created.

    Without a `company` people are told as they are written.
    """

    record: Record
    old: Record | None
    environment: Environment
    company: Company | None = None

    @property
    def event(self) -> SaveEvent:
        """Gives what happens to the record."""
        return "create" if self.old is None else "update"

    def holds(self, node: core.Node | None) -> bool:
        """Says whether a condition is true; one that was not written is."""
        return holds(node, self.record, self.environment, self.old)

    def condition(self, node: core.Node | None, indent: int) -> Lines:
        """Gives a condition with the values of its parts; nothing where none was written."""
        if node is not None:
            trace = trace_node(node, self.record, self.environment, self.old)
            yield from _traced(trace, indent)

    def names(self, users: Sequence[str]) -> Phrase:
        """Gives the names of users; nobody for none."""
        if not users:
            return Sentence("nobody")
        return Sentence("{people}", {"people": [self.name(user) for user in users]})

    def name(self, user: str) -> str:
        """Gives what a user is called."""
        known = user_record(self.environment, user)
        return str(known.get("name") or known.get("username") or user)


def _traced(trace: Trace, indent: int) -> Lines:
    fact = trace.fact()
    if trace.reason:
        values = {"fact": fact, "reason": trace.reason}
        fact = Sentence("{fact} because {reason}", values)
    yield Line(indent, fact)
    for child in trace.children:
        if not (trace.reason and child.value is None):
            yield from _traced(child, indent + 1)
