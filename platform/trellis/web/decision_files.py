"""Files that come with the form of a decision: stored first, so that a refused one keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from metadata.fields.files import FileFacts, FileLimits
from metadata.problems import Problem
from trellis import current
from trellis.approvals.files import MAX_FILES, TOO_MANY
from trellis.errors import Refused
from trellis.files.access import may_have, rows_of
from trellis.files.tables import facts_of
from trellis.files.uploads import Purpose, Stored, register, take_in
from trellis.work import reading, writing_now

UPLOADS, KNOWN = "files", "file"


@dataclass(frozen=True, slots=True)
class SentFiles:
    """The ids of what a form brought, now or before, and what was wrong with some of it."""

    ids: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def demand(self) -> None:
        """Raises Refused when something was wrong."""
        if self.problems:
            raise Refused(self.problems)

    def facts(self) -> tuple[FileFacts, ...]:
        """Gives what is known of the files, as far as the reader may have them."""
        unit = reading()
        rows = rows_of(unit, self.ids)
        there = (rows[one] for one in self.ids if one in rows)
        return tuple(facts_of(row) for row in there if may_have(unit, row))


def bring_files() -> SentFiles:
    """Stores the files of the form that was sent.

    Call it before anything reads: the request reads what it has written afterwards.
    """
    ids = list(dict.fromkeys(request.form.getlist(KNOWN)))
    uploads = [one for one in request.files.getlist(UPLOADS) if one.filename]
    if len(ids) + len(uploads) > MAX_FILES:
        return SentFiles(tuple(ids[:MAX_FILES]), (TOO_MANY,))
    here = current.platform()
    purpose = Purpose(FileLimits(here.settings.max_upload_bytes), path="/files")
    stored: list[Stored] = []
    problems: list[Problem] = []
    for one in uploads:
        try:
            stored.append(take_in(here.blobs, one.stream, one.filename, purpose))
        except Refused as error:
            problems.extend(error.problems)
    if stored:
        with writing_now() as unit:
            for content in stored:
                by, at = unit.principal.name, unit.moment.now
                ids.append(register(unit.connection, content, by=by, at=at).id)
    return SentFiles(tuple(ids), tuple(problems))
