"""What hangs on merged records besides fields that point at them: history, shares, files, secrets,
claims; each is with the survivor after the merge, and as it was after the merge is undone."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from metadata.access import SYSTEM
from metadata.shares import RECORD_SHARE
from metadata.stored_tables import STORE
from tests.platform.acting import acting, make, system
from tests.platform.filing import add_folders, clients, make_folder, uploaded
from tests.platform.test_merge import merge, unmerge
from tests.platform.world import Bearer, Login, People
from trellis.channels.in_app import notification
from trellis.db import SYSTEM_TABLES
from trellis.duplicates.choice import Wish
from trellis.duplicates.pointers import TABLES
from trellis.errors import Missing
from trellis.records.claim_log import note_claim, queue_claim
from trellis.records.history import history_of, record_history
from trellis.records.sharing import share_record
from trellis.runtime import Platform

LEAD = {"email": "li@acme.cn", "lead_source": "web"}
MERGED = "merged into another record"
STAY = {"file_use", "import_row", "outbox", "record_history", "record_lock", "webhook_delivery"}
# The clocks of what became part of another record end with it; who got it stays told of it.
STAY |= {"assignment_log", "service_level", "service_target"}
# A message that came in names the record that it made; it has no object.
STAY |= {"webhook_inbox"}
# What set off rules, and that they ran, is about what was saved then.
STAY |= {"history_cause", "rule_run"}
# Points are those of the record that had them.
STAY |= {"score_change", "score_shadow_point"}
# A letter stays about what it was about when somebody was told.
STAY |= {"mail_message"}


def test_each_table_that_names_a_record_goes_with_it_or_stays_on_purpose() -> None:
    tables = {**SYSTEM_TABLES.tables, **STORE.tables}
    named = {name for name, table in tables.items() if "record_id" in table.c}
    assert named == STAY | TABLES.keys()


def leads(platform: Platform, *names: str, by: str = "rita") -> list[str]:
    return [make(platform, by, "lead", name=name, **LEAD) for name in names]


def told(platform: Platform, client: object, headers: object, lead: str) -> set[tuple[str, str]]:
    """Gives of which record and of which door each entry of a lead's history is."""
    answer = client.get(f"/api/v1/lead/{lead}/history?limit=200", headers=headers)  # type: ignore[attr-defined]
    return {(one["record"], one["why"] or "") for one in answer.get_json()["items"]}


def test_the_survivor_tells_the_history_of_what_became_part_of_it(
    platform: Platform, app: Flask, bearer: Bearer, login: Login
) -> None:
    client, headers = app.test_client(), bearer("diana")
    one, two, three = leads(platform, "Ann", "Ben", "Cy")
    before = {lead: entries(platform, lead) for lead in (one, two, three)}
    merge(platform, "lead", two, [one])
    merge(platform, "lead", three, [two])
    assert told(platform, client, headers, three) == {
        (one, ""), (one, MERGED), (two, ""), (two, MERGED), (three, ""),
    }  # fmt: skip
    redirect = client.get(f"/api/v1/lead/{one}/history", headers=headers)
    assert (redirect.status_code, redirect.headers["Location"]) == (
        308, f"/api/v1/lead/{three}/history",
    )  # fmt: skip
    page = login("diana").get(f"/o/lead/{three}").get_data(as_text=True)
    assert page.count("merged record") == 4
    unmerge(platform, "lead", three)
    assert {record for record, _ in told(platform, client, headers, three)} == {three}
    unmerge(platform, "lead", two)
    for lead, some in before.items():
        assert entries(platform, lead)[: len(some)] == some


def entries(platform: Platform, lead: str) -> list[object]:
    """Gives the ids of the stored history of a record, oldest first."""
    here = record_history.c
    with platform.database.read() as connection:
        query = sa.select(here.id).where(here.record_id == lead).order_by(here.id)
        return list(connection.scalars(query))


