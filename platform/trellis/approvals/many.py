"""Deciding on many requests with one click: each for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from rule_engine.services.approval_state import Verdict
from trellis import approvals
from trellis.automation.approval_store import Request
from trellis.errors import RecordError
from trellis.unit import Unit

MAX_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to decide on; with the `revision` that was seen, only while it has that."""

    id: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one: the request as it stands then, or why nothing happened to it."""

    id: str
    request: Request | None
    error: RecordError | None = None


def decide_each(
    begin: Callable[[], AbstractContextManager[Unit]],
    asked: Sequence[Asked],
    verdict: Verdict,
    comment: str = "",
) -> list[Told]:
    """Approves or rejects some requests, each in a transaction of its own that `begin` opens.

    What cannot be done to one keeps no other. Each request counts once, however often it is named.
    """
    told = []
    for one in {one.id: one for one in asked}.values():
        try:
            with begin() as unit:
                done = approvals.decide(
                    unit, one.id, verdict, comment, expected_revision=one.revision
                )
        except RecordError as error:
            told.append(Told(one.id, None, error))
        else:
            told.append(Told(one.id, done))
    return told
