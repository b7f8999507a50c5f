"""What the names of a text mean: noted by the checks as they resolve them, read by the editor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rule_engine.errors import Span

Sort = Literal[
    "object",
    "field",
    "link",
    "option",
    "attribute",
    "formula",
    "output",
    "calendar",
    "process",
    "step",
    "function",
    "missing",
    "role",
    "view",
    "layout",
]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that has a name, by its API name; views and layouts are named outside of texts.

    `owner` is the object of a field, a link, a formula, a view, a layout and a missing field;
    `object.field` for an option and an attribute, even a missing one; the name of the formula or
    process that an output or a step belongs to; else empty.
    """

    sort: Sort
    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a thing is named. An option's place may be a list that holds it."""

    thing: Thing
    span: Span
    source: str