def test_sec_07_pages_of_history_hold_only_parts_that_one_may_read(
    platform: Platform, app: Flask, bearer: Bearer
) -> None:
    """Ron has the survivor, but never saw the record of Rita that became part of it."""
    (hers,), (his,) = leads(platform, "Ann"), leads(platform, "Ben", by="ron")
    merge(platform, "lead", his, [hers])
    client = app.test_client()
    assert {record for record, _ in told(platform, client, bearer("ron"), his)} == {his}
    assert {one for one, _ in told(platform, client, bearer("mark"), his)} == {his, hers}
    with pytest.raises(Missing), acting(platform, "ron") as unit:
        history_of(unit, "lead", hers)


def test_shares_and_claims_go_with_the_record_and_come_back(
    platform: Platform, people: People
) -> None:
    keep, gone, other = leads(platform, "Ann", "Ben", "Cy")
    with acting(platform, "rita") as unit:
        soon = unit.moment.now + timedelta(hours=1)
        share_record(unit, "lead", keep, "mark", level="read")
        share_record(unit, "lead", keep, "ron", level="read", until=soon)
        share_record(unit, "lead", gone, "mark", level="update")
        share_record(unit, "lead", gone, "ron", level="update")
        share_record(unit, "lead", other, "ron", level="read")
        over = sa.update(RECORD_SHARE).where(RECORD_SHARE.c.until == soon)
        unit.connection.execute(over.values(until=unit.moment.now - timedelta(seconds=1)))
        lead = unit.catalog.objects["lead"]
        for user in ("rita", "ron"):
            note_claim(unit, lead, gone, "pool", people[user])
    before = shares(platform)
    merge(platform, "lead", keep, [gone, other])
    assert shares(platform)[keep] == {("mark", "read"), ("ron", "update")}
    assert claims(platform, people) == {("rita", keep, True), ("ron", gone, False)}
    unmerge(platform, "lead", keep)
    del before[keep]
    assert shares(platform) == {**before, keep: {("mark", "read")}}
    assert claims(platform, people) == {("rita", gone, True), ("ron", gone, False)}


def shares(platform: Platform) -> dict[str, set[tuple[str, str]]]:
    """Gives by record who has what level."""
    with system(platform) as unit:
        names = {
            str(one["id"]): str(one["username"])
            for one in unit.records().list("user", fields=["id", "username"], limit=50).items
        }
        found: dict[str, set[tuple[str, str]]] = {}
        for row in unit.connection.execute(sa.select(RECORD_SHARE)):
            found.setdefault(row.record_id, set()).add((names[row.grantee], row.level))
        return found


def claims(platform: Platform, people: People) -> set[tuple[str, str, bool]]:
    """Gives who claimed which record, and whether she still has it by that."""
    names = {key: name for name, key in people.ids.items()}
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(queue_claim))
        return {(names[row.user], row.record_id, row.ended_at is None) for row in rows}


def test_a_notification_leads_to_the_survivor(platform: Platform, people: People) -> None:
    keep, gone = leads(platform, "Ann", "Ben")
    message = {"id": "n1", "user_id": people["rita"], "kind": "info", "title": "t", "values": {}}
    about = {"object": "lead", "record_id": gone, "effect_key": "k"}
    with system(platform) as unit:
        row = {**message, **about, "created_at": unit.moment.now}
        unit.connection.execute(sa.insert(notification).values(row))
    merge(platform, "lead", keep, [gone])
    assert notified(platform) == keep
    unmerge(platform, "lead", keep)
    assert notified(platform) == gone


def notified(platform: Platform) -> str | None:
    with platform.database.read() as connection:
        return connection.scalar(sa.select(notification.c.record_id))


