"""One platform on which everything is done that the audit tells of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tests.platform.acting import make
from tests.platform.test_cli import run as trellis
from tests.platform.world import PASSWORD, People, csrf_token
from trellis.runtime import Platform

LEAD = {"name": "Li Na", "email": "li@acme.cn", "lead_source": "web"}
LOGIN = {"username": "rita", "password": PASSWORD, "provider": "db"}
SECRET = "whsec_YSBzZWNyZXQgdGhhdCBpcyAzMiBieXRlcyBsb25nISE="


@dataclass(frozen=True)
class World:
    """One platform for all kinds; `folder` is a place for files."""

    platform: Platform
    people: People
    app: Flask
    folder: Path

    def anybody(self) -> FlaskClient:
        """Gives a client that has not logged in."""
        return self.app.test_client()

    def client(self, username: str) -> FlaskClient:
        """Gives a client logged in by the page."""
        client = self.anybody()
        form = {"username": username, "password": PASSWORD, "csrf_token": csrf_token(client)}
        assert client.post("/login", data=form).status_code == 302
        client.environ_base["HTTP_X_CSRFTOKEN"] = csrf_token(client)
        return client

    def cli(self, *arguments: str) -> None:
        """Runs `trellis` on the platform."""
        settings = self.platform.settings
        done = trellis(
            *arguments,
            TRELLIS_INSTANCE=str(settings.instance),
            TRELLIS_DATABASE_URL=settings.database_url,
            TRELLIS_SECRET_KEY=settings.secret_key,
            TRELLIS_ENCRYPTION_KEYS=settings.encryption_keys[0],
        )
        assert done.returncode == 0, done

    def lead(self) -> str:
        return make(self.platform, "rita", "lead", **LEAD)

    def webhook(self) -> str:
        values = {"title": "W", "url": "https://acme.example/hook", "object": "contact"}
        values |= {"acts_as": self.people["rita"], "secret": SECRET}
        return make(self.platform, "admin", "webhook", **values, events=["create"])
