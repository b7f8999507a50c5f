"""What it takes to leave an option of a choice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExitCriteria:
    """What a record needs before people move it on from an option.

    `requires` are fields to be filled, `when` a condition that must hold; `message` says what to
    do when it does not.
    """

    requires: tuple[str, ...] = ()
    when: str | None = None
    message: str | None = None
