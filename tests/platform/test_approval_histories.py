"""Approvals in a real database agree with the paper on every history of deeds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from metadata.migrate import publish
from metadata.store import load_elements
from rule_engine.services.approval_state import ApprovalState, Place, Verdict
from tests.platform.acting import acting, make
from tests.platform.computed_world import rules
from tests.platform.world import PASSWORD
from tests.rule_engine.approval_model import PATH, PEOPLE, SUBMITTER, Comparison, Subject
from trellis.approvals import decide, keep_time, pending_for, recall, submit
from trellis.approvals.signers import add_signer, forward
from trellis.automation.requests import approval_approver, approval_request
from trellis.errors import RecordError
from trellis.records.absences import absences_of, end_absence, enter_absence
from trellis.records.save import save_record
from trellis.security.absences import absence
from trellis.security.users import create_user
from trellis.work import unit_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trellis.runtime import Platform
    from trellis.unit import Unit

START = datetime(2046, 3, 1, 8, tzinfo=UTC)


class Rows(Subject):
    """The use cases on a database; each comparison has a quote of its own."""

    admins = ("gus",)

    def __init__(self, platform: Platform, ids: Mapping[str, str]) -> None:
        self.platform, self.ids, self.now = platform, ids, START
        self.names = {key: name for name, key in ids.items()}
        account = make(platform, SUBMITTER, "account", name="Acme")
        values = {"name": "Q", "account": account, "amount": "800", "discount": "0.01"}
        self.quote = make(platform, SUBMITTER, "quote", **values)
        self.edits = 1
        self.request = ""

    def do(self, user: str, what: Callable[[Unit], object]) -> bool:
        try:
            with acting(self.platform, user) as unit:
                what(self.then(unit))
        except RecordError:
            return False
        return True

    def then(self, unit: Unit) -> Unit:
        return unit_for(self.platform, unit.connection, unit.catalog, unit.principal, self.now)

    def state(self) -> ApprovalState:
        chosen = sa.select(approval_request.c.state).where(approval_request.c.id == self.request)
        with self.platform.database.read() as connection:
            return ApprovalState.from_json(connection.execute(chosen).scalar_one())

    def submit(self) -> None:
        def start(unit: Unit) -> None:
            self.request = submit(unit, "quote", self.quote, "deal").id

        assert self.do(SUBMITTER, start)

    def decide(self, user: str, verdict: str, *, seen: int | None = None) -> bool:
        said = cast("Verdict", verdict)
        return self.do(
            user, lambda unit: decide(unit, self.request, said, "so", expected_revision=seen)
        )

    def add(self, user: str, other: str, place: str) -> bool:
        where = cast("Place", place)
        return self.do(user, lambda unit: add_signer(unit, self.request, other, where, "so"))

    def forward(self, user: str, other: str) -> bool:
        return self.do(user, lambda unit: forward(unit, self.request, other, "so"))

    def recall(self, user: str) -> bool:
        return self.do(user, lambda unit: recall(unit, self.request))

    def edit(self) -> None:
        self.edits += 1
        discount = f"0.{10 + self.edits}"
        values = {"discount": discount}
        assert self.do(
            SUBMITTER, lambda unit: save_record(unit, "quote", self.quote, values, channel="api")
        )

    def wait(self, length: timedelta) -> None:
        self.now += length
        assert self.do(SUBMITTER, lambda unit: keep_time(unit, self.request))

    def leave(self, user: str, substitute: str | None) -> None:
        last = (self.now + timedelta(days=365)).date()
        key = self.ids[user]
        assert self.do(
            user, lambda unit: enter_absence(unit, key, None, last, substitute=substitute)
        )

    def come_back(self, user: str) -> None:
        def end(unit: Unit) -> None:
            away = next(one for one in absences_of(unit) if one.user == self.ids[user])
            end_absence(unit, self.ids[user], away.id)

        assert self.do(user, end)

    def seen(self) -> tuple[str, str | None, list[str]]:
        state = self.state()
        asked = [self.names[key] for key in state.approvers]
        return state.status, state.step, [one for one in PEOPLE if one in asked]

    def inbox(self, user: str) -> bool:
        found: list[str] = []

        def look(unit: Unit) -> None:
            found.extend(one.request.id for one in pending_for(unit))

        assert self.do(user, look)
        return self.request in found

    def revision(self) -> int:
        return self.state().revision

    def close(self) -> None:
        with self.platform.database.write() as connection:
            connection.execute(sa.delete(absence))
            connection.execute(sa.update(approval_approver).values(open=False))


@pytest.mark.on("sqlite")
def test_rows_agree_with_the_paper(platform: Platform) -> None:
    ids = {}
    with platform.database.write(publishing=True) as connection:
        approval = rules('approval deal "Deal" on quote {' + PATH + "}")
        publish(connection, [*load_elements(connection), approval], by="test")
        catalog = platform.catalogs.current(connection)
        for name in PEOPLE:
            values = {"username": name, "name": name, "email": f"{name}@example.com"}
            roles = ["admin" if name in Rows.admins else "sales_director"]
            ids[name] = create_user(connection, catalog, values, password=PASSWORD, roles=roles)

    class RowsComparison(Comparison):
        def make_subject(self) -> Subject:
            return Rows(platform, ids)

    run_state_machine_as_test(
        RowsComparison,
        settings=settings(
            max_examples=8,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
