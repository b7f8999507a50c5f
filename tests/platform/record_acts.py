"""What each action on records is tried with: a record it could be done to, and a body it takes.

With these, whoever may would succeed; so an answer tells of rights, and not of what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.platform.acting import acting, change_element, make, system
from tests.platform.world import PASSWORD, People
from trellis.api.actions import record_actions
from trellis.approvals import submit
from trellis.duplicates.choice import Wish
from trellis.duplicates.merge import merge_records
from trellis.duplicates.unmerge import unmerge_records
from trellis.records.absences import enter_absence
from trellis.records.assign import assign_record
from trellis.records.save import save_record
from trellis.records.sharing import share_record
from trellis.runtime import Platform
from trellis.security.users import create_user

SECRET: Final = "whsec_YSBzZWNyZXQgdGhhdCBpcyAzMiBieXRlcyBsb25nISE="
NOWHERE: Final = "0190d6a4-0000-7000-8000-000000000000"
REASONED: Final[Mapping[str, object]] = {"to": "diana", "reason": "I know too little of it"}

BODIES: Final[Mapping[str, Mapping[str, object]]] = {
    "add_signer": REASONED,
    "approve": {},
    "assign": {"to": "rita"},
    "away": {"from": "2100-01-01", "until": "2100-01-02"},
    "back": {"absence": "{absence}"},
    "claim": {},
    "depart": {"rule": "manager"},
    "end_sessions": {},
    "forward": REASONED,
    "merge": {"records": ["{own}"]},
    "recall": {},
    "reject": {"comment": "Too dear"},
    "replay": {},
    "set_password": {"password": "a new horse battery"},
    "set_roles": {"roles": ["sales_rep"]},
    "share": {"to": "mark", "level": "read"},
    "submit": {},
    "unmerge": {},
    "unshare": {"to": "mark"},
}
"""By action; `own` is a record of who asks, `absence` one of the user whom the action is about."""

WAITING: Final = frozenset({"add_signer", "approve", "forward", "recall", "reject"})
"""Actions on a record that waits for an approval."""


def body_of(name: str, own: str = NOWHERE, absence: str = NOWHERE) -> dict[str, Any]:
    """Gives the body of an action."""
    text = json.dumps(BODIES[name])
    made: dict[str, Any] = json.loads(text.replace("{own}", own).replace("{absence}", absence))
    return made


@dataclass(frozen=True)
class Act:
    """An action on a record to which it could be done."""

    name: str
    object: str
    record: str
    body: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"{self.object}/{self.record}/actions/{self.name}"


@dataclass(frozen=True)
class Stage:
    """Rita's quotes, herself and a webhook: something for each action to be done to. `gone` is
    part of `merged`, `merge` into `undone` was taken back, and `departed` is locked out."""

    quote: str
    waiting: str
    queued: str
    merged: str
    gone: str
    undone: str
    merge: str
    user: str
    departed: str
    absence: str
    webhook: str

    def acts(self, own: str) -> Iterator[Act]:
        """Gives every action, as tried by who owns the quote `own`."""
        special = {**dict.fromkeys(WAITING, self.waiting)}
        special |= {"claim": self.queued, "unmerge": self.merged}
        for name, action in record_actions().items():
            body = body_of(name, own, self.absence)
            place = ("quote", special.get(name, self.quote))
            if action.right == "administer" or name in {"away", "back"}:
                place = ("webhook", self.webhook) if name == "replay" else ("user", self.user)
            yield Act(name, *place, body)
        yield from self.repeated()

    def repeated(self) -> Iterator[Act]:
        """Gives actions that find done what they are to do, and so change little or nothing: only
        their own demands keep others from an answer."""
        yield Act("merge", "quote", self.merged, body_of("merge", self.gone))
        yield Act("unmerge", "quote", self.undone, {"merge": self.merge})
        yield Act("depart", "user", self.departed, body_of("depart"))


def set_stage(platform: Platform, people: People) -> Stage:
    """Makes the records; whoever sells may delete her own quotes, and so merge them."""

    def grant(body: dict[str, Any]) -> None:
        body["grants"]["quote"]["delete"] = "own"

    change_element(platform, "role", "sales_rep", grant)
    account = make(platform, "rita", "account", name="Acme")
    values = {"account": account, "amount": "800", "discount": "0.35"}
    quotes = [make(platform, "rita", "quote", name=f"Q{n}", **values) for n in range(7)]
    quote, waiting, queued, merged, gone, undone, back = quotes
    with acting(platform, "rita") as unit:
        share_record(unit, "quote", quote, "mark", level="read")
        merge_records(unit, "quote", merged, [gone], Wish({}), channel="api")
        merge_records(unit, "quote", undone, [back], Wish({}), channel="api")
        merge = unmerge_records(unit, "quote", undone, channel="api").id
        submit(unit, "quote", waiting)
        away = enter_absence(unit, people["rita"], unit.moment.today, unit.moment.today)
    with system(platform) as unit:
        pool = {"name": "Pool", "members": [people["mark"]]}
        queue = save_record(unit, "queue", None, pool, channel="system").id
        assign_record(unit, "quote", queued, queue, channel="api")
    hook = {"title": "Shop", "url": "https://hooks.example.com/x", "secret": SECRET}
    told = {"object": "contact", "events": ["create"], "acts_as": people["rita"]}
    webhook = make(platform, "admin", "webhook", **hook, **told)
    with acting(platform, "admin") as unit:
        left = {"username": "lea", "name": "Lea", "email": "lea@example.com", "active": False}
        left["manager"] = people["mark"]
        departed = create_user(unit.connection, unit.catalog, left, password=PASSWORD)
    users = (people["rita"], departed)
    return Stage(quote, waiting, queued, merged, gone, undone, merge, *users, away.id, webhook)


def own_quote(platform: Platform, username: str) -> str:
    """Makes a quote of somebody's."""
    account = make(platform, username, "account", name="Own")
    return make(platform, username, "quote", name="Own", account=account, amount="800")
