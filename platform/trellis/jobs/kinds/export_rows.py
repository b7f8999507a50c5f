"""The job of an export."""

from __future__ import annotations

from trellis.declared import ANY_OBJECT, declares
from trellis.jobs.running import JobKind, RunningJob, Step
from trellis.phrases import Sentence
from trellis.transfer.export_steps import export_step
from trellis.transfer.exports import EXPORT
from trellis.unit import Unit


@declares(ANY_OBJECT, "export")
class ExportRows(JobKind):
    """Collects records and makes a file of them."""

    name = EXPORT
    title = Sentence("Export records")

    def step(self, unit: Unit, job: RunningJob) -> Step:
        """Does the next step."""
        return export_step(unit, job)


KIND = ExportRows()
