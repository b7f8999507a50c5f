"""Who may get a record: `round_robin of team "SDR"`, `account.owner`, `queue "Unassigned"`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rule_engine.program import Group, Principal, Relation
from rule_engine.program.actions import CHOICES
from rule_engine.services.people import Company, describe, find_people

How = Literal["round_robin", "least_busy", "first"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The people meant, in the directory's order, and how one of them is picked.

    `queue` names the queue when a queue was meant: then nobody is picked. `group` is what was
    written (`team "SDR"`): whose turn it is, is kept by it.
    """

    users: tuple[str, ...]
    how: How
    group: str
    queue: str | None = None

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values."""
        return {
            "users": list(self.users),
            "how": self.how,
            "group": self.group,
            "queue": self.queue,
        }


def find_candidates(principal: Principal, company: Company) -> Candidates:
    """Gives who may get a record, of a principal behind `assign to`."""
    how: How = "first"
    if isinstance(principal, Relation) and principal.kind in CHOICES:
        how = "round_robin" if principal.kind == "round_robin" else "least_busy"
        principal = principal.of
    text = describe([principal])
    if isinstance(principal, Group) and principal.kind == "queue" and how == "first":
        return Candidates((), how, text, queue=principal.name)
    return Candidates(find_people([principal], company), how, text)
