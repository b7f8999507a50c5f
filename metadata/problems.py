"""What a person can do wrong, as values: collected, shown together, worded at the edge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from rule_engine.messages import Worded

LIST_MARKS = {"zh": "、"}
CLAUSE_MARKS = {"zh": "；"}
LANGUAGES = ("en", "zh")
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
NAMES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    `path` is a JSON Pointer into a body or file, the name of a parameter, or "" for the whole;
    `code` names a template in `messages/<language>.json`, `values` fill it. `line` and `column`
    point into a rule text or expression when there is one.
    """

    path: str
    code: str
    values: Mapping[str, object] = field(default_factory=dict)
    line: int | None = None
    column: int | None = None


@cache
def templates(language: str) -> Mapping[str, str]:
    """Gives code → sentence with `{names}` to fill."""
    text = files("metadata").joinpath("messages", f"{language}.json").read_text("utf-8")
    loaded: dict[str, str] = json.loads(text)
    return loaded


def sentence(problem: Problem, language: str = "en") -> str:
    """Words a problem for a reader. Lists among the values are joined as the language does.

    A part of a template in square brackets is left out when a value in it is missing or empty;
    elsewhere None is what a sender of JSON wrote.
    """
    known = templates(language if language in LANGUAGES else "en")
    # A code without words must not turn an answer into a fault: a test finds it instead.
    template = known.get(problem.code) or templates("en").get(problem.code)
    if template is None and isinstance(problem.values.get("message"), Worded):
        template = "{message}"  # the rule language has said it
    if template is None:
        return problem.code.replace("_", " ")
    values = {name: as_text(value, language) for name, value in problem.values.items()}
    said = {name for name, text in values.items() if text and problem.values[name] is not None}

    def optional(part: re.Match[str]) -> str:
        return part[1] if said.issuperset(NAMES.findall(part[1])) else ""

    return OPTIONAL.sub(optional, template).format_map(values)


def in_words(problems: Iterable[Problem], language: str = "en") -> str:
    """Words some problems in one line, for where they are told apart from what they are about."""
    said = (sentence(problem, language) for problem in problems)
    return CLAUSE_MARKS.get(language, "; ").join(dict.fromkeys(said))


@dataclass(frozen=True, slots=True)
class Said:
    """A problem as a part of the sentence of another; `about` names the field that it is at."""

    problem: Problem
    about: Worded | None = None

    def in_language(self, language: str) -> str:
        """Gives its sentence."""
        said = sentence(self.problem, language)
        return f"{self.about.in_language(language)}: {said}" if self.about else said


def as_text(value: object, language: str = "en") -> str:
    """Writes a value into a sentence; what the rule language says is worded for the reader."""
    if value is None:
        return "null"
    if isinstance(value, Worded):
        return value.in_language(language)
    if isinstance(value, (list, tuple, set, frozenset)):
        return LIST_MARKS.get(language, ", ").join(
            sorted(map(str, value))
            if isinstance(value, (set, frozenset))
            else (as_text(item, language) for item in value)
        )
    return str(value)


class DefinitionError(Exception):
    """The family of this package's exceptions: it carries every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{p.path}: {sentence(p)}" for p in problems))


class PackageError(DefinitionError):
    """A package that cannot be read, checked or installed."""
