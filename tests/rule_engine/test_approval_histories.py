"""The engine's approvals agree with the paper on every history of deeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from hypothesis import settings

from rule_engine.services.approval import decide, recall, restart, submit
from rule_engine.services.approval_clock import tick
from rule_engine.services.approval_signers import add_signer, forward
from rule_engine.services.approval_state import ApprovalState, Outcome, Place, Verdict
from rule_engine.services.substitutes import represented
from tests.rule_engine.approval_model import PATH, PEOPLE, SUBMITTER, Comparison, Subject
from tests.rule_engine.approval_world import approval
from tests.rule_engine.services_world import NOW, Company, person, quote, surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rule_engine.types import Directory, Environment

DEAL = approval(PATH, 'approval deal "Deal" on quote {')
Around = tuple["Mapping[str, object]", "Environment", "Directory", datetime]


class Engine(Subject):
    """The pure services."""

    admins = ("gus",)

    def __init__(self) -> None:
        self.now = NOW
        self.users = {name: person(name) for name in PEOPLE}
        self.state = ApprovalState("", "", "")

    def around(self) -> Around:
        roles = {name: [name] for name in PEOPLE} | {"admin": list(self.admins)}
        company = Company(self.users, roles)
        return quote(), surroundings(company, SUBMITTER, now=self.now), company, self.now

    def take(self, outcome: Outcome) -> bool:
        if outcome.problems:
            assert outcome.state is self.state
            return False
        assert outcome.state is not None
        self.state = ApprovalState.from_json(outcome.state.to_json())
        assert self.state == outcome.state
        return True

    def submit(self) -> None:
        record, environment, directory, now = self.around()
        revision = self.state.revision
        assert self.take(submit(DEAL, record, SUBMITTER, environment, directory, now))
        self.state = replace(self.state, revision=revision + 1)
        first = self.state.path[0]
        self.state = self.state.with_steps(replace(first, since=self.state.revision))

    def decide(self, user: str, verdict: str, *, seen: int | None = None) -> bool:
        said = cast("Verdict", verdict)
        return self.take(decide(DEAL, self.state, user, said, "so", *self.around(), expected=seen))

    def add(self, user: str, other: str, place: str) -> bool:
        where = cast("Place", place)
        return self.take(add_signer(DEAL, self.state, user, other, where, "so", *self.around()))

    def forward(self, user: str, other: str) -> bool:
        return self.take(forward(DEAL, self.state, user, other, "so", *self.around()))

    def recall(self, user: str) -> bool:
        return self.take(recall(DEAL, self.state, user, *self.around()))

    def edit(self) -> None:
        assert self.take(restart(DEAL, self.state, ["discount"], *self.around()))

    def wait(self, length: timedelta) -> None:
        self.now += length
        assert self.take(tick(DEAL, self.state, *self.around()))

    def leave(self, user: str, substitute: str | None) -> None:
        until = self.now.date() + timedelta(days=9)
        self.users[user] |= {"substitute": substitute, "away_until": until}

    def come_back(self, user: str) -> None:
        self.users[user] |= {"substitute": None, "away_until": None}

    def seen(self) -> tuple[str, str | None, list[str]]:
        asked = self.state.approvers
        return self.state.status, self.state.step, [one for one in PEOPLE if one in asked]

    def inbox(self, user: str) -> bool:
        _, _, directory, _ = self.around()
        asked = represented(DEAL, self.state, user, directory)
        return user in self.state.approvers or bool(asked)

    def revision(self) -> int:
        return self.state.revision


class EngineComparison(Comparison):
    def make_subject(self) -> Subject:
        return Engine()


TestEngine = EngineComparison.TestCase
TestEngine.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)
