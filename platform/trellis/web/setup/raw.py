"""An object's document as JSON: the way for what has no control."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from metadata.json_text import read_json
from metadata.problems import Problem
from trellis.declared import declares
from trellis.designer.drafts import digest_of, expect, find_drafted, put_element
from trellis.errors import Conflict, Refused
from trellis.web.doors import make_blueprint, words
from trellis.web.setup.controls import dump
from trellis.web.setup.documents import ObjectDraft, changes
from trellis.web.words import gettext
from trellis.work import reading, writing_now

blueprint = make_blueprint("setup_raw", "/setup/objects")


@dataclass(frozen=True, slots=True)
class RawPage:
    """What the page shows: the document as typed, and what is wrong with it by place.

    `seen` stands for the document that the author began with.
    """

    draft: ObjectDraft
    text: str
    seen: str
    changes: int
    problems: tuple[tuple[str, str], ...] = ()


@blueprint.get("/<name>/json")
@declares("", "administer")
def show(name: str) -> str:
    """Shows an object's document."""
    draft = ObjectDraft(reading(), name)
    return page_of(draft, dump(draft.body), digest_of(draft.body))


@blueprint.post("/<name>/json")
@declares("", "administer")
def save(name: str) -> Response | tuple[str, int]:
    """Keeps a document in the draft, when it is still the one its author has seen."""
    typed = request.form.get("text", "").replace("\r\n", "\n")
    seen = request.form.get("seen", "")
    try:
        body = read_object(typed)
        with writing_now() as unit:
            expect(find_drafted(unit, "object", name), seen or None)
            put_element(unit, "object", name, body)
    except (Refused, Conflict) as error:
        draft = ObjectDraft(reading(), name)
        return page_of(draft, typed, seen, tuple(map(told, error.problems))), 422
    flash(gettext("Saved in your draft"), "success")
    return redirect(f"/setup/objects/{name}/json")


def read_object(typed: str) -> dict[str, object]:
    """Gives the JSON object that was typed. Raises Refused for anything else."""
    body, problems = read_json(typed)
    if not isinstance(body, dict):
        raise Refused(problems or [Problem("", "wrong_shape", {"expected": ["object"]})])
    return body


def page_of(
    draft: ObjectDraft, typed: str, seen: str, problems: tuple[tuple[str, str], ...] = ()
) -> str:
    """Gives the page."""
    page = RawPage(draft, typed, seen, changes(reading()), problems)
    return render_template("setup/object_json.html", page=page)


def told(problem: Problem) -> tuple[str, str]:
    """Gives the place of a problem, and what it is."""
    line = "" if problem.line is None else gettext("line %(line)s", line=problem.line)
    return problem.path or line, words(problem)
