"""What is shown of a value to somebody who may see it only in part."""

from __future__ import annotations

HIDDEN = "•••"


def mask(value: object, kind: str | None) -> str | None:
    """Gives a masked text; of values that are not text nothing is shown.

    `kind` is last4, first1, email or all. A text too short to be cut is masked whole.
    """
    if not isinstance(value, str) or not value:
        return None
    if kind == "last4" and len(value) > 4:
        return HIDDEN + value[-4:]
    if kind == "first1" and len(value) > 1:
        return value[0] + HIDDEN
    if kind == "email" and "@" in value[2:]:
        name, _, domain = value.rpartition("@")
        return f"{name[0]}{HIDDEN}@{domain}"
    return HIDDEN
