"""Reading requests: bodies, parameters, versions. What cannot be read raises RequestError."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice

from flask import abort, request

from metadata.json_text import NUL, nearest, nul_flaws, pointer, read_json
from metadata.problems import Problem
from metadata.query import QueryProblem, UnknownObject
from trellis.api.problems import RequestError

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_BULK_BYTES = 16 * 1024 * 1024
MAX_OPERATIONS = 1_000
MAX_KEYS = 1_000

# As JSON writes U+0000, and as a body of two or four bytes a letter does.
SIGNS_OF_NUL = (b"\\u0000", b"\0")

ETAG = re.compile(r'"([^":]+):(\d{1,18})"', re.ASCII)

Check = Callable[[Mapping[str, object]], Iterable[Problem]]

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


def read_body(*, exact: bool = False, optional: bool = False) -> Mapping[str, object]:
    """Gives the JSON object of the body; `exact` gives numbers with a point as Decimal, `optional`
    an empty object for no body at all."""
    if optional and not has_body():
        return {}
    document = read_document(exact=exact)
    if not isinstance(document, Mapping):
        raise RequestError(UNPROCESSABLE, [Problem("", "object_expected")])
    return document


def has_body() -> bool:
    """Says whether a body was sent, also in pieces: nobody tells its length beforehand then."""
    # A form has been read already where its token against forged requests was looked for.
    known = request.content_length or request.get_data() or request.form or request.files
    return bool(known)


def read_document(*, exact: bool = False, by_part: bool = False) -> object:
    """Gives the JSON document of the body, whatever it is.

    Texts that no database holds are 422; `by_part` leaves it to the caller to ask for `nul_flaws`
    of each part.
    """
    declared = request.mimetype
    if declared != "application/json" and not declared.endswith("+json"):
        problem = Problem("", "media_type", {"type": declared})
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, [problem])
    source = request.get_data()
    document, problems = read_json(source, exact=exact, most_keys=MAX_KEYS)
    if problems:
        raise RequestError(HTTPStatus.BAD_REQUEST, problems)
    if not by_part and any(sign in source for sign in SIGNS_OF_NUL):
        problems = list(islice(nul_flaws(document), MAX_KEYS))
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    return document


def read_optional_body(known: Collection[str], check: Check | None = None) -> Mapping[str, object]:
    """Gives the JSON object of the body, an empty one for none.

    Other keys than `known` are 422, and so is what `check` finds wrong with the values.
    """
    body = read_body(optional=True)
    problems = [
        unknown(pointer((name,)), "unknown_key", name, known) for name in body if name not in known
    ]
    problems += check(body) if check is not None else ()
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    return body


def read_parameters(known: Collection[str]) -> Mapping[str, str]:
    """Gives the query parameters; others than `known`, and repeated ones, are 422."""
    given, problems = find_parameters(known)
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    return given


def find_parameters(known: Collection[str]) -> tuple[Mapping[str, str], list[Problem]]:
    """Gives the query parameters and what is wrong with their names, for `told_with`."""
    if not request.query_string:
        return {}, []
    given = request.args
    problems = [
        unknown(name, "unknown_parameter", name, known) for name in given if name not in known
    ]
    problems += [
        Problem(name, "repeated_parameter", {"name": name})
        for name, values in given.lists()
        if name in known and len(values) > 1
    ]
    return given, problems


@contextmanager
def told_with(problems: Sequence[Problem]) -> Iterator[None]:
    """Tells what is wrong with a request together with what a query finds wrong with it, or 422
    when it finds nothing."""
    try:
        yield
    except UnknownObject:
        raise
    except QueryProblem as error:
        raise RequestError(UNPROCESSABLE, [*problems, *error.problems]) from error
    if problems:
        raise RequestError(UNPROCESSABLE, problems)


def refuse_nul() -> None:
    """Refuses an address with U+0000, which no database holds: 404 in its path, 422 in its query.

    Raises RequestError for the query.
    """
    if any(NUL in str(part) for part in (request.view_args or {}).values()):
        abort(HTTPStatus.NOT_FOUND)
    problems = [
        Problem(name.replace(NUL, ""), "nul_character")
        for name, values in request.args.lists()
        if NUL in "".join((name, *values))
    ]
    if problems:
        raise RequestError(UNPROCESSABLE, problems)


def unknown(path: str, code: str, name: str, known: Collection[str]) -> Problem:
    """Gives the problem of a name nobody knows, with the nearest known one."""
    values = {"name": name, "key": name, "known": sorted(known), "nearest": nearest(name, known)}
    return Problem(path, code, values)


def read_number(name: str, text: str) -> int:
    """Gives a parameter that is a whole number."""
    problems: list[Problem] = []
    number = find_number(name, text, problems)
    if problems:
        raise RequestError(UNPROCESSABLE, problems)
    return number


def find_number(name: str, text: str, problems: list[Problem]) -> int:
    """Gives a parameter that is a whole number; 1 for another, which becomes a problem."""
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return int(text)
    problems.append(Problem(name, "whole_number", {"value": text[:40]}))
    return 1


def read_list(text: str | None) -> list[str]:
    """Gives the parts of a comma-separated parameter."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def etag(record_id: str, version: int) -> str:
    """Gives the header that says which state of a record is meant."""
    return f'"{record_id}:{version}"'


def read_version(record_id: str) -> int | None:
    """Gives the version of `If-Match`; None for `*`, which means whatever is there.

    Without the header 428. A tag of another record never matches: version 0.
    """
    if request.headers.get("If-Match") is None:
        raise RequestError(HTTPStatus.PRECONDITION_REQUIRED, [Problem("", "if_match_missing")])
    return read_optional_version(record_id)


def read_optional_version(record_id: str) -> int | None:
    """Gives the version of `If-Match`; None where there is no such header, too."""
    header = request.headers.get("If-Match", "*")
    if header.strip() == "*":
        return None
    tags = ETAG.findall(header)
    return max((int(version) for tagged, version in tags if tagged == record_id), default=0)
