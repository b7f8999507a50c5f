"""The one action for who leaves: the account dies, shares go, a job hands everything over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import ApiKey

from metadata.problems import Problem
from trellis.audit.events import note
from trellis.automation.relief import relieve_otherwise
from trellis.departing.successors import successors_by
from trellis.departing.transfer import transferable
from trellis.errors import Missing, NotAllowed, Refused
from trellis.jobs.running import start_job
from trellis.records.save import save_record
from trellis.records.sharing import remove_shares_with
from trellis.records.successors import TRANSFER, USER
from trellis.records.webhooks import acting_as
from trellis.security.standing import Standing
from trellis.unit import Channel, Unit

api_keys: sa.Table = ApiKey.__table__


@dataclass(frozen=True, slots=True)
class Departure:
    """What somebody left behind: records by object, shares that ended; `job` hands over.

    `webhooks` are the titles, by object, of those that acted as her: whose rights they have next is
    for a person to say. Until then their messages are given up, and can be sent again. `reports`
    are the names of those she managed: until they have another manager, who stands above her
    comes in.
    """

    user: str
    job: str
    owned: Mapping[str, int]
    shares: int
    webhooks: Mapping[str, Sequence[str]]
    reports: Sequence[str]


def depart(
    unit: Unit, user_id: str, rule: str, to: str | None = None, *, channel: Channel
) -> Departure:
    """Locks a user out and starts handing over what she owns and is asked to approve.

    All in the transaction of `unit`: sessions, tokens and keys are dead when it is committed. Can
    be repeated for somebody who is locked out already. Raises NotAllowed for who may not
    administer, Missing, or Refused with what is wrong with the rule.
    """
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])
    user = unit.as_automation().records().get(USER, user_id, ["id", "name", "active", "account"])
    if user is None:
        raise Missing([Problem("", "missing_record", {"object": USER, "id": user_id})])
    if user_id == unit.user_id:
        raise Refused([Problem("", "depart_self")])
    successors = successors_by(unit, user_id, rule, to)
    if user["active"]:
        save_record(unit, USER, user_id, {"active": False}, channel=channel, why="departed")
    relieve_otherwise(unit.connection, user_id)
    revoke_keys(unit, int(str(user["account"])))
    shares = remove_shares_with(unit, user_id)
    owned = dict(owned_by(unit, user_id))
    params = {"user": user_id, "name": user["name"], "successors": successors.to_json()}
    job = start_job(unit, TRANSFER, {**params, "total": sum(owned.values())})
    values = {"rule": rule, "to": to, "owned": owned, "shares": shares, "job": job}
    note(unit, "departed", object=USER, record_ids=[user_id], values=values)
    reports = [
        one.name
        for one in Standing(unit.connection, unit.catalog, unit.moment.today).reports(user_id)
    ]
    return Departure(user_id, job, owned, shares, acting_titles(unit, user_id), reports)


def acting_titles(unit: Unit, user_id: str) -> dict[str, list[str]]:
    """Gives the titles of the active webhooks and their sources that act as a user."""
    found = acting_as(unit.as_automation(), user_id)
    return {name: [str(one["title"]) for one in records] for name, records in found.items()}


def owned_by(unit: Unit, user_id: str) -> Iterator[tuple[str, int]]:
    """Gives how many records of each object a user owns."""
    records = unit.as_automation().records()
    for definition in transferable(unit):
        mine = {"owner": user_id}
        page = records.list(definition.name, fields=[], match=mine, limit=1, count="exact")
        if page.count:
            yield definition.name, page.count


def revoke_keys(unit: Unit, account_id: int) -> None:
    """Revokes a user's API keys for good: they stay dead should she come back."""
    now = datetime.now()  # noqa: DTZ005  # as Flask-AppBuilder keeps times
    living = sa.update(api_keys).where(
        api_keys.c.user_id == account_id, api_keys.c.revoked_on.is_(None)
    )
    unit.connection.execute(living.values(revoked_on=now, active=False))
