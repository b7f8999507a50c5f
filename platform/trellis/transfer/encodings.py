"""Finding out how the text of a file is encoded: marks first, then what makes sense."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from typing import Final

from charset_normalizer import from_bytes

ENCODINGS: Final = ("utf-8", "utf-16", "gb18030", "big5", "shift_jis", "windows-1252")
"""What files may be encoded in, by the names people choose from."""

CODECS: Final[Mapping[str, str]] = {"utf-8": "utf-8-sig", "shift_jis": "cp932", "big5": "cp950"}
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
BARE_UTF16: Final = ("utf-16-le", "utf-16-be")
NULS: Final = 0.2
"""A text of which so many bytes are zero is UTF-16 without a mark."""
MAX_CUT: Final = 4
"""So many bytes at the end of a sample may be half a character."""
PLAUSIBLE: Final = 0.6


def codec_of(encoding: str, head: bytes) -> str:
    """Gives Python's name of the codec that reads a file of this encoding."""
    if encoding == "utf-16" and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le"
    return CODECS.get(encoding, encoding)


def detect_encoding(head: bytes) -> str:
    """Gives the encoding that makes most sense of the beginning of a file."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    if head and head.count(0) / len(head) > NULS:
        return "utf-16"
    if decoded(head, "utf-8") is not None:
        return "utf-8"
    best = max(SENSE, key=lambda encoding: sense_of(head, encoding))
    return best if sense_of(head, best) >= PLAUSIBLE else guessed(head)


def guessed(head: bytes) -> str:
    """Gives what the statistics of charset-normalizer prefer among our encodings."""
    names = {codecs.lookup(CODECS.get(one, one)).name: one for one in SENSE}
    best = from_bytes(head, cp_isolation=list(names)).best()
    found = None if best is None else names.get(codecs.lookup(best.encoding).name)
    return found or "windows-1252"


def decoded(head: bytes, encoding: str) -> str | None:
    """Gives the text; None for what is not of this encoding."""
    codec = codec_of(encoding, head)
    for cut in range(MAX_CUT):
        try:
            return head[: len(head) - cut].decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 2 * MAX_CUT:
                return None
    return None


def sense_of(head: bytes, encoding: str) -> float:
    """Says how much of what is not ASCII would be common characters in their places."""
    text = decoded(head, encoding)
    if text is None:
        return 0.0
    unusual = [place for place, character in enumerate(text) if character > "\x7f"]
    if not unusual:
        return 1.0
    is_common = SENSE[encoding]
    return sum(is_common(text, place) for place in unusual) / len(unusual)


def in_rows(codec: str, first: int, last: int) -> Callable[[str, int], bool]:
    """Gives a test of whether a character stands in the common rows of a two-byte code."""

    def test(text: str, place: int) -> bool:
        try:
            code = text[place].encode(codec)
        except UnicodeEncodeError:
            return False
        return len(code) == 2 and first <= code[0] <= last

    return test


def is_japanese(text: str, place: int) -> bool:
    """Says whether a character is a syllable or one of the common Japanese signs."""
    return "\u3040" <= text[place] <= "\u30ff" or in_rows("cp932", 0x81, 0x97)(text, place)


def is_western(text: str, place: int) -> bool:
    """Says whether a character is a letter beside a plain one, or a sign between plain ones."""
    beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return any(one < "\x80" for one in beside) and text[place] not in "\x81\x8d\x8f\x90\x9d"


# Simplified characters by frequency are in the rows B0–D7, traditional ones in A4–C6.
SENSE: Final[Mapping[str, Callable[[str, int], bool]]] = {
    "gb18030": in_rows("gb2312", 0xA1, 0xD7),
    "big5": in_rows("cp950", 0xA1, 0xC6),
    "shift_jis": is_japanese,
    "windows-1252": is_western,
}
