"""How much an agreement says: weights of evidence after Fellegi and Sunter (1969).

Each comparison falls into a level by its similarity. A level has two probabilities: `m`, how often
values of one and the same thing fall into it, and `u`, how often those of different things do. Its
weight is log2(m / u): bits for or against. The bits of all comparisons and those of the start are
summed, and 2^bits are the odds that two records are one.

The figures are those of master data of people and companies as studies of record linkage report
them, rounded: names are mistyped in about one record of ten, numbers in one of twenty, and one
family name in two hundred is shared by chance. They need not fit a set exactly: a factor of two
moves a score by one bit of the thirty and more that a good rule has.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log2
from typing import Final

PRIOR: Final = log2(1 / 10_000)
"""Of ten thousand pairs that share an index key in part, how many are one: the start, in bits."""


Level = tuple[float, float]
"""How similar values are at least (0 to 1), and the weight of that in bits."""


def levels(*rows: tuple[float, float, float]) -> tuple[Level, ...]:
    """Gives levels from the most similar to the least, of rows of similarity, m and u."""
    return tuple((similar, log2(m / u)) for similar, m, u in rows)


LEVELS: Final[Mapping[str, tuple[Level, ...]]] = {
    "person": levels(
        (1.0, 0.82, 0.0004), (0.92, 0.11, 0.0016), (0.80, 0.05, 0.01), (0.0, 0.02, 0.988)
    ),
    "name_part": levels(
        (1.0, 0.80, 0.005), (0.92, 0.10, 0.004), (0.80, 0.05, 0.02), (0.0, 0.05, 0.971)
    ),
    "company": levels(
        (1.0, 0.80, 0.00005), (0.92, 0.10, 0.0002), (0.80, 0.06, 0.004), (0.0, 0.04, 0.99)
    ),
    "address": levels(
        (1.0, 0.70, 0.002), (0.90, 0.15, 0.003), (0.75, 0.07, 0.02), (0.0, 0.08, 0.975)
    ),
    "place": levels((1.0, 0.80, 0.01), (0.88, 0.12, 0.005), (0.75, 0.03, 0.02), (0.0, 0.05, 0.965)),
    "email": levels((1.0, 0.85, 0.000002), (0.92, 0.06, 0.0005), (0.0, 0.09, 0.9995)),
    "phone": levels((1.0, 0.85, 0.00002), (0.90, 0.05, 0.0005), (0.0, 0.10, 0.999)),
    "website": levels((1.0, 0.85, 0.0002), (0.90, 0.05, 0.001), (0.0, 0.10, 0.998)),
    "date": levels((1.0, 0.85, 0.0005), (0.85, 0.10, 0.002), (0.0, 0.05, 0.997)),
    "code": levels((1.0, 0.88, 0.00001), (0.80, 0.08, 0.0005), (0.0, 0.04, 0.9995)),
    "category": levels((1.0, 0.92, 0.20), (0.0, 0.08, 0.80)),
    "text": levels((1.0, 0.75, 0.01), (0.90, 0.12, 0.005), (0.75, 0.05, 0.02), (0.0, 0.08, 0.965)),
}
"""By what a comparison is `as`; each adds up to one in m and in u."""


PLACES: Final = frozenset({"address", "place"})
MOST_OF_PLACES: Final = 12.0
"""Street, suburb and postal code say one thing together, where somebody lives: no more bits for it
than these, or a whole family would be one."""


def bits_of(kind: str, similar: float) -> float:
    """Gives the weight of a similarity."""
    for least, bits in LEVELS[kind]:
        if similar >= least:
            return bits
    raise ValueError(f"a similarity is from 0 to 1, not {similar}")


def most_bits(kind: str) -> float:
    """Gives the weight of two equal values."""
    return LEVELS[kind][0][1]


def certainty(bits: float) -> float:
    """Gives the probability (0 to 1) that so many bits, those of the start aside, stand for."""
    total = bits + PRIOR
    return 1 / (1 + 2**-total) if total > -60 else 0.0
