"""Measuring rules of duplicates against sets whose true pairs are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from metadata.duplicates.compare import comparable, score
from metadata.duplicates.definitions import Comparison, DuplicateRule
from metadata.duplicates.keys import keys_of

MOST_OF_KEY = 100
Pair = tuple[str, str]


@dataclass(frozen=True)
class Measure:
    """How well found pairs fit the true ones."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def rule_of(fields: Mapping[str, str], threshold: float = 0.9) -> DuplicateRule:
    """Gives a rule that compares fields (name → what they are) forgivingly."""
    compared = tuple(Comparison(name, "fuzzy", kind) for name, kind in fields.items())
    return DuplicateRule("rule", "Rule", "", compared, threshold)


def found_pairs(rule: DuplicateRule, records: Mapping[str, Mapping[str, str]]) -> set[Pair]:
    """Gives the pairs that a rule finds: by its keys, then by its score."""
    forms = {key: comparable(rule, record) for key, record in records.items()}
    blocks: dict[str, list[str]] = defaultdict(list)
    for key, form in forms.items():
        for shared in keys_of(rule, form):
            blocks[shared].append(key)
    candidates = {
        pair
        for block in blocks.values()
        if len(block) <= MOST_OF_KEY
        for pair in combinations(sorted(block), 2)
    }
    return {
        (one, other)
        for one, other in candidates
        if score(rule, forms[one], forms[other]).certainty >= rule.threshold
    }


def true_pairs(groups: Iterable[Iterable[str]]) -> set[Pair]:
    """Gives the pairs inside groups of records that are one."""
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def measure(found: set[Pair], true: set[Pair]) -> Measure:
    """Gives how well found pairs fit."""
    right = len(found & true)
    return Measure(right / len(found) if found else 0.0, right / len(true))
