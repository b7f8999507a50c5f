"""Whose imported records are: by user name or e-mail, for who may assign."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, change_element, stored, system
from tests.platform.importing import counts, csv_bytes, problems, run, undo, upload
from tests.platform.test_import import targets
from tests.platform.world import People
from trellis.errors import Refused
from trellis.records.assign import assign_record
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.transfer.imports import Import

HEADERS = ["name", "email", "lead_source"]


def sheet(platform: Platform, header: str, *owners: str, by: str = "diana") -> Import:
    """Uploads leads of some owners, named by numbers."""
    rows = [[f"L{n}", f"l{n}@a.cn", "web", one] for n, one in enumerate(owners)]
    return upload(platform, by, "lead", csv_bytes([[*HEADERS, header], *rows]))


def owners(platform: Platform, people: People) -> dict[str, str | None]:
    """Gives the owners of all leads by their names."""
    names = {key: name for name, key in people.ids.items()}
    with system(platform) as unit:
        page = unit.records().list("lead", fields=["name", "owner", "owner_queue"], limit=99)
    return {str(r["name"]): names.get(str(r["owner"]), r["owner_queue"]) for r in page.items}


def email_of(platform: Platform, people: People, username: str) -> str:
    return str(stored(platform, "user", people[username])["email"])


def test_owners_are_found_by_user_name_e_mail_or_id(platform: Platform, people: People) -> None:
    given = ("ron", email_of(platform, people, "rita"), people["mark"], "", "nobody")
    started = sheet(platform, "Owner", *given)
    assert targets(platform, started)["Owner"] == "owner"
    assert run(platform, "diana", started) == {"create": 4, "error": 1}
    found = {"L0": "ron", "L1": "rita", "L2": "mark", "L3": "diana"}
    assert owners(platform, people) == found
    assert problems(platform, "diana", started) == {6: [("/owner", "unknown_reference")]}
    by_mail = sheet(platform, "负责人 邮箱", "ron")
    assert targets(platform, by_mail)["负责人 邮箱"] == "owner.by.email"


def test_sec01_only_who_may_assign_says_whose_they_are(platform: Platform, people: People) -> None:
    def allow(body: dict[str, Any]) -> None:
        body["grants"]["lead"]["import"] = True

    change_element(platform, "role", "sales_rep", allow)
    started = sheet(platform, "owner", "mark", by="rita")
    assert "owner" not in started.settings.targets
    with pytest.raises(Refused) as caught:
        run(platform, "rita", started, columns={"owner": "owner"})
    assert [problem.path for problem in caught.value.problems] == ["/columns/owner/field"]
    assert run(platform, "rita", started) == {"create": 1}
    assert owners(platform, people) == {"L0": "rita"}


def test_who_has_left_gets_nothing_and_the_row_is_told(platform: Platform, people: People) -> None:
    with system(platform) as unit:
        table = unit.catalog.tables["user"]
        left = sa.update(table).where(table.c.id == people["ron"])
        unit.connection.execute(left.values(active=False))
    started = sheet(platform, "owner", "ron", "rita")
    assert run(platform, "diana", started, dry=True) == {"create": 1, "error": 1}
    assert owners(platform, people) == {}
    assert run(platform, "diana", started) == {"create": 1, "error": 1}
    assert problems(platform, "diana", started) == {2: [("/owner", "unknown_reference")]}
    assert owners(platform, people) == {"L1": "rita"}


def test_undo_gives_records_back_to_whose_they_were(platform: Platform, people: People) -> None:
    run(platform, "diana", sheet(platform, "owner", "ron", "rita", "ron"))
    with system(platform) as unit:
        pool = save_record(unit, "queue", None, {"name": "Pool"}, channel="system").id
        page = unit.records().list("lead", fields=["id", "name"], limit=9)
        waits = next(str(one["id"]) for one in page.items if one["name"] == "L2")
    with acting(platform, "diana") as unit:
        assign_record(unit, "lead", waits, "Pool", channel="api")
    before = owners(platform, people)
    assert before == {"L0": "ron", "L1": "rita", "L2": pool}
    again = sheet(platform, "owner", "rita", "rita", "rita")
    settings = {"policy": "update", "match": "name"}
    assert run(platform, "diana", again, **settings) == {"update": 3}
    assert set(owners(platform, people).values()) == {"rita"}
    undo(platform, "diana", again)
    assert counts(platform, "diana", again) == {"undone": 3}
    assert owners(platform, people) == before
