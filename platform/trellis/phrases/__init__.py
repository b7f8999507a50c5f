"""What the platform says of rules, as values that are worded for whoever reads them.

`zh.json` beside this file maps each English text to its translation, places included. Pages have
their own catalogue (`translations/`): they are worded while a reader is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rule_engine.messages import Phrase, read_translations


@dataclass(frozen=True, slots=True)
class Sentence(Phrase):
    """A phrase of the platform: what it says is translated here, its places filled as always."""

    def translated(self, language: str) -> str:
        """Gives the template in a language; English where there is no translation."""
        return translations(language).get(self.template, self.template)


def translations(language: str) -> Mapping[str, str]:
    """Gives English text → text of a language; empty for English and unknown languages."""
    return read_translations("trellis.phrases", language)
