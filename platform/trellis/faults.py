"""What a caller sees when something goes wrong: a page or problem JSON, never a stack trace."""

from __future__ import annotations

import logging

from flask import Flask, Response, render_template, request
from flask_babel import gettext
from jinja2 import TemplateNotFound
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from metadata.locks import Busy
from metadata.problems import sentence
from trellis.current import language
from trellis.security.api import problem_response

logger = logging.getLogger(__name__)

API = "/api/"
RETRY_AFTER_SECONDS = 5


def install_faults(app: Flask) -> None:
    """Has every error answered in the form that the caller understands."""
    app.register_error_handler(HTTPException, answer_refusal)
    app.register_error_handler(Busy, answer_busy)
    app.register_error_handler(Exception, answer_crash)


def answer_refusal(error: HTTPException) -> BaseResponse:
    """Answers an error that has a status of its own; redirects stay redirects."""
    code = error.code or 500
    if code < 400 or error.response is not None:
        return error.get_response()
    return answer(code, str(error.description or error.name), error)


def answer_busy(error: Busy) -> BaseResponse:
    """Answers that others are in the way, and when to ask again."""
    said = ". ".join(sentence(problem, language()) for problem in error.problems)
    return answer(503, said, ServiceUnavailable(retry_after=RETRY_AFTER_SECONDS))


def answer_crash(error: Exception) -> BaseResponse:
    """Logs what nobody expected, and says only that it happened."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    detail = gettext("Something went wrong on our side. It has been written to the log.")
    return answer(500, detail, InternalServerError())


def answer(code: int, detail: str, error: HTTPException) -> BaseResponse:
    """Gives problem JSON below /api, a page elsewhere, with the headers that the error asks for."""
    if request.path.startswith(API):
        response: BaseResponse = problem_response(code, detail)
    else:
        response = Response(
            page(code, detail, error), code, content_type="text/html; charset=utf-8"
        )
    for name, value in error.get_headers(request.environ):
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def page(code: int, detail: str, error: HTTPException) -> str:
    """Renders the error page; plain words if even that fails."""
    try:
        return render_template("error.html", code=code, name=error.name, detail=detail)
    except TemplateNotFound:
        raise
    except Exception:
        logger.exception("the error page failed")
        return f"<!doctype html><title>{code}</title><h1>{code} {error.name}</h1>"
