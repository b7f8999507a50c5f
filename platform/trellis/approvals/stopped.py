"""Telling that an approval does not go on by itself: what its time asks for cannot be done."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from metadata.problems import LANGUAGES, Problem, sentence
from trellis.automation import outbox
from trellis.automation.approval_store import Request, look_later
from trellis.automation.watch import administrators
from trellis.unit import Unit
from trellis.wording import STOPPED

logger = logging.getLogger(__name__)


def tell_stopped(
    unit: Unit, request: Request, users: Iterable[str], reasons: Sequence[Problem]
) -> None:
    """Tells users, and who administers, once for each state of a request why it does not go on."""
    codes = ", ".join(reason.code for reason in reasons)
    logger.info("approval request %s does not go on by itself: %s", request.id, codes)
    said = {
        language: " ".join(
            unit.catalog.message(sentence(reason, language), language) for reason in reasons
        )
        for language in LANGUAGES
    }
    values = {"approval": request.label, "request": request.id, "record": request.record_id}
    recipients = list(dict.fromkeys((*users, *administrators(unit))))
    outbox.add(
        unit.connection,
        "notify",
        {"recipients": recipients, "kind": STOPPED, "values": {**values, "reason": said}},
        f"approval/{request.id}/{request.revision}/stopped",
        object_name=request.object,
        record_id=request.record_id,
    )


def wait_for_rules(unit: Unit, request: Request) -> None:
    """Tells who submitted a request that its rules are gone, and has them looked for again."""
    reason = Problem("", "rules_outdated", {"name": request.label})
    tell_stopped(unit, request, [request.submitted_by], [reason])
    look_later(unit, request.id)
