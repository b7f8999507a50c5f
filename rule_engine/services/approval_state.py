"""What is known of one approval request: immutable values that travel as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, cast

from rule_engine.messages import Phrase
from rule_engine.services.effects import Effect

RequestStatus = Literal["open", "approved", "rejected", "returned", "recalled"]
StepStatus = Literal["planned", "open", "approved", "rejected", "returned", "skipped"]
Verdict = Literal["approve", "reject"]
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
    `user` is empty for what the time decided (`overdue approve`, `overdue reject`).
    """

    step: str
    user: str
    verdict: Verdict
    comment: str
    at: datetime
    revision: int
    on_behalf_of: str | None = None

    @property
    def person(self) -> str:
        """The approver whose word this counts as."""
        return self.on_behalf_of or self.user


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step on a request's path. Steps of the same `stage` are open at once.

    `approvers` are all persons asked (empty until the step opens); `since` is the revision at which
    it last opened, so that decisions of an earlier round do not count; `reason` is the trace of the
    step's condition as JSON, None for a step without one; `needs` is how many have to approve.
    `opened_at` is when it last opened: due time and reminders are derived from it (None: nobody
    watches the time). `reminded` is the greatest share of the time that was told, `overdue` says
    that the end of it was.
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
        """The approvers of a step who have not decided yet."""
        done = {decision.person for decision in self.counted(step)}
        return tuple(user for user in step.approvers if user not in done)

    def with_steps(self, *changed: StepPlan) -> ApprovalState:
        """Gives the state with these steps in place of those of the same names."""
        by_name = {step.name: step for step in changed}
        return replace(self, path=tuple(by_name.get(step.name, step) for step in self.path))

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
        for name in ("submitted_at", "closed_at"):
            values[name] = _instant_from_json(values.get(name))
        return cls(
            path=tuple(_step_from_json(step) for step in path),
            decisions=tuple(_decision_from_json(decision) for decision in decisions),
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


def _step_to_json(step: StepPlan) -> dict[str, object]:
    document = {item.name: getattr(step, item.name) for item in fields(step)}
    return {
        **document,
        "approvers": list(step.approvers),
        "opened_at": _instant_to_json(step.opened_at),
        "reminded": str(step.reminded),
    }


def _step_from_json(document: Json) -> StepPlan:
    values = {
        **document,
        "approvers": tuple(cast("list[str]", document["approvers"])),
        "opened_at": _instant_from_json(document.get("opened_at")),
        "reminded": Decimal(str(document.get("reminded", 0))),
    }
    return StepPlan(**values)  # type: ignore[arg-type]  # as above


def _decision_to_json(decision: Decision) -> dict[str, object]:
    document = {item.name: getattr(decision, item.name) for item in fields(decision)}
    return {**document, "at": _instant_to_json(decision.at)}


def _decision_from_json(document: Json) -> Decision:
    at = _instant_from_json(document["at"])
    return Decision(**{**document, "at": at})  # type: ignore[arg-type]  # as above


def _instant_to_json(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant_from_json(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
