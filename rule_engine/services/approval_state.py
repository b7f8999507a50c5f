"""What is known of one approval request: immutable values that travel as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, cast

from rule_engine.messages import Phrase
from rule_engine.services.effects import Effect

RequestStatus = Literal["open", "approved", "rejected", "returned", "recalled"]
StepStatus = Literal["planned", "open", "approved", "rejected", "returned", "skipped"]
Verdict = Literal["approve", "reject"]
Place = Literal["before", "after"]
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something asked for was not done; a text of the rules' author is a phrase as it is."""

    code: str
    said: Phrase

    @property
    def message(self) -> str:
        """The reason in English."""
        return str(self.said)


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on one step. `revision` is the request's after it.

    `on_behalf_of` is the approver in whose place `user` spoke, None when `user` is the approver.
    `away_until` is the last day of that approver's absence, if it was known. `user` is empty for
    what the time decided (`overdue approve`, `overdue reject`). `files` came with it, as whoever
    keeps them describes them.
    """

    step: str
    user: str
    verdict: Verdict
    comment: str
    at: datetime
    revision: int
    on_behalf_of: str | None = None
    away_until: date | None = None
    files: tuple[Json, ...] = ()

    @property
    def person(self) -> str:
        """The approver whose word this counts as."""
        return self.on_behalf_of or self.user


@dataclass(frozen=True, slots=True)
class Signer:
    """Somebody whom an approver of a step, `by`, added: has to decide too, before or after `by`."""

    user: str
    by: str
    place: Place


@dataclass(frozen=True, slots=True)
class Handover:
    """One person's bringing in another: as a signer in a `place`, or instead (`place` is None).

    `person` is the approver who did, `user` who spoke for the approver. `revision` is the
    request's after it.
    """

    step: str
    user: str
    person: str
    to: str
    place: Place | None
    reason: str
    at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step on a request's path. Steps of the same `stage` are open at once.

    `approvers` are all persons asked (empty until the step opens); `since` is the revision at which
    it last opened, so that decisions of an earlier round do not count; `reason` is the trace of the
    step's condition as JSON, None for a step without one; `needs` is how many have to approve.
    `opened_at` is when it last opened: due time and reminders are derived from it (None: nobody
    watches the time). `reminded` is the greatest share of the time that was told, `overdue` says
    that its end has brought what it brings, `refused_at` when that was refused last. `added` are
    signers besides the approvers: they all have to approve.
    """

    name: str
    label: str
    stage: int
    needed: bool
    status: StepStatus = "planned"
    reason: Json | None = None
    approvers: tuple[str, ...] = ()
    needs: int = 0
    since: int = 0
    opened_at: datetime | None = None
    reminded: Decimal = Decimal(0)
    overdue: bool = False
    refused_at: datetime | None = None
    added: tuple[Signer, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who has a word in this round: approvers and added signers."""
        return (*self.approvers, *(signer.user for signer in self.added))


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """A request. `revision` grows by one with each transition; compare it before storing the next.

    `version` is that of the ruleset the request was submitted under; `closed_at` is None while the
    request is open.
    """

    approval: str
    record_id: str
    submitter: str
    status: RequestStatus = "open"
    path: tuple[StepPlan, ...] = ()
    decisions: tuple[Decision, ...] = ()
    handovers: tuple[Handover, ...] = ()
    locked: bool = False
    revision: int = 0
    version: str = ""
    submitted_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def open_steps(self) -> tuple[StepPlan, ...]:
        """The steps that wait for a decision: several only in a parallel block."""
        if self.status != "open":
            return ()
        return tuple(step for step in self.path if step.status == "open")

    @property
    def step(self) -> str | None:
        """The name of the first open step."""
        return next((step.name for step in self.open_steps), None)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Whose word is awaited, in the order of the steps, each person once."""
        waiting = (user for step in self.open_steps for user in self.waiting(step))
        return tuple(dict.fromkeys(waiting))

    def counted(self, step: StepPlan) -> tuple[Decision, ...]:
        """The decisions that count for a step's present round."""
        return tuple(
            decision
            for decision in self.decisions
            if decision.step == step.name and decision.revision > step.since
        )

    def waiting(self, step: StepPlan) -> tuple[str, ...]:
        """Whose word is awaited in a step now: nobody who has decided, or whose turn is not yet.

        Who added a signer before oneself waits until that one has approved. A signer added after
        somebody waits for that one's yes, or until the step has all it needs but the signers.
        """
        said = self.words(step)
        held = {s.by for s in step.added if s.place == "before" and said.get(s.user) != "approve"}
        has_enough = self.approvals(step) >= step.needs
        turns = (
            signer.user
            for signer in step.added
            if signer.place == "before" or has_enough or said.get(signer.by) == "approve"
        )
        asked = (*(() if has_enough else step.approvers), *turns)
        return tuple(user for user in asked if user not in said and user not in held)

    def words(self, step: StepPlan) -> dict[str, Verdict]:
        """What has been said in a step's present round, by approver or signer."""
        return {decision.person: decision.verdict for decision in self.counted(step)}

    def approvals(self, step: StepPlan) -> int:
        """How many approvers of a step have approved; signers do not count."""
        said = self.words(step)
        return sum(said.get(user) == "approve" for user in step.approvers)

    def with_steps(self, *changed: StepPlan) -> ApprovalState:
        """Gives the state with these steps in place of those of the same names."""
        by_name = {step.name: step for step in changed}
        return replace(self, path=tuple(by_name.get(step.name, step) for step in self.path))

    def closed(self, status: RequestStatus, now: datetime) -> ApprovalState:
        """Gives the request ended; steps still open are again as before anybody was asked."""
        undecided = (replace(step, status="planned") for step in self.open_steps)
        return replace(self.with_steps(*undecided), status=status, closed_at=now)

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back.

        `step` and `approvers` are written for readers of the JSON; they follow from the rest.
        """
        return {
            "approval": self.approval,
            "record_id": self.record_id,
            "submitter": self.submitter,
            "status": self.status,
            "step": self.step,
            "approvers": list(self.approvers),
            "path": [_step_to_json(step) for step in self.path],
            "decisions": [_decision_to_json(decision) for decision in self.decisions],
            "handovers": [_handover_to_json(handover) for handover in self.handovers],
            "locked": self.locked,
            "revision": self.revision,
            "version": self.version,
            "submitted_at": _instant_to_json(self.submitted_at),
            "closed_at": _instant_to_json(self.closed_at),
        }

    @classmethod
    def from_json(cls, document: Json) -> ApprovalState:
        """Reads what `to_json` wrote, by this version or an earlier one."""
        values = {item.name: document[item.name] for item in fields(cls) if item.name in document}
        path = cast("list[Json]", values.pop("path"))
        decisions = cast("list[Json]", values.pop("decisions"))
        handovers = cast("list[Json]", values.pop("handovers", []))
        for name in ("submitted_at", "closed_at"):
            values[name] = _instant_from_json(values.get(name))
        return cls(
            path=tuple(_step_from_json(step) for step in path),
            decisions=tuple(_decision_from_json(decision) for decision in decisions),
            handovers=tuple(_handover_from_json(handover) for handover in handovers),
            **values,  # type: ignore[arg-type]  # JSON that this class wrote
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transition's result. With `problems` nothing happened and `state` is the one given.

    `state` is None only when a submit was refused.
    """

    state: ApprovalState | None
    effects: tuple[Effect, ...] = ()
    problems: tuple[Refusal, ...] = ()


def refused(state: ApprovalState | None, code: str, template: str, **values: object) -> Outcome:
    """Gives the outcome of a transition that did not happen, for one reason."""
    return Outcome(state, problems=(Refusal(code, Phrase(template, values)),))


def _plain(value: StepPlan | Signer | Decision | Handover) -> dict[str, object]:
    return {item.name: getattr(value, item.name) for item in fields(value)}


def _step_to_json(step: StepPlan) -> dict[str, object]:
    return {
        **_plain(step),
        "approvers": list(step.approvers),
        "opened_at": _instant_to_json(step.opened_at),
        "refused_at": _instant_to_json(step.refused_at),
        "reminded": str(step.reminded),
        "added": [_plain(signer) for signer in step.added],
    }


def _step_from_json(document: Json) -> StepPlan:
    values = {
        **document,
        "approvers": tuple(cast("list[str]", document["approvers"])),
        "opened_at": _instant_from_json(document.get("opened_at")),
        "refused_at": _instant_from_json(document.get("refused_at")),
        "reminded": Decimal(str(document.get("reminded", 0))),
        "added": tuple(Signer(**one) for one in cast("list[Any]", document.get("added", []))),
    }
    return StepPlan(**values)  # type: ignore[arg-type]  # as above


def _decision_to_json(decision: Decision) -> dict[str, object]:
    until = decision.away_until
    told = None if until is None else until.isoformat()
    at, sent = _instant_to_json(decision.at), list(decision.files)
    return {**_plain(decision), "at": at, "away_until": told, "files": sent}


def _decision_from_json(document: Json) -> Decision:
    until = document.get("away_until")
    values = {
        **document,
        "at": _instant_from_json(document["at"]),
        "away_until": None if until is None else date.fromisoformat(str(until)),
        "files": tuple(cast("list[Json]", document.get("files", []))),
    }
    return Decision(**values)  # type: ignore[arg-type]  # as above


def _handover_to_json(handover: Handover) -> dict[str, object]:
    return {**_plain(handover), "at": _instant_to_json(handover.at)}


def _handover_from_json(document: Json) -> Handover:
    at = _instant_from_json(document["at"])
    return Handover(**{**document, "at": at})  # type: ignore[arg-type]  # as above


def _instant_to_json(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant_from_json(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
