"""The requests that a page of the documentation shows, and whether answers are as it says.

A fenced `http` text is a request, an empty line, its body, then the status of the answer with its
headers and body. `<name>` stands for a value: what it is turns out where it is first answered.
`…` stands for anything, and as a key for any other keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FENCE = re.compile(r"^```http\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^(?P<status>\d{3}) [A-Z][A-Za-z -]*$", re.MULTILINE)
VALUE = re.compile(r"<(\w+)>")
ANYTHING = "…"


@dataclass(frozen=True)
class Example:
    """A request and the answer that the page shows."""

    method: str
    address: str
    headers: Mapping[str, str]
    body: str
    status: int
    answer_headers: Mapping[str, str]
    answer: str


def examples_of(text: str) -> Iterator[Example]:
    """Gives the examples of a page."""
    for fence in FENCE.finditer(text):
        found = ANSWER.search(fence["text"])
        assert found is not None, fence["text"]
        head, body = parted(fence["text"][: found.start()])
        line, *headers = head
        method, _, address = line.partition(" ")
        lines, answer = parted(fence["text"][found.end() :].lstrip("\n"), bare=True)
        yield Example(
            method, address, named(headers), body, int(found["status"]), named(lines), answer
        )


def parted(text: str, *, bare: bool = False) -> tuple[list[str], str]:
    """Gives the lines before the first empty line, and what follows; a `bare` text may begin with
    its body."""
    if bare and not re.match(r"[A-Z][A-Za-z-]+: ", text):
        return [], text.strip()
    head, _, body = text.partition("\n\n")
    return [line for line in head.splitlines() if line], body.strip()


def named(lines: list[str]) -> dict[str, str]:
    """Gives headers by name."""
    pairs = (line.partition(": ") for line in lines)
    return {name: value for name, _, value in pairs}


@dataclass
class Reader:
    """Remembers what the names on the page stand for."""

    values: dict[str, str] = field(default_factory=dict)

    def filled(self, text: str) -> str:
        """Gives a text with its names replaced by values."""
        return VALUE.sub(lambda found: self.values.get(found[1], found[0]), text)

    def fits(self, shown: object, told: object) -> bool:
        """Says whether an answer is the one shown; learns names on the way."""
        match shown:
            case dict():
                return isinstance(told, dict) and self._fits_object(shown, told)
            case list():
                if not isinstance(told, list) or len(shown) != len(told):
                    return False
                return all(map(self.fits, shown, told))
            case str():
                return self.fits_text(shown, told)
            case _:
                return bool(shown == told)

    def _fits_object(self, shown: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
        wanted = {name: value for name, value in shown.items() if name != ANYTHING}
        if not (set(wanted) == set(told) or (ANYTHING in shown and set(wanted) <= set(told))):
            return False
        return all(self.fits(value, told[name]) for name, value in wanted.items())

    def fits_text(self, shown: str, told: object) -> bool:
        """Says whether a text is the one shown."""
        if shown == ANYTHING:
            return True
        if not isinstance(told, str):
            return False
        parts = re.split(r"(<\w+>|…)", shown)
        names: list[str] = []
        pattern = ""
        for part in parts:
            name = VALUE.fullmatch(part)
            if part == ANYTHING:
                pattern += ".*?"
            elif name is None:
                pattern += re.escape(part)
            elif name[1] in self.values:
                pattern += re.escape(self.values[name[1]])
            else:
                names.append(name[1])
                pattern += "(.+?)"
        found = re.fullmatch(pattern, told, re.DOTALL)
        if found is None:
            return False
        self.values.update(zip(names, found.groups(), strict=True))
        return True

    def fits_body(self, shown: str, told: str) -> bool:
        """Says whether a whole body is the one shown: JSON by its values, else as text."""
        if shown.startswith(("{", "[")):
            return self.fits(json.loads(shown), json.loads(told))
        return self.fits_text(shown, told.strip().replace("\r\n", "\n"))
