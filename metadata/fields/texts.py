"""Text in the one form in which it is stored and compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from metadata.fields.base import Refused
from rule_engine.text import fold

SEPARATOR: Final = ";"
"""What stands between several values in one text."""
SEPARATORS: Final = re.compile(r"[;,\n；，、]")
EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
CONTROLS: Final = frozenset("\t\n")


def clean_line(wire: object) -> str | None:
    """Gives one line of text: NFC, trimmed, white space inside it as spaces; blank is None."""
    text = as_text(wire)
    if "\n" in text or "\r" in text or "\t" in text:
        text = " ".join(text.split())
    return refuse_controls(text.strip()) or None


def clean_lines(wire: object) -> str | None:
    """Gives text of several lines: NFC, line feeds only, trimmed; blank is None."""
    text = as_text(wire).replace("\r\n", "\n").replace("\r", "\n")
    return refuse_controls(text.strip()) or None


def clean_code(wire: object) -> str | None:
    """Gives source text: NFC, line feeds only, no blank lines around it; blank is None."""
    lines = as_text(wire).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    filled = [place for place, line in enumerate(lines) if line.strip()]
    if not filled:
        return None
    kept = "\n".join(lines[filled[0] : filled[-1] + 1])
    return refuse_controls(kept.rstrip())


def is_east_asian(text: str) -> bool:
    """Says whether a text has Chinese, Japanese or Korean signs."""
    return EAST_ASIAN.search(text) is not None


def as_text(wire: object) -> str:
    """Gives a text in NFC. Raises Refused for anything else."""
    if not isinstance(wire, str):
        raise Refused("text_expected")
    return unicodedata.normalize("NFC", wire)


def refuse_controls(text: str) -> str:
    """Refuses what databases and UTF-8 cannot hold: NUL and other controls, lone surrogates."""
    if text.isprintable():
        return text
    for character in text:
        if character in CONTROLS:
            continue
        if unicodedata.category(character) in {"Cc", "Cs"}:
            raise Refused("text_character", character=f"U+{ord(character):04X}")
    return text


def split_list(text: str) -> list[str]:
    """Gives the parts of a list as people write it, with any of the usual separators."""
    return [part.strip() for part in SEPARATORS.split(text) if part.strip()]


def folded(text: object) -> str | None:
    """Gives the companion that contains, starts with, ends with and sorting use."""
    return fold(text) if isinstance(text, str) else None
