"""What can be wrong with a rule text, as values that name the place, the thing and the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from unicodedata import combining, east_asian_width

from rule_engine.messages import NOTHING, Phrase

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text. `line` and `column` count from 1; `width` is in characters, at least 1."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, not yet worded: `said` names what is wrong, `advice` the way out.

    `advice` is empty when there is none. `code` is one for each kind of mistake.
    """

    said: Phrase
    span: Span
    code: str
    advice: Phrase = NOTHING
    severity: Severity = "error"
    source: str = "<text>"

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return str(self.said)

    @property
    def hint(self) -> str:
        """The way out, in English; empty when there is no advice."""
        return str(self.advice)

    @property
    def values(self) -> Mapping[str, object]:
        """Everything that fills the places of the sentences."""
        return {**self.advice.values, **self.said.values}

    def __str__(self) -> str:
        return sentence(self)


def finding(
    code: str,
    template: str | Phrase,
    span: Span,
    hint: str | Phrase = "",
    **values: object,
) -> Diagnostic:
    """Gives a finding whose texts, constants with `{name}` places, share the values.

    What a phrase brings itself fills its own places first.
    """
    return Diagnostic(_phrase(template, values), span, code, _phrase(hint, values))


def _phrase(text: str | Phrase, values: Mapping[str, object]) -> Phrase:
    if isinstance(text, Phrase):
        return replace(text, values={**values, **text.values}) if text else NOTHING
    return Phrase(text, values) if text else NOTHING


def sentence(found: Diagnostic, language: str = "en") -> str:
    """Gives one line: `line:column: message (hint)`."""
    said: Phrase = found.said
    if found.advice:
        said = Phrase("{message} ({hint})", {"message": found.said, "hint": found.advice})
    return placed(found.span, said).in_language(language)


def placed(span: Span, said: Phrase) -> Phrase:
    """Gives what is said of a place, with its line and column in front."""
    values = {"line": span.line, "column": span.column, "message": said}
    return Phrase("{line}:{column}: {message}", values)


def show(found: Diagnostic, text: str, language: str = "en") -> str:
    """Gives a finding above the line of `text` that it is about, marked by carets."""
    lines = text.split("\n")
    line = lines[found.span.line - 1] if found.span.line <= len(lines) else ""
    shown = [
        placed(found.span, found.said).in_language(language),
        f"    {line}",
        f"    {_carets(line, found.span)}",
    ]
    if found.advice:
        hint = Phrase("hint: {hint}", {"hint": found.advice})
        shown.append(f"    {hint.in_language(language)}")
    return "\n".join(shown)


def _carets(line: str, span: Span) -> str:
    """Gives carets below a place: as wide as a terminal shows what stands before and at it."""
    before, marked = line[: span.column - 1], line[span.column - 1 :][: span.width]
    padding = "".join("\t" if letter == "\t" else " " * _cells(letter) for letter in before)
    return padding + "^" * max(1, sum(map(_cells, marked)))


def _cells(letter: str) -> int:
    """Gives how many cells of a terminal a letter takes (Unicode's East Asian Width)."""
    if combining(letter):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


class RuleError(Exception):
    """The family of this package's exceptions."""


class RuleSyntaxError(RuleError):
    """A text that cannot be parsed. `diagnostics` holds everything that could be found."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, diagnostics)))


class RuleCheckError(RuleError):
    """A text that parses but does not fit the schema it is used with."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, diagnostics)))


class FoundError(RuleError):
    """One finding that stands in the way."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))


class NotTranslatableError(FoundError):
    """A back end cannot say this expression. Raised when compiling, never when running."""


class CannotRunError(FoundError):
    """An action that reaches out where nothing outside is known; checked rules have none."""
