"""JSON as it comes from people: strict reading, pointers, and taking values apart by type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice

from metadata.problems import Problem

MAX_NESTING = 60
MAX_FLAWS = 100
NUL = "\0"
SIGNS_OF_HALVES = (b"\\u", b"\xed", b"\0")


def mapping(value: object) -> Mapping[str, object]:
    """Gives a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """Gives a JSON array as it is, and anything else as an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def strings(value: object) -> tuple[str, ...]:
    """Gives the texts of a JSON array."""
    return tuple(item for item in sequence(value) if isinstance(item, str))


def text(value: object) -> str | None:
    """Gives a JSON text as it is, and anything else as None."""
    return value if isinstance(value, str) else None


def pointer(parts: Iterable[object]) -> str:
    """Gives a JSON Pointer (RFC 6901); "" is the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Gives the known name that was probably meant."""
    return next(iter(get_close_matches(name, list(known), 1, 0.6)), None)


class Pairs(dict[str, object]):
    """A JSON object that remembers which keys stood in it twice."""

    twice: tuple[str, ...] = ()


def read_json(
    source: str | bytes, *, exact: bool = False, most_keys: int | None = None
) -> tuple[object, list[Problem]]:
    """Reads one JSON document; `exact` gives numbers with a point as Decimal, as records need them.

    Unreadable text, halves of letters, a key that stands twice, NaN, nesting past 60 levels and an
    object with more than `most_keys` keys are problems, the first hundred of which are told, and
    then the document is None.
    """
    read_float = Decimal if exact else float
    try:
        document = json.loads(
            source,
            object_pairs_hook=pairs,
            parse_constant=refuse_constant,
            parse_float=read_float,
        )
    except json.JSONDecodeError as error:
        values = {"detail": error.msg}
        return None, [Problem("", "json_syntax", values, error.lineno, error.colno)]
    except UnicodeDecodeError:
        return None, [Problem("", "json_encoding")]
    except ValueError as error:  # Python's own limit on the digits of an integer
        return None, [Problem("", "json_syntax", {"detail": str(error).partition(";")[0]})]
    except RecursionError:
        return None, [Problem("", "json_depth", {"limit": MAX_NESTING})]
    problems = [*islice(flaws(document, (), most_keys), MAX_FLAWS)]
    shown = [one.path for one in problems] if problems else document
    if may_hold_halves(source) and not is_text(shown):
        problems = [Problem("", "json_encoding")]
    return (None, problems) if problems else (document, [])


def may_hold_halves(source: str | bytes) -> bool:
    """Says whether a document may name halves of letters (surrogates): Python's reading lets them
    through as escapes, in UTF-8 of a kind, and in the encodings of two and four bytes a letter."""
    if isinstance(source, str):
        return "\\u" in source or not source.isascii()
    return any(sign in source for sign in SIGNS_OF_HALVES)


def is_text(document: object) -> bool:
    """Says whether all texts of a document are Unicode, which can be written in UTF-8."""
    try:
        json.dumps(document, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_constant(name: str) -> object:
    """Refuses NaN and Infinity, which JSON does not have."""
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def pairs(items: list[tuple[str, object]]) -> Pairs:
    """Makes a JSON object of its pairs and notes repeated keys."""
    made = Pairs(items)
    if len(made) != len(items):
        counts = Counter(key for key, _ in items)
        made.twice = tuple(key for key, count in counts.items() if count > 1)
    return made


CONTAINERS = (Pairs, list)


def flaws(document: object, place: tuple[object, ...], most_keys: int | None) -> Iterable[Problem]:
    """Gives a problem for each repeated key, for nesting that is too deep, and for each object with
    too many keys, below which nobody looks."""
    items: Iterable[tuple[object, object]]
    if isinstance(document, Pairs):
        for one in document.twice:
            yield Problem(pointer((*place, one)), "duplicate_key", {"key": one})
        if most_keys is not None and len(document) > most_keys:
            yield Problem(pointer(place), "json_keys", {"limit": most_keys})
            return
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    else:
        return
    for key, item in items:
        if len(place) >= MAX_NESTING:
            yield Problem(pointer((*place, key)), "json_depth", {"limit": MAX_NESTING})
        elif isinstance(item, CONTAINERS):
            yield from flaws(item, (*place, key), most_keys)


def nul_flaws(document: object, place: tuple[object, ...] = ()) -> Iterator[Problem]:
    """Gives a problem for each text and key with U+0000, which PostgreSQL cannot hold."""
    if isinstance(document, str) and NUL in document:
        yield Problem(pointer(place), "nul_character")
    elif isinstance(document, Mapping):
        for key, item in document.items():
            yield from nul_flaws(key, (*place, key))
            yield from nul_flaws(item, (*place, key))
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from nul_flaws(item, (*place, index))
