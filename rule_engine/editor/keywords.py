"""One sentence about each keyword, from `keywords.json`: word → language → sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def keyword_help(word: str, language: str = "en") -> str:
    """Gives what a keyword does; empty for a word that is none."""
    sentences = keyword_sentences().get(word) or keyword_sentences().get(f"{word}s") or {}
    return sentences.get(language) or sentences.get("en", "")


@cache
def keyword_sentences() -> Mapping[str, Mapping[str, str]]:
    """Gives the sentences of all keywords."""
    text = files("rule_engine.editor").joinpath("keywords.json").read_text("utf-8")
    loaded: dict[str, dict[str, str]] = json.loads(text)
    return loaded
