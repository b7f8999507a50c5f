"""Kinds of jobs, an open family: each module in this folder holds one `KIND`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from metadata.kinds import load_kinds
from trellis.jobs.running import JobKind


@cache
def job_kinds() -> Mapping[str, JobKind]:
    """Gives every kind of job by its name: this folder's and those that distributions add."""
    return load_kinds(
        __name__,
        JobKind,  # type: ignore[type-abstract]  # only asked whether members are instances
        "KIND",
        "trellis.jobs",
    )
