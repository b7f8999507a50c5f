"""Where people stand: dates begin and end, roles exclude each other, snapshots cost no SQL."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from metadata.problems import sentence
from tests.platform.acting import acting, change_element, counted, database_hash, join_group, system
from tests.platform.world import Login, People, csrf_token
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.security.access import Accounts
from trellis.security.tables import ab_role
from trellis.security.users import UserError, account_of, set_roles


def test_a_day_changes_who_manages(platform: Platform, people: People) -> None:
    with system(platform) as unit:
        today = unit.moment.today
        period = {
            "person": people["rita"],
            "manager": people["ron"],
            "kind": "line",
            "from": (today + timedelta(days=2)).isoformat(),
            "until": (today + timedelta(days=3)).isoformat(),
        }
        save_record(unit, "manager_period", None, period, channel="system")
        dotted = {"person": people["rita"], "manager": people["fay"], "kind": "dotted"}
        save_record(unit, "manager_period", None, dotted, channel="system")
    change_element(
        platform, "role", "sales_rep", lambda body: body["grants"]["lead"].update(read="subtree")
    )
    change_element(
        platform, "role", "finance", lambda body: body["grants"].update(lead={"read": "subtree"})
    )
    days = [today]
    accounts = Accounts(lambda: days[0])
    with platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        ids = connection.execute(sa.select(users.c.username, users.c.account)).all()
        account_ids = {str(row[0]): int(row[1]) for row in ids}
        seen = []
        for later in range(5):
            days[0] = today + timedelta(days=later)
            found = [
                accounts.principal_for(connection, snapshot, account_ids[name])
                for name in ("ron", "fay")
            ]
            reached = [one.access("lead").reach("read").owners for one in found if one]
            seen.append([people["rita"] in owners for owners in reached])
    assert seen == [[False, True], [False, True], [True, True], [True, True], [False, True]]


def test_roles_that_exclude_each_other(platform: Platform, people: People) -> None:
    change_element(platform, "role", "finance", lambda body: body.update(excludes=["sales_rep"]))
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        for roles in (["finance", "sales_rep"], ["sales_rep", "finance", "sales_manager"]):
            with pytest.raises(UserError) as caught:
                set_roles(connection, catalog, people["rita"], roles)
            (problem,) = caught.value.problems
            assert sentence(problem) == (
                '"finance" and "sales_rep" may not be held together; take one of them away'
            )
            assert "不能同时持有" in sentence(problem, "zh")
        account = account_of(connection, catalog, people["rita"])
        join_group(connection, account, "finance")
    with acting(platform, "rita") as unit:
        assert unit.principal.roles == {"finance", "sales_rep"}
        assert not any(unit.principal.access(name).exists for name in unit.catalog.objects)


def test_a_known_person_costs_no_sql(platform: Platform, people: People) -> None:
    with platform.database.read() as connection:
        snapshot = platform.catalogs.snapshot(connection)
        users = snapshot.catalog.tables["user"]
        account_id = connection.execute(
            sa.select(users.c.account).where(users.c.username == "rita")
        ).scalar_one()
        assert platform.accounts.account(connection, snapshot, account_id) is not None
        with counted(platform) as statements:
            began = time.perf_counter()
            for _ in range(2_000):
                found = platform.accounts.principal_for(connection, snapshot, account_id)
                assert found is not None
                assert found.access("lead").may("read")
            each = (time.perf_counter() - began) / 2_000
        assert statements == []
    assert each < 25e-6  # 5 µs on a machine of its own


@pytest.mark.parametrize(
    ("object_name", "values"),
    [
        ("territory", {"name": "North"}),
        ("queue", {"name": "Pool"}),
        ("team", {"name": "East", "others": ["{ron}"]}),
        ("territory", {"name": "South", "members": ["{ron}"]}),
        ("manager_period", {"person": "{ron}", "manager": "{mark}", "kind": "dotted"}),
    ],
)
def test_every_change_of_standing_moves_the_version(
    platform: Platform, people: People, object_name: str, values: dict[str, object]
) -> None:
    given = {
        name: [people["ron"]] if isinstance(value, list) else str(value).format(**people.ids)
        for name, value in values.items()
    }
    with platform.database.read() as connection:
        before = platform.catalogs.snapshot(connection).security
    with system(platform) as unit:
        save_record(unit, object_name, None, given, channel="system")
    with platform.database.read() as connection:
        assert platform.catalogs.snapshot(connection).security > before


@pytest.mark.parametrize("way", ["add", "edit/7"])
def test_a_group_may_not_bring_together_what_excludes_each_other(
    platform: Platform, people: People, login: Login, way: str
) -> None:
    change_element(platform, "role", "finance", lambda body: body.update(excludes=["sales_rep"]))
    with platform.database.write() as connection:
        rows = connection.execute(sa.select(ab_role.c.name, ab_role.c.id)).all()
        ids = {str(row[0]): int(row[1]) for row in rows}
        catalog = platform.catalogs.current(connection)
        join_group(connection, account_of(connection, catalog, people["fay"]), "finance")
    admin = login("admin")
    data = {"name": "mixed", "roles": [str(ids["finance"]), str(ids["sales_rep"])]}
    data["csrf_token"] = csrf_token(admin)
    before = database_hash(platform)
    told = admin.post(f"/groups/{way}", data=data, follow_redirects=True).get_data(as_text=True)
    assert "may not be held together" in told
    assert database_hash(platform) == before
