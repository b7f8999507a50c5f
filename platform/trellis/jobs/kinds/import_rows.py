"""The job of an import: dry run, run or undo."""

from __future__ import annotations

from trellis.declared import ANY_OBJECT, declares
from trellis.jobs.running import JobKind, RunningJob, Step
from trellis.phrases import Sentence
from trellis.transfer.import_steps import import_step
from trellis.transfer.imports import IMPORT, UNDO
from trellis.transfer.undo_steps import undo_step
from trellis.unit import Unit


@declares(ANY_OBJECT, "import")
class ImportRows(JobKind):
    """Does the steps of the phase that the import is in."""

    name = IMPORT
    title = Sentence("Import a file")
    crowds = True

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does the next step."""
        return undo_step(unit, job) if job.params["phase"] == UNDO else import_step(unit, job)


KIND = ImportRows()
