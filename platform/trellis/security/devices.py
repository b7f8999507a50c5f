"""Where somebody is logged in, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import session
from flask_babel import gettext

from trellis import current
from trellis.security.open_sessions import OpenSession, find_session, list_sessions
from trellis.security.sessions import KEY

# What browsers and systems call themselves; of several in one text the first here counts.
BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("MicroMessenger", "WeChat"), ("Firefox", "Firefox"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """A session as its owner sees it."""

    session: OpenSession
    is_here: bool

    @property
    def name(self) -> str:
        """Gives browser and system, as far as they are known."""
        agent = self.session.agent
        browser = next((name for needle, name in BROWSERS if needle in agent), "")
        system = next((name for needle, name in SYSTEMS if needle in agent), "")
        return " · ".join(filter(None, (browser, system))) or gettext("Unknown browser")


def devices(account_id: int) -> list[Device]:
    """Gives where somebody is logged in; the session at hand comes first."""
    connection = current.connection()
    here = find_session(connection, str(session.get(KEY, "")))
    mine = [
        Device(one, here is not None and one.id == here.id)
        for one in list_sessions(connection, account_id)
    ]
    return sorted(mine, key=lambda device: not device.is_here)
