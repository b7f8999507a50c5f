"""Approvals as one would explain them on paper: what any engine of them has to agree with.

Two steps: two of bob, cat and eve, then dan. Amy submits. A day's silence asks dan as well in the
first step and rejects the second, which goes back to the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

PATH = """
    restart when discount changed
    step first "First" {
        approvers user "bob", user "cat", user "eve"
        decide by 2 of them
        due in 24 hours
        overdue escalate to user "dan"
    }
    step second "Second" {
        approvers user "dan"
        due in 24 hours
        overdue reject
        rejection returns to step first
    }
"""
SUBMITTER = "amy"
PEOPLE = (SUBMITTER, "bob", "cat", "dan", "eve", "flo", "gus")
STEPS: tuple[tuple[str, list[str], int], ...] = (
    ("first", ["bob", "cat", "eve"], 2),
    ("second", ["dan"], 1),
)
DAY = timedelta(hours=24)


@dataclass
class Paper:
    """The reference model. Each deed says whether it is accepted."""

    admins: tuple[str, ...]
    now: datetime
    status: str = "open"
    at: int = 0
    voters: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    signers: list[tuple[str, str, str]] = field(default_factory=list)
    involved: set[str] = field(default_factory=set)
    opened: datetime | None = None
    away: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.open(0)

    def open(self, at: int) -> None:
        self.status, self.at, self.opened = "open", at, self.now
        self.voters = list(STEPS[at][1])
        self.words, self.signers = {}, []
        self.involved = set(self.voters)

    def enough(self) -> bool:
        yes = [one for one in self.voters if self.words.get(one) == "approve"]
        return len(yes) >= STEPS[self.at][2]

    def has_turn(self, person: str) -> bool:
        if self.status != "open" or person in self.words:
            return False
        for user, by, place in self.signers:
            if by == person and place == "before" and self.words.get(user) != "approve":
                return False
        if person in self.voters:
            return not self.enough()
        for user, by, place in self.signers:
            if user == person:
                return place == "before" or self.enough() or self.words.get(by) == "approve"
        return False

    def waiting(self) -> list[str]:
        return [one for one in PEOPLE if self.has_turn(one)]

    def stands_in(self, user: str, person: str) -> bool:
        if person not in self.away:
            return False
        here, met = self.away[person], {person}
        while here is not None and here in self.away and here not in met:
            met.add(here)
            here = self.away[here]
        if here in (None, SUBMITTER, *met):
            return user in self.admins and user not in (SUBMITTER, person)
        return user == here

    def voice(self, user: str) -> str | None:
        """Gives whose word a user may give now."""
        persons = [user, *(one for one in self.asked_order() if self.stands_in(user, one))]
        return next((one for one in persons if self.has_turn(one)), None)

    def asked_order(self) -> list[str]:
        return [*self.voters, *(user for user, _, _ in self.signers)]

    def decide(self, user: str, verdict: str) -> bool:
        person = self.voice(user)
        if person is None:
            return False
        self.words[person] = verdict
        self.involved |= {user, person}
        self.weigh()
        return True

    def weigh(self) -> None:
        noes = [one for one in self.voters if self.words.get(one) == "reject"]
        signed = [self.words.get(user) for user, _, _ in self.signers]
        if "reject" in signed or len(self.voters) - len(noes) < STEPS[self.at][2]:
            self.reject()
        elif self.enough() and all(word == "approve" for word in signed):
            if self.at == 0:
                self.open(1)
            else:
                self.status = "approved"

    def reject(self) -> None:
        if self.at == 1:
            self.open(0)
        else:
            self.status = "rejected"

    def may_bring(self, user: str, other: str) -> str | None:
        person = self.voice(user)
        if other in (user, person, SUBMITTER) or other in self.involved:
            return None
        return person

    def add(self, user: str, other: str, place: str) -> bool:
        person = self.may_bring(user, other)
        if person is None:
            return False
        self.signers.append((other, person, place))
        self.involved |= {person, other}
        return True

    def forward(self, user: str, other: str) -> bool:
        person = self.may_bring(user, other)
        if person is None:
            return False
        self.voters = [other if one == person else one for one in self.voters]
        renamed = {person: other}
        self.signers = [(renamed.get(a, a), renamed.get(b, b), p) for a, b, p in self.signers]
        self.involved |= {person, other}
        return True

    def recall(self, user: str) -> bool:
        if self.status != "open" or user != SUBMITTER:
            return False
        self.status = "recalled"
        return True

    def edit(self) -> None:
        if self.status == "open":
            self.open(0)

    def wait(self, length: timedelta) -> None:
        self.now += length
        if self.status != "open" or self.opened is None or self.now < self.opened + DAY:
            return
        self.opened = None
        if self.at == 1:
            self.reject()
        elif "dan" not in self.asked_order():
            self.voters.append("dan")
            self.involved.add("dan")


class Subject:
    """What is compared with the paper: one request of amy's."""

    admins: tuple[str, ...] = ()
    now: datetime

    def submit(self) -> None:
        raise NotImplementedError

    def decide(self, user: str, verdict: str, *, seen: int | None = None) -> bool:
        raise NotImplementedError

    def add(self, user: str, other: str, place: str) -> bool:
        raise NotImplementedError

    def forward(self, user: str, other: str) -> bool:
        raise NotImplementedError

    def recall(self, user: str) -> bool:
        raise NotImplementedError

    def edit(self) -> None:
        raise NotImplementedError

    def wait(self, length: timedelta) -> None:
        raise NotImplementedError

    def leave(self, user: str, substitute: str | None) -> None:
        raise NotImplementedError

    def come_back(self, user: str) -> None:
        raise NotImplementedError

    def seen(self) -> tuple[str, str | None, list[str]]:
        """Gives status, open step and who is waited for, in the order of PEOPLE."""
        raise NotImplementedError

    def inbox(self, user: str) -> bool:
        """Says whether the request waits for a user, as far as she is told."""
        raise NotImplementedError

    def revision(self) -> int:
        raise NotImplementedError

    def close(self) -> None:
        """Ends the comparison."""


