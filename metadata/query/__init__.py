"""Queries on records. `Records` is the only place that selects them, and it demands a principal."""

from metadata.query.answers import (
    Missing,
    Moment,
    Page,
    QueryProblem,
    Target,
    This,
    UnknownObject,
)
from metadata.query.records import Records

__all__ = [
    "Missing",
    "Moment",
    "Page",
    "QueryProblem",
    "Records",
    "Target",
    "This",
    "UnknownObject",
]
