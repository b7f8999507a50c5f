"""Where a login may lead: only to paths of our own."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

HOME = "/"


def safe_path(target: str | None) -> str:
    """Gives `target` when it is a path of this site, else the home page.

    Browsers read backslashes as slashes and drop control characters, so both are refused.
    """
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return HOME
    if any(unicodedata.category(character)[0] == "C" for character in target):
        return HOME
    try:
        parts = urlsplit(target)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else target
