"""Tokens whose signature was checked: remembered until they expire, by what they hash to.

What a token says is not remembered as true: account and password stamp are looked at each time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Final

MAX_TOKENS: Final = 5_000

Claims = Mapping[str, object]


class CheckedTokens:
    """The claims of tokens by the header that brought them. Safe for threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[float, Claims]] = OrderedDict()
        self._lock = Lock()

    def claims(self, header: str) -> Claims | None:
        """Gives what a token that was checked before says; None for others and expired ones."""
        key = digest(header)
        with self._lock:
            expires, claims = self._known.get(key, (0.0, None))
            if claims is None or expires <= time.time():
                self._known.pop(key, None)
                return None
            self._known.move_to_end(key)
            return claims

    def keep(self, header: str, claims: Claims) -> None:
        """Remembers a token that was checked, if it expires at all."""
        expires = claims.get("exp")
        if not isinstance(expires, int | float):
            return
        with self._lock:
            self._known[digest(header)] = float(expires), claims
            while len(self._known) > MAX_TOKENS:
                self._known.popitem(last=False)


def digest(header: str) -> bytes:
    """Gives what a header is known by: the token itself is not kept."""
    return sha256(header.encode()).digest()
