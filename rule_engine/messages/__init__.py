"""Sentences of the engine as values: a constant English text with places, filled and worded late.

`<language>.json` beside this file maps each English text to its translation, places included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Protocol, Self, cast, runtime_checkable

LANGUAGES = ("en", "zh")
PLACES = re.compile(r"\{([a-z][a-z_]*)\}")
_BETWEEN = {"en": ", ", "zh": "、"}
_BETWEEN_SENTENCES = {"en": "; ", "zh": "；"}


@runtime_checkable
class Worded(Protocol):
    """A value inside a sentence that reads differently in each language."""

    def in_language(self, language: str) -> str:
        """Gives the value's words for a reader."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A constant text in which each `{name}` stands for a value; other braces are braces.

    Values may be phrases themselves; lists are written with commas. False when it says nothing.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_language(self, language: str) -> str:
        """Gives the text for a reader; English where there is no translation."""
        return _fill(self.translated(language), self, language)

    def translated(self, language: str) -> str:
        """Gives the template in a language; English where there is no translation."""
        return translations(language).get(self.template, self.template)

    def to_json(self) -> list[object]:
        """Gives plain JSON values, if the values are; `from_json` is the exact way back."""
        return [self.template, dict(self.values)]

    @classmethod
    def from_json(cls, document: Sequence[object]) -> Self:
        """Reads what `to_json` wrote."""
        template, values = document
        return cls(str(template), cast("Mapping[str, object]", values))

    def __str__(self) -> str:
        return _fill(self.template, self, "en")

    def __bool__(self) -> bool:
        return bool(self.template)


#: What is not said, such as the advice of a finding without any.
NOTHING = Phrase("")


@dataclass(frozen=True, slots=True)
class Title:
    """The title of an object or a field: `labels` by language, else English, else its name."""

    labels: Mapping[str, str]
    name: str

    def in_language(self, language: str) -> str:
        """Gives the title for a reader."""
        return self.labels.get(language) or self.labels.get("en") or self.name

    def __str__(self) -> str:
        return self.in_language("en")


@dataclass(frozen=True, slots=True)
class Sentences:
    """Several sentences as one value, semicolons between them."""

    phrases: Sequence[Phrase]

    def in_language(self, language: str) -> str:
        """Gives the sentences for a reader."""
        between = _BETWEEN_SENTENCES.get(language, "; ")
        return between.join(one.in_language(language) for one in self.phrases)

    def __str__(self) -> str:
        return self.in_language("en")


def verbatim(text: str) -> Phrase:
    """Gives a text that stays as it is in each language: the words of a rule's author."""
    return Phrase("{text}", {"text": text})


def quoted(words: Sequence[object]) -> tuple[Phrase, ...]:
    """Gives each of the words in quotation marks."""
    return tuple(Phrase('"{word}"', {"word": word}) for word in words)


def translations(language: str) -> Mapping[str, str]:
    """Gives English text → text of a language; empty for English and unknown languages."""
    return read_translations("rule_engine.messages", language)


@cache
def read_translations(package: str, language: str) -> Mapping[str, str]:
    """Gives the `<language>.json` that stands in a package of texts, as `translations` does."""
    if language == "en" or language not in LANGUAGES:
        return {}
    text = files(package).joinpath(f"{language}.json").read_text("utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


def _fill(template: str, phrase: Phrase, language: str) -> str:
    def fill(place: re.Match[str]) -> str:
        if place[1] not in phrase.values:
            return place[0]
        return _word(phrase.values[place[1]], language)

    return PLACES.sub(fill, template)


def _word(value: object, language: str) -> str:
    if isinstance(value, Worded):
        return value.in_language(language)
    if isinstance(value, list | tuple):
        return _BETWEEN.get(language, ", ").join(_word(item, language) for item in value)
    return str(value)
