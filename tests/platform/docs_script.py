"""A page of the documentation as what a reader would do: files written, records saved, commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]
FENCE = re.compile(
    r"(?:^`(?P<path>[\w./]+)`(?P<more>, \*more\*)?:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
ROW = re.compile(
    r"^\| `(?P<object>[a-z_]+)(?: (?P<key>[^{`]+?))? (?P<record>\{.*?\})` \| (?P<answer>.+) \|$",
    re.MULTILINE,
)
MISTAKE = re.compile(
    r"^\| `(?P<path>[\w./]+)` `(?P<patch>\{.*?\})` \| (?P<answer>.+) \|$", re.MULTILINE
)


@dataclass(frozen=True)
class File:
    """A file that the page shows; with `more` it is merged into what was there."""

    path: str
    text: str
    more: bool


@dataclass(frozen=True)
class Command:
    """A command line and what it prints."""

    arguments: str
    output: str


@dataclass(frozen=True)
class Saving:
    """A record to be saved, of an object or, by what titles it, one that is there; the answer."""

    object: str
    key: str | None
    record: JsonObject
    answer: str


@dataclass(frozen=True)
class Mistake:
    """A change to a file, and what the check says to it."""

    path: str
    patch: JsonObject
    answer: str


@dataclass
class Page:
    """A page; `version` parts it: files before the heading are the first version of a package."""

    text: str
    steps: Sequence[File | Command] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [step for found in FENCE.finditer(self.text) for step in steps_of(found)]

    @property
    def savings(self) -> Sequence[Saving]:
        """Gives the rows of tables with records, in order."""
        return [
            Saving(row["object"], row["key"], json.loads(row["record"]), plain(row["answer"]))
            for row in ROW.finditer(self.text)
        ]

    @property
    def mistakes(self) -> Sequence[Mistake]:
        """Gives the rows of the table of mistakes."""
        return [
            Mistake(row["path"], json.loads(row["patch"]), plain(row["answer"]))
            for row in MISTAKE.finditer(self.text)
        ]


def plain(cell: str) -> str:
    """Gives a cell's text without the marks of code."""
    return cell.strip("`")


def steps_of(found: re.Match[str]) -> Iterator[File | Command]:
    """Gives what a fenced text asks for: a file to be written, or commands to be run."""
    if found["path"] is not None:
        yield File(found["path"], found["text"], found["more"] is not None)
    elif found["language"] == "console":
        for entry in re.split(r"^\$ ", found["text"], flags=re.MULTILINE)[1:]:
            line, _, output = entry.partition("\n")
            yield Command(line, output)


def merged(document: Any, patch: Any) -> Any:
    """Gives a document with a merge patch (RFC 7396): null takes a key away."""
    if not isinstance(patch, Mapping) or not isinstance(document, Mapping):
        return patch
    found = {**document}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key, {}), value)
    return found


def write(step: File, folder: Path) -> None:
    """Writes a file below a folder."""
    path = folder / step.path
    path.parent.mkdir(parents=True, exist_ok=True)
    text = step.text
    if step.more:
        document = merged(json.loads(path.read_text("utf-8")), json.loads(text))
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, "utf-8")
