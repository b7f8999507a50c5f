"""What letters become, for the run-time library: Python's own answer for every code point.

Browsers have no case folding, and each knows its own version of Unicode.
"""

from __future__ import annotations

from functools import cache

from rule_engine.text import WHITE_SPACE, case_mapping


@cache
def letters() -> dict[str, object]:
    """Gives, as JSON, what is white space and what `fold`, `lower` and `upper` do to letters."""
    return {"white": WHITE_SPACE} | {kind: _mapping(kind) for kind in ("fold", "lower", "upper")}


def _mapping(kind: str) -> dict[str, object]:
    single_from, single_to, several = case_mapping(kind)
    return {"steps": _steps(single_from, single_to), "several": dict(several)}


def _steps(letters_from: str, letters_to: str) -> list[list[int]]:
    """Gives [first, last, step, distance] for letters that lie 1 or 2 apart and move as far."""
    steps: list[list[int]] = []
    for source, target in zip(map(ord, letters_from), map(ord, letters_to), strict=True):
        distance = target - source
        if steps and steps[-1][3] == distance:
            first, last, step, _ = steps[-1]
            apart = source - last
            if apart == step or (first == last and apart == 2):
                steps[-1][1:3] = source, apart
                continue
        steps.append([source, source, 1, distance])
    return steps