someone = st.sampled_from(PEOPLE)
approver = st.sampled_from(PEOPLE[1:5])
verdict = st.sampled_from(["approve", "approve", "reject"])


class Comparison(RuleBasedStateMachine):
    """Does the same to the paper and to a subject, and looks at both after each deed."""

    subject: Subject

    def __init__(self) -> None:
        super().__init__()
        self.subject = self.make_subject()
        self.subject.submit()
        self.paper = Paper(self.subject.admins, self.subject.now)

    def make_subject(self) -> Subject:
        raise NotImplementedError

    def teardown(self) -> None:
        self.subject.close()

    @rule(user=someone | approver, said=verdict)
    def decide(self, user: str, said: str) -> None:
        before = self.subject.revision()
        accepted = self.paper.decide(user, said)
        assert self.subject.decide(user, said) is accepted
        assert self.subject.revision() == before + accepted

    @precondition(lambda self: self.paper.waiting())
    @rule(data=st.data())
    def approve_in_turn(self, data: st.DataObject) -> None:
        self.decide(data.draw(st.sampled_from(self.paper.waiting())), "approve")

    @rule(user=approver, said=verdict)
    def click_on_an_old_page(self, user: str, said: str) -> None:
        assert not self.subject.decide(user, said, seen=self.subject.revision() - 1)

    @rule(user=approver | someone, other=someone, place=st.sampled_from(["before", "after"]))
    def add(self, user: str, other: str, place: str) -> None:
        assert self.subject.add(user, other, place) is self.paper.add(user, other, place)

    @rule(user=approver | someone, other=someone)
    def forward(self, user: str, other: str) -> None:
        assert self.subject.forward(user, other) is self.paper.forward(user, other)

    @rule(user=st.sampled_from([SUBMITTER, "bob"]))
    def recall(self, user: str) -> None:
        assert self.subject.recall(user) is self.paper.recall(user)

    @rule()
    def edit(self) -> None:
        self.paper.edit()
        self.subject.edit()

    @rule(hours=st.sampled_from([5, 20, 60]))
    def wait(self, hours: int) -> None:
        self.paper.wait(timedelta(hours=hours))
        self.subject.wait(timedelta(hours=hours))

    @rule(user=someone, substitute=someone | st.none())
    def leave(self, user: str, substitute: str | None) -> None:
        if user != substitute and user not in self.paper.away:
            self.paper.away[user] = substitute
            self.subject.leave(user, substitute)

    @rule(user=someone)
    def come_back(self, user: str) -> None:
        if user in self.paper.away:
            del self.paper.away[user]
            self.subject.come_back(user)

    @precondition(lambda self: self.paper.status != "open")
    @rule()
    def submit_again(self) -> None:
        self.paper.open(0)
        self.subject.submit()

    @invariant()
    def both_agree(self) -> None:
        step = STEPS[self.paper.at][0] if self.paper.status == "open" else None
        assert self.subject.seen() == (self.paper.status, step, self.paper.waiting())

    @invariant()
    def who_may_speak_is_told_so(self) -> None:
        for user in PEOPLE:
            assert self.subject.inbox(user) is (self.paper.voice(user) is not None)

    @invariant()
    def an_open_request_waits_for_somebody_else_than_its_submitter(self) -> None:
        assert bool(self.paper.waiting()) is (self.paper.status == "open")
        assert SUBMITTER not in self.paper.words
        assert len(set(self.paper.asked_order())) == len(self.paper.asked_order())
