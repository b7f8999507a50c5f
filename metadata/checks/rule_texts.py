"""The texts in rules that people get to read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Final

from rule_engine import Program, core
from rule_engine.program import Definition

READ_BY_PEOPLE: Final = frozenset({"message", "because", "label"})


def rule_texts(program: Program, package: str) -> list[str]:
    """Gives the messages, reasons and labels in a package's rules, each once, in order."""
    definitions: tuple[Definition, ...] = (
        *(*program.validations, *program.scores, *program.rules, *program.approvals),
        *(*program.assignments, *program.service_levels),
    )
    own = [one for one in definitions if one.source.startswith(f"{package}/")]
    return list(dict.fromkeys(text for one in own for text in texts_in(one)))


def texts_in(value: object) -> Iterator[str]:
    """Gives the texts inside a part of a program; expressions have none."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from texts_in(item)
    elif is_dataclass(value) and not isinstance(value, (core.Node, type)):
        name = getattr(value, "name", None)
        for member in fields(value):
            inner = getattr(value, member.name)
            if member.name in READ_BY_PEOPLE and isinstance(inner, str):
                if inner and inner != name:
                    yield inner
            else:
                yield from texts_in(inner)
