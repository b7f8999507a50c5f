"""What a caller sees when something goes wrong: a page or problem JSON, never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import psycopg
import sqlalchemy as sa
from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateNotFound
from markupsafe import escape
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from metadata.locks import Busy
from metadata.problems import Problem, sentence
from trellis.current import language
from trellis.problem_json import RETRY_AFTER_SECONDS, problem_answer, status_problem

logger = logging.getLogger(__name__)

PROGRAMS: Final = ("/api/", "/hooks/")
"""How addresses begin that people never open."""


def install_faults(app: Flask) -> None:
    """Has every error answered in the form that the caller understands."""
    app.register_error_handler(HTTPException, answer_refusal)
    app.register_error_handler(Busy, answer_busy)
    app.register_error_handler(sa.exc.DatabaseError, answer_away)
    app.register_error_handler(Exception, answer_crash)


def answer_refusal(error: HTTPException) -> BaseResponse:
    """Answers an error that has a status of its own; redirects stay redirects."""
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error.get_response()
    is_forged = isinstance(error, CSRFError)
    said = Problem("", "csrf_refused") if is_forged else status_problem(HTTPStatus(code))
    return answer(error, [said])


def answer_busy(error: Busy) -> BaseResponse:
    """Answers that others are in the way, and when to ask again."""
    return answer(ServiceUnavailable(retry_after=RETRY_AFTER_SECONDS), error.problems)


def answer_away(error: sa.exc.DatabaseError) -> BaseResponse:
    """Answers that the database is away, and when to ask again; all else of a database is a
    crash."""
    if not is_away(error):
        return answer_crash(error)
    logger.error("the database does not answer: %s", type(error.orig).__name__)
    away = ServiceUnavailable(retry_after=RETRY_AFTER_SECONDS)
    return answer(away, [Problem("", "database_away")], is_bare=True)


def is_away(error: sa.exc.DatabaseError) -> bool:
    """Says whether the server is not there, or ended the connection; it gives no code then, or
    one of shutting down (PostgreSQL's classes 08 and 57P)."""
    if error.connection_invalidated:
        return True
    if not isinstance(error.orig, psycopg.OperationalError):
        return False
    code = error.orig.sqlstate
    return code is None or code.startswith(("08", "57P"))


def answer_crash(error: Exception) -> BaseResponse:
    """Logs what nobody expected, and says only that it happened."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer_refusal(InternalServerError())


def answer(
    error: HTTPException, problems: Sequence[Problem], *, is_bare: bool = False
) -> BaseResponse:
    """Gives problem JSON to programs, a page to people, with the headers that the error asks for.

    A bare page needs no database.
    """
    status = HTTPStatus(error.code or 500)
    if request.path.startswith(PROGRAMS):
        response: BaseResponse = problem_answer(status, problems)
    else:
        detail = ". ".join(sentence(problem, language()) for problem in problems)
        text = bare_page(status, detail) if is_bare else page(status, detail)
        response = Response(text, status, content_type="text/html; charset=utf-8")
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def page(code: int, detail: str) -> str:
    """Renders the error page; plain words if even that fails."""
    try:
        return render_template("error.html", code=code, detail=detail)
    except TemplateNotFound:
        raise
    except Exception:
        logger.exception("the error page failed")
        return bare_page(code, detail)


def bare_page(code: int, detail: str) -> str:
    """Gives a page without anything around it."""
    title = f"<!doctype html><meta charset=utf-8><title>{code:d}</title><h1>{code:d}</h1>"
    return f"{title}<p>{escape(detail)}</p>"