def test_files_of_all_records_are_with_the_survivor(platform: Platform, login: Login) -> None:
    add_folders(platform)
    (mark,) = clients(login, "mark")
    files = [uploaded(mark, name=f"{number}.pdf") for number in range(4)]
    ids = [one["id"] for one in files]
    keep = make_folder(mark, photos=ids[:1])
    gone = make_folder(mark, photos=ids[:3], contract=ids[3])
    merge(platform, "folder", keep, [gone], by="mark")
    shown = mark.get(f"/api/v1/folder/{keep}").get_json()
    assert [one["id"] for one in shown["photos"]] == ids[:3]
    assert shown["contract"]["id"] == ids[3]
    assert [mark.get(one["url"], buffered=True).status_code for one in files] == [200] * 4
    unmerge(platform, "folder", keep, by="mark")
    for folder, photos, contract in ((keep, ids[:1], None), (gone, ids[:3], ids[3])):
        shown = mark.get(f"/api/v1/folder/{folder}").get_json()
        assert [one["id"] for one in shown["photos"]] == photos
        assert (shown["contract"] or {}).get("id") == contract
    merge(platform, "folder", keep, [gone], Wish({"photos": keep}), by="mark")
    shown = mark.get(f"/api/v1/folder/{keep}").get_json()
    assert [one["id"] for one in shown["photos"]] == ids[:1]


def test_more_files_than_a_field_takes_are_chosen_from(platform: Platform, login: Login) -> None:
    add_folders(platform)
    (mark,) = clients(login, "mark")
    ids = [uploaded(mark, name=f"{number}.pdf")["id"] for number in range(4)]
    keep, gone = make_folder(mark, photos=ids[:2]), make_folder(mark, photos=ids[2:])
    merge(platform, "folder", keep, [gone], by="mark")
    shown = mark.get(f"/api/v1/folder/{keep}").get_json()
    assert [one["id"] for one in shown["photos"]] == ids[:2]


SECRETS = {
    "the survivor's own": ("old", "new", Wish({}), "old"),
    "the only one": (None, "new", Wish({}), "new"),
    "chosen": ("old", "new", Wish({"token": "gone"}), "new"),
    "chosen and empty": ("old", None, Wish({"token": "gone"}), None),
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_passes_on_unseen(platform: Platform, login: Login, case: str) -> None:
    """Both are sealed for their places: what is merged is opened and sealed anew."""
    mine, other, wish, expected = SECRETS[case]
    add_folders(platform)
    (diana,) = clients(login, "diana")
    keep = make_folder(diana, token=mine)
    gone = make_folder(diana, token=other, id_number="110101199003071234")
    wish = replace(wish, fields={name: gone for name in wish.fields})
    merge(platform, "folder", keep, [gone], wish)
    assert secrets(platform, keep) == (expected, "110101199003071234")
    unmerge(platform, "folder", keep)
    assert secrets(platform, keep) == (mine, None)
    assert secrets(platform, gone) == (other, "110101199003071234")
    with platform.database.read() as connection:
        kept = connection.exec_driver_sql('SELECT "values" FROM record_merge').scalar_one()
    assert not {"old", "new", "110101199003071234"} & set(re.findall(r"\w+", str(kept)))


def secrets(platform: Platform, folder: str) -> tuple[str | None, object]:
    with system(platform) as unit:
        records = replace(unit, principal=SYSTEM).records()
        found = records.get("folder", folder, ["id_number"]) or {}
        return records.reveal("folder", folder, "token"), found["id_number"]


def test_a_secret_that_was_replaced_since_stays(platform: Platform, login: Login) -> None:
    add_folders(platform)
    (mark,) = clients(login, "mark")
    keep, gone = make_folder(mark), make_folder(mark, token="new")
    merge(platform, "folder", keep, [gone], by="mark")
    version = mark.get(f"/api/v1/folder/{keep}").headers["ETag"]
    changed = mark.patch(
        f"/api/v1/folder/{keep}", json={"token": "newer"}, headers={"If-Match": version}
    )
    assert changed.status_code == 200
    report = unmerge(platform, "folder", keep, by="mark")
    assert [(one.record, one.field) for one in report.kept] == [(keep, "token")]
    assert secrets(platform, keep) == ("newer", None)
    assert secrets(platform, gone) == ("new", None)
