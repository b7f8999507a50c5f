"""A chain of rules: what one save sets off, the saves that follow from it, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from rule_engine.messages import Phrase

MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Link:
    """A rule that ran on a record; `fields` are those it listens to that had changed."""

    rule: str
    object: str
    record: str
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """What ran so far. `depth` counts the saves one inside the other; a person's own is 1.

    `cause` names the rules that led here, outermost first. Give a rule's chain to the saves that
    its effects make, and with `knowing` what those set off to the next ones.
    """

    depth: int = 0
    ran: frozenset[Link] = frozenset()
    cause: tuple[str, ...] = ()

    def deeper(self) -> Chain:
        """Gives the chain as the next save meets it."""
        return replace(self, depth=self.depth + 1)

    def with_run(self, link: Link) -> Chain:
        """Gives the chain after a rule ran."""
        return replace(self, ran=self.ran | {link})

    def knowing(self, other: Chain) -> Chain:
        """Gives this place in the chain with what ran meanwhile elsewhere in it."""
        return replace(self, ran=self.ran | other.ran)

    def caused_by(self, rule: str) -> Chain:
        """Gives the chain for the saves that a rule's own effects make."""
        return replace(self, cause=(*self.cause, rule))

    def too_deep(self, rule: str, limit: int | None) -> Phrase | None:
        """Gives the sentence that refuses one more rule; None when it may run."""
        most = limit or MAX_DEPTH
        if self.depth <= most:
            return None
        names = " → ".join(f'"{name}"' for name in (*self.cause, rule))
        values = {"most": most, "rules": names}
        return Phrase("rules set each other off more than {most} deep: {rules}", values)

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back."""
        ran = sorted((one.rule, one.object, one.record, sorted(one.fields)) for one in self.ran)
        return {"depth": self.depth, "ran": [list(one) for one in ran], "cause": list(self.cause)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Chain:
        """Reads what `to_json` wrote."""
        ran = cast("Sequence[tuple[str, str, str, Sequence[str]]]", document["ran"])
        return cls(
            cast("int", document["depth"]),
            frozenset(Link(rule, kind, record, frozenset(f)) for rule, kind, record, f in ran),
            tuple(cast("Sequence[str]", document["cause"])),
        )
