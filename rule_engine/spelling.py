"""Guesses at what a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from rule_engine.messages import NOTHING, Phrase


def nearest(word: str, among: Collection[str]) -> str | None:
    """Gives the likeliest spelling of a word, None when nothing is near."""
    found = get_close_matches(word, among, n=1, cutoff=0.7)
    if found:
        return found[0]
    folded = {candidate.casefold(): candidate for candidate in among}
    found = get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return folded[found[0]] if found else None


def did_you_mean(word: str, among: Collection[str]) -> Phrase:
    """Gives the hint with the likeliest spelling; empty when nothing is near."""
    guess = nearest(word, among)
    return Phrase('did you mean "{guess}"?', {"guess": guess}) if guess else NOTHING
