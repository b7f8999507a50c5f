"""What can be wrong with a rule text, as values that name the place, the thing and the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text. `line` and `column` count from 1; `width` is in characters, at least 1."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `message` and `hint` are English; `code` and `values` let others translate.

    `hint` is empty when there is no advice.
    """

    message: str
    span: Span
    code: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    values: Mapping[str, object] = field(default_factory=dict)
    source: str = "<text>"

    def __str__(self) -> str:
        place = f"{self.span.line}:{self.span.column}"
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


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


class NotTranslatableError(RuleError):
    """A back end cannot say this expression. Raised when compiling, never when running."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))
