"""The people of the platform's tests, and how a test speaks to the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from flask import session as current_session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf

from trellis.db import Database

PASSWORD = "correct horse battery"

# user name → (role, manager, region)
PEOPLE = {
    "diana": ("sales_director", None, "EMEA"),
    "mark": ("sales_manager", "diana", "EMEA"),
    "rita": ("sales_rep", "mark", "EMEA"),
    "ron": ("sales_rep", "mark", "APAC"),
    "fay": ("finance", None, None),
}


Login = Callable[[str], FlaskClient]
Bearer = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class People:
    """Ids of users by user name."""

    ids: dict[str, str]

    def __getitem__(self, username: str) -> str:
        return self.ids[username]


class BreakOffError(Exception):
    """What a test raises to break a transaction off."""


def write_and_break_off(database: Database, work: Callable[[sa.Connection], object]) -> None:
    """Does work in a transaction that never commits; raises BreakOffError."""
    with database.write() as connection:
        work(connection)
        raise BreakOffError


def csrf_token(client: FlaskClient) -> str:
    """Gives the token of a client's session, which gets one when it has none."""
    with client.application.test_request_context(), client.session_transaction() as session:
        current_session.update(session)
        token: str = generate_csrf()
        session.update(current_session)
    return token
