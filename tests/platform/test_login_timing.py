"""SEC-20: logging in tells nobody whether there is such a user, neither by words nor by time."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from statistics import median

import pytest
from flask import Flask

from tests.platform.acting import acting
from tests.platform.world import PASSWORD, People
from trellis.app import create_app
from trellis.runtime import Platform
from trellis.security.users import set_active, set_password

IS_SOAK = bool(os.environ.get("TRELLIS_SOAK"))
TRIES = 200 if IS_SOAK else 5
# How far the medians of so many tries may be apart.
APART = 0.05 if IS_SOAK else 0.25


def spent(app: Flask, username: str) -> tuple[float, bytes]:
    """Gives the processor time that a wrong password takes, and the answer to it."""
    body = {"username": username, "password": "a wrong password", "provider": "db"}
    begun = time.thread_time()
    answer = app.test_client().post("/api/v1/security/login", json=body)
    assert answer.status_code == 401
    return time.thread_time() - begun, answer.get_data()


@pytest.mark.soak
def test_sec_20_unknown_and_locked_users_take_as_long(platform: Platform, people: People) -> None:
    with acting(platform, "admin") as unit:
        for name in ("rita", "fay"):  # tests have cheap hashes
            set_password(unit.connection, unit.catalog, people[name], PASSWORD)
        set_active(unit.connection, unit.catalog, people["fay"], active=False)
    app = create_app(replace(platform.settings, login_rate=0), platform=platform)
    names = ("rita", "nobody", "fay")
    for name in names:
        spent(app, name)
    found = [[spent(app, name) for name in names] for _ in range(TRIES)]
    app.extensions["trellis_fab_engine"].dispose()
    assert len({answer for row in found for _, answer in row}) == 1
    known, unknown, locked = (median(row[place][0] for row in found) for place in range(3))
    assert abs(unknown / known - 1) < APART, (known, unknown)
    assert abs(locked / known - 1) < APART, (known, locked)
