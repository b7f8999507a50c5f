"""Approvers who may log in no more: others are asked, whichever way they were shut out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, make, outbox_rows
from tests.platform.backing_up import cli
from tests.platform.world import People
from trellis.approvals import decide, pending_for, submit
from trellis.approvals.access import current_request
from trellis.automation.requests import approval_approver
from trellis.channels.in_app import notification
from trellis.departing.depart import depart
from trellis.jobs.running_loop import drain_jobs
from trellis.records.delete import delete_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.worker import make_dispatcher

Shut = Callable[[Platform, str], object]


@pytest.fixture
def quotes(platform: Platform, people: People) -> list[str]:
    """Two quotes of Rita's that wait for Mark, and then for Diana."""
    account = make(platform, "rita", "account", name="Acme")
    values = {"account": account, "amount": "800", "discount": "0.25"}
    found = [make(platform, "rita", "quote", name=f"Q{n}", **values) for n in (1, 2)]
    for quote in found:
        with acting(platform, "rita") as unit:
            assert submit(unit, "quote", quote).state.approvers == (people["mark"],)
    make_dispatcher(platform).drain()
    return found


def asked(platform: Platform, people: People) -> list[str]:
    """Gives who is asked now, once for each request."""
    names = {key: name for name, key in people.ids.items()}
    with platform.database.read() as connection:
        query = sa.select(approval_approver.c.user).where(approval_approver.c.open)
        return sorted(names[key] for key in connection.scalars(query))


def lock(platform: Platform, user_id: str) -> None:
    with acting(platform, "admin") as unit:
        save_record(unit, "user", user_id, {"active": False}, channel="api")


def delete(platform: Platform, user_id: str) -> None:
    with acting(platform, "admin") as unit:
        delete_record(unit, "user", user_id, channel="api")


def lock_by_command(platform: Platform, user_id: str) -> None:
    assert cli(platform.settings, "user", "lock", "mark").returncode == 0


@pytest.mark.parametrize("shut", [lock, lock_by_command, delete])
def test_others_are_asked_for_who_was_shut_out(
    platform: Platform, people: People, quotes: list[str], shut: Shut
) -> None:
    shut(platform, people["mark"])
    assert asked(platform, people) == ["mark", "mark"]
    make_dispatcher(platform).drain()
    assert asked(platform, people) == ["diana", "diana"]
    with platform.database.read() as connection:
        query = sa.select(notification.c.user_id).where(notification.c.kind == "approval_waiting")
        told = list(connection.scalars(query))
    assert told.count(people["diana"]) == 2
    for quote in quotes:
        with acting(platform, "diana") as unit:
            decide(unit, current_request(unit, "quote", quote), "approve")


def test_a_request_that_cannot_go_on_keeps_no_other(
    platform: Platform, people: People, quotes: list[str]
) -> None:
    """One quote is deleted meanwhile: its request asks nobody."""
    with acting(platform, "admin") as unit:
        delete_record(unit.as_automation(), "quote", quotes[0], channel="system")
    lock(platform, people["mark"])
    make_dispatcher(platform).drain()
    assert asked(platform, people) == ["diana", "mark"]
    assert {row["state"] for row in outbox_rows(platform)} == {"done"}


def test_whoever_is_let_in_again_at_once_stays_asked(
    platform: Platform, people: People, quotes: list[str]
) -> None:
    lock(platform, people["mark"])
    with acting(platform, "admin") as unit:
        save_record(unit, "user", people["mark"], {"active": True}, channel="api")
    make_dispatcher(platform).drain()
    assert asked(platform, people) == ["mark", "mark"]
    with acting(platform, "mark") as unit:
        assert len(pending_for(unit)) == 2


def test_a_departure_says_itself_who_is_asked(
    platform: Platform, people: People, quotes: list[str]
) -> None:
    with acting(platform, "admin") as unit:
        depart(unit, people["mark"], "user", "fay", channel="api")
    make_dispatcher(platform).drain()
    assert asked(platform, people) == ["mark", "mark"]
    drain_jobs(platform)
    assert asked(platform, people) == ["fay", "fay"]
