"""What is asked: an expression about a record, and the world it is asked in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from metadata.catalog import Catalog
from rule_engine.errors import Diagnostic, sentence
from rule_engine.messages import Phrase, verbatim
from trellis.phrases import Sentence


class EvaluationError(Exception):
    """An expression or record that cannot be used; `said` says where and why."""

    def __init__(self, said: Phrase | str) -> None:
        self.said = said if isinstance(said, Phrase) else verbatim(said)
        super().__init__(str(self.said))


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with an expression, a line each."""

    found: Sequence[Diagnostic]

    def in_language(self, language: str) -> str:
        """Gives the lines for a reader."""
        return "\n".join(sentence(one, language) for one in self.found)


def findings(found: Sequence[Diagnostic]) -> Phrase:
    """Gives findings, a line each."""
    return Phrase("{findings}", {"findings": Findings(found)})


def unknown_object(name: str, catalog: Catalog) -> EvaluationError:
    """Gives what is said of an object that the definitions do not know."""
    values = {"name": name, "known": sorted(catalog.objects)}
    return EvaluationError(Sentence("no object '{name}'; there are: {known}", values))


@dataclass(frozen=True, slots=True)
class FixedRates:
    """Exchange rates as given; the base currency is worth 1 of itself."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    base: str = "CNY"

    def rate(self, currency: str) -> Decimal | None:
        """Gives what one unit is worth in the base currency; None when nobody said."""
        return Decimal(1) if currency == self.base else self.rates.get(currency)


@dataclass(frozen=True, slots=True)
class Setting:
    """The world: definitions, clock, zone, rates, and who acts (in wire form, or nobody)."""

    catalog: Catalog
    now: datetime
    zone: ZoneInfo
    rates: FixedRates = field(default_factory=FixedRates)
    user: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`expression` about a record, which is given in wire form.

    A mapping in place of a reference is the related record; a list of mappings under the name of a
    way back are the records that refer to this one.
    """

    object_name: str
    expression: str
    record: Mapping[str, object]
