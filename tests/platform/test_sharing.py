"""Handing records to others: shares with a level and an end, queues and their limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from metadata.problems import sentence
from metadata.query import Moment
from metadata.shares import RECORD_SHARE
from tests.platform.acting import acting, change_element, database_hash, make, stored, system
from tests.platform.world import Bearer, Login, People
from trellis.audit.tables import audit_event
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused
from trellis.records import sharing
from trellis.records.assign import assign_record
from trellis.records.claim import claim_record
from trellis.records.save import save_record
from trellis.records.sharing import share_record, shares_of, unshare_record
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.worker import Worker

LEAD = {"email": "li@acme.cn", "lead_source": "web"}


@pytest.fixture
def lead(platform: Platform, people: People) -> str:
    return make(platform, "rita", "lead", name="Li Na", **LEAD)


def sees(platform: Platform, username: str, record_id: str, later: int = 0) -> tuple[bool, bool]:
    """Says whether somebody reads and changes a lead, so many minutes from now."""
    with acting(platform, username) as now:
        then = now.moment.now + timedelta(minutes=later)
        unit = replace(now, moment=Moment(then, now.moment.zone))
        records = unit.records()
        reads = records.get("lead", record_id, ["id"]) is not None
        listed = [one["id"] for one in records.list("lead", fields=["id"]).items]
        assert reads == (record_id in listed)
        return reads, records.reaches("lead", record_id, "update")


def refused(platform: Platform, username: str, does: Callable[[Unit], object]) -> RecordError:
    """Gives what somebody is refused with; nothing is written then."""
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught, acting(platform, username) as unit:
        does(unit)
    assert database_hash(platform) == before
    assert all(
        sentence(one, language) for one in caught.value.problems for language in ("en", "zh")
    )
    return caught.value


def told(error: RecordError) -> list[tuple[str, str]]:
    return [(problem.path, sentence(problem)) for problem in error.problems]


def test_a_share_has_a_level_and_ends_by_the_clock(platform: Platform, lead: str) -> None:
    assert sees(platform, "ron", lead) == (False, False)
    with acting(platform, "rita") as unit:
        share_record(unit, "lead", lead, "ron", level="read")
    assert sees(platform, "ron", lead) == (True, False)
    with acting(platform, "rita") as unit:
        until = unit.moment.now + timedelta(minutes=30)
        share_record(unit, "lead", lead, "ron", level="update", until=until, why="holiday")
    assert sees(platform, "ron", lead) == (True, True)
    assert sees(platform, "ron", lead, later=29) == (True, True)
    assert sees(platform, "ron", lead, later=31) == (False, False)
    with acting(platform, "ron") as unit:
        (mine,) = shares_of(unit, "lead", lead)
        assert (mine.name, mine.level, mine.why) == ("Ron", "update", "holiday")
        unshare_record(unit, "lead", lead, "ron")
    assert sees(platform, "ron", lead) == (False, False)


def test_a_team_shares_what_was_shared_with_it(
    platform: Platform, lead: str, people: People
) -> None:
    with system(platform) as unit:
        team = save_record(unit, "team", None, {"name": "East"}, channel="system").id
        below = {"name": "Shanghai", "parent": team, "others": [people["fay"]]}
        save_record(unit, "team", None, below, channel="system")
        save_record(unit, "user", people["ron"], {"team": team}, channel="system")
    with acting(platform, "rita") as unit:
        share_record(unit, "lead", lead, "East", level="read")
    assert sees(platform, "ron", lead) == (True, False)
    with system(platform) as unit:
        save_record(unit, "user", people["ron"], {"team": None}, channel="system")
    assert sees(platform, "ron", lead) == (False, False)


@pytest.mark.parametrize(
    ("username", "to", "level", "minutes", "expected"),
    [
        ("ron", "fay", "read", None, (Missing, [("", "There is no such record")])),
        ("rita", "rita", "read", None, (Refused, [("/to", "this record cannot be shared with "
         "yourself; choose somebody else")])),
        ("rita", "nobody", "owner", -5, (Refused, [
            ("/until", "sharing has to end in the future; choose a later time, or none"),
            ("/level", '"owner" is no level of sharing; use one of: read, update'),
            ("/to", 'There is no record "nobody"'),
        ])),
        ("rita", "fay", "update", None, (Refused, [("/to", "no role of Fay opens lead for this, so "
         "sharing would change nothing; have a role given first")])),
    ],
)  # fmt: skip
def test_sec_05_what_cannot_be_shared_is_not(
    platform: Platform,
    lead: str,
    username: str,
    to: str,
    level: str,
    minutes: int | None,
    expected: tuple[type[RecordError], list[tuple[str, str]]],
) -> None:
    def share(unit: Unit) -> None:
        until = None if minutes is None else unit.moment.now + timedelta(minutes=minutes)
        share_record(unit, "lead", lead, to, level=level, until=until)

    error = refused(platform, username, share)
    assert isinstance(error, expected[0])
    assert told(error) == expected[1]


def test_nobody_shares_more_or_longer_than_she_has(platform: Platform, lead: str) -> None:
    change_element(
        platform, "role", "sales_rep", lambda body: body["grants"]["lead"].update(share="all")
    )
    with acting(platform, "rita") as unit:
        until = unit.moment.now + timedelta(minutes=30)
        share_record(unit, "lead", lead, "ron", level="read", until=until)
    more = refused(
        platform, "ron", lambda unit: share_record(unit, "lead", lead, "mark", level="update")
    )
    assert [(one.path, one.code) for one in more.problems] == [("/level", "share_more_than_own")]
    longer = refused(
        platform, "ron", lambda unit: share_record(unit, "lead", lead, "mark", level="read")
    )
    assert [(one.path, one.code) for one in longer.problems] == [
        ("/until", "share_longer_than_own")
    ]
    with acting(platform, "ron") as unit:
        share_record(unit, "lead", lead, "mark", level="read", until=until)


def test_a_queue_is_taken_from_within_its_limits(platform: Platform, people: People) -> None:
    with system(platform) as unit:
        values = {
            "name": "Pool",
            "object": "lead",
            "members": [people["ron"]],
            "claims_per_day": 3,
            "claims_open": 1,
        }
        queue = save_record(unit, "queue", None, values, channel="system").id
    leads = [make(platform, "rita", "lead", name=f"L{n}", **LEAD) for n in range(4)]
    for one in leads:
        with acting(platform, "mark") as unit:
            assign_record(unit, "lead", one, "Pool", channel="api")
    held = stored(platform, "lead", leads[0])
    assert (held["owner"], held["owner_queue"]) == (None, queue)
    assert sees(platform, "rita", leads[0]) == (False, False)
    assert sees(platform, "ron", leads[0]) == (True, False)

    def claim(record_id: str) -> Callable[[Unit], object]:
        return lambda unit: claim_record(unit, "lead", record_id, channel="api")

    with acting(platform, "ron") as unit:
        claim_record(unit, "lead", leads[0], channel="api")
    held = stored(platform, "lead", leads[0])
    assert (held["owner"], held["owner_queue"]) == (people["ron"], None)
    assert told(refused(platform, "ron", claim(leads[0])))[0][1].startswith("this record does not")
    assert told(refused(platform, "ron", claim(leads[1]))) == [
        (
            "",
            "you hold 1 records claimed from Pool, as many as one may at once; "
            "finish one or give one back first",
        )
    ]
    assert isinstance(refused(platform, "diana", claim(leads[1])), NotAllowed)
    for one in leads[:2]:
        with acting(platform, "diana") as unit:
            assign_record(unit, "lead", one, "rita", channel="api")
        if one == leads[0]:
            with acting(platform, "ron") as unit:
                claim_record(unit, "lead", leads[1], channel="api")
    with acting(platform, "ron") as unit:
        claim_record(unit, "lead", leads[2], channel="api")
    with acting(platform, "diana") as unit:
        assign_record(unit, "lead", leads[2], "rita", channel="api")
    assert told(refused(platform, "ron", claim(leads[3]))) == [
        ("", "you have claimed 3 records from Pool today, as many as one may a day; go on tomorrow")
    ]


def test_a_queue_takes_only_what_it_is_for(platform: Platform, lead: str) -> None:
    with system(platform) as unit:
        values = {"name": "Accounts", "object": "account"}
        save_record(unit, "queue", None, values, channel="system")
    error = refused(
        platform, "mark", lambda unit: assign_record(unit, "lead", lead, "Accounts", channel="api")
    )
    assert told(error) == [
        ("/to", "the queue Accounts holds records of account, not of lead; choose another queue")
    ]
    assert isinstance(
        refused(
            platform, "rita", lambda unit: assign_record(unit, "lead", lead, "ron", channel="api")
        ),
        NotAllowed,
    )
    assert isinstance(
        refused(platform, "rita", lambda unit: claim_record(unit, "lead", lead, channel="api")),
        Conflict,
    )


def test_sharing_over_the_api(platform: Platform, bearer: Bearer, app: object, lead: str) -> None:
    client = app.test_client()  # type: ignore[attr-defined]  # the fixture's Flask
    rita, ron = bearer("rita"), bearer("ron")
    address = f"/api/v1/lead/{lead}"
    wrong = client.post(
        f"{address}/actions/share", headers=rita, json={"to": "ron", "until": "tomorrow"}
    )
    assert wrong.status_code == 422
    assert [one["path"] for one in wrong.get_json()["errors"]] == ["/until"]
    assert client.get(address, headers=ron).status_code == 404
    body = {"to": "ron", "level": "update", "until": "2999-01-01T00:00Z", "why": "holiday"}
    shared = client.post(f"{address}/actions/share", headers=rita, json=body)
    assert shared.status_code == 200
    assert client.get(address, headers=ron).status_code == 200
    (listed,) = client.get(f"{address}/shares", headers=rita).get_json()["items"]
    assert listed == shared.get_json()
    assert (listed["name"], listed["level"], listed["until"]) == (
        "Ron", "update", "2999-01-01T00:00:00.000Z",
    )  # fmt: skip
    gone = client.post(f"{address}/actions/unshare", headers=rita, json={"to": "ron"})
    assert gone.status_code == 200
    assert client.get(address, headers=ron).status_code == 404
    again = client.post(f"{address}/actions/unshare", headers=rita, json={"to": "ron"})
    assert again.status_code == 404
    with platform.database.read() as connection:
        assert connection.execute(sa.select(RECORD_SHARE)).all() == []


def test_the_page_shares_explains_and_gives_away(
    platform: Platform, people: People, login: Login, lead: str
) -> None:
    rita, ron, mark = login("rita"), login("ron"), login("mark")
    page = f"/o/lead/{lead}/access"
    assert ron.get(page).status_code == 404
    wrong = rita.post(f"{page}/share", data={"to": "nobody", "until": "soon"})
    assert wrong.status_code == 422
    assert "&#34;soon&#34; is not a date" in wrong.get_data(as_text=True)
    data = {"to": "ron", "level": "read", "until": "2999-01-01", "why": "holiday"}
    assert rita.post(f"{page}/share", data=data).status_code == 302
    shown = ron.get(page).get_data(as_text=True)
    assert "shared by Rita for reading until 2999-01-0" in shown
    assert ron.post(f"{page}/share", data={"to": "mark"}).status_code == 403
    assert "What Ron may do" in mark.get(f"{page}?user=ron").get_data(as_text=True)
    assert rita.get(f"{page}?user=ron").status_code == 403
    assert rita.post(f"{page}/unshare", data={"to": people["ron"]}).status_code == 302
    assert mark.post(f"{page}/assign", data={"to": "ron"}).status_code == 302
    assert ron.get(page).status_code == 200


def events(platform: Platform) -> list[tuple[str, str, list[str], dict[str, object], str | None]]:
    """Gives who shared and took back what, oldest first."""
    here = audit_event.c
    told = sa.select(here.kind, here.by, here.record_ids, here["values"], here.why)
    with platform.database.read() as connection:
        rows = connection.execute(told.where(here.kind.like("%share")).order_by(here.id))
        return [tuple(row) for row in rows]


def test_sharing_and_taking_back_are_audited(platform: Platform, people: People, lead: str) -> None:
    with acting(platform, "rita") as unit:
        until = unit.moment.now.replace(microsecond=0) + timedelta(minutes=30)
        share_record(unit, "lead", lead, "ron", level="update", until=until, why="holiday")
    with pytest.raises(Refused), acting(platform, "rita") as unit:
        share_record(unit, "lead", lead, "nobody", level="read")
    with acting(platform, "rita") as unit:
        unshare_record(unit, "lead", lead, "ron")
    with pytest.raises(Missing), acting(platform, "rita") as unit:
        unshare_record(unit, "lead", lead, "ron")
    to = {"kind": "user", "grantee": people["ron"]}
    given = {**to, "level": "update", "until": until.isoformat()}
    assert events(platform) == [
        ("share", people["rita"], [lead], given, "holiday"),
        ("unshare", people["rita"], [lead], to, None),
    ]


@pytest.fixture
def ended(platform: Platform, lead: str) -> str:
    """The id of a lead whose share with ron has run out, still stored."""
    with acting(platform, "rita") as unit:
        share_record(unit, "lead", lead, "ron", level="update")
        past = unit.moment.now - timedelta(seconds=1)
        unit.connection.execute(sa.update(RECORD_SHARE).values(until=past))
    return lead


def test_what_has_run_out_counts_nowhere(
    platform: Platform, bearer: Bearer, app: object, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()  # type: ignore[attr-defined]  # the fixture's Flask
    ron, rita = bearer("ron"), bearer("rita")
    address = f"/api/v1/lead/{ended}"
    assert sees(platform, "ron", ended) == (False, False)
    for rest in ("", "/history", "/shares", "/explain?what=access"):
        assert client.get(f"{address}{rest}", headers=ron).status_code == 404, rest
    assert client.get("/api/v1/search?q=Li", headers=ron).get_json()["items"] == []
    assert client.get("/api/v1/lead?count=exact", headers=ron).get_json()["count"] == 0
    assert client.get(f"{address}/shares", headers=rita).get_json()["items"] == []
    monkeypatch.setattr(sharing, "MAX_SHARES", 1)
    with acting(platform, "rita") as unit:
        share_record(unit, "lead", ended, "mark", level="read")


def test_what_has_run_out_is_forgotten_by_the_worker(platform: Platform, ended: str) -> None:
    with acting(platform, "rita") as unit:
        until = unit.moment.now + timedelta(minutes=30)
        share_record(unit, "lead", ended, "mark", level="read", until=until)
        share_record(unit, "lead", ended, "diana", level="read")
    for clean in Worker(platform).cleaning():
        clean()
    with platform.database.read() as connection:
        left = connection.scalars(sa.select(RECORD_SHARE.c.level)).all()
    assert left == ["read", "read"]
