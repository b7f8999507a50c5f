"""Looking with somebody else's eyes: what she sees, nothing written, both ends audited."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.platform.acting import database_hash, make
from tests.platform.world import Login, People
from trellis.audit.tables import audit_event
from trellis.runtime import Platform

LEAD = {"email": "li@acme.cn", "lead_source": "web"}


def events(platform: Platform) -> list[tuple[object, object]]:
    with platform.database.read() as connection:
        rows = connection.execute(
            sa.select(audit_event).where(audit_event.c.kind == "preview").order_by(audit_event.c.id)
        ).mappings()
        return [(row["by"], row["values"]["begun"]) for row in rows]


def test_an_administrator_sees_as_another_and_writes_nothing(
    platform: Platform, people: People, login: Login
) -> None:
    own = make(platform, "rita", "lead", name="Hers", **LEAD)
    other = make(platform, "ron", "lead", name="His", **LEAD)
    admin, rita = login("admin"), login("rita")
    assert admin.get(f"/o/lead/{other}").status_code == 200
    assert admin.post(f"/setup/people/{people['rita']}/preview").status_code == 302
    for path in ("/", "/o/lead/", f"/o/lead/{own}", f"/o/lead/{other}", "/setup/objects",
                 "/roles/list/", "/api/v1/lead", f"/api/v1/lead/{other}"):  # fmt: skip
        seen, hers = admin.get(path), rita.get(path)
        assert seen.status_code == hers.status_code, path
        if path.startswith("/api"):
            assert seen.get_data() == hers.get_data()
    page = admin.get("/o/lead/").get_data(as_text=True)
    assert "You see what Rita sees. Nothing can be changed." in page
    before = database_hash(platform)
    for method, path in (
        ("post", "/o/lead/new"),
        ("post", f"/o/lead/{own}/delete"),
        ("post", "/profile/password"),
        ("get", "/lang/zh"),
        ("post", "/api/v1/lead"),
        ("delete", f"/api/v1/lead/{own}"),
        ("post", f"/setup/people/{people['ron']}/preview"),
    ):
        answer = getattr(admin, method)(path, json={} if path.startswith("/api") else None)
        assert answer.status_code == 403, path
        assert "somebody else" in answer.get_data(as_text=True), path
    assert database_hash(platform) == before
    assert admin.post("/preview/end").status_code == 302
    assert admin.get(f"/o/lead/{other}").status_code == 200
    assert events(platform) == [(people["admin"], True), (people["admin"], False)]


def test_an_administrator_sees_what_a_role_opens(
    platform: Platform, people: People, login: Login
) -> None:
    make(platform, "rita", "lead", name="Hers", **LEAD)
    admin = login("admin")
    assert admin.post("/setup/people/roles/finance/preview").status_code == 302
    assert admin.get("/o/lead/").status_code == 404
    assert admin.get("/setup/objects").status_code == 403
    page = admin.get("/").get_data(as_text=True)
    assert "You see what the role Finance opens. Nothing can be changed." in page


@pytest.mark.parametrize(
    "path", ["/setup/people/{ron}/preview", "/setup/people/roles/admin/preview"]
)
def test_sec_07_nobody_else_takes_other_eyes(
    platform: Platform, people: People, login: Login, path: str
) -> None:
    rita = login("rita")
    before = database_hash(platform)
    assert rita.post(path.format(ron=people["ron"])).status_code == 403
    assert database_hash(platform) == before
    with rita.session_transaction() as session:
        session["preview"] = {"kind": "role", "id": "admin"}
    assert rita.get("/setup/objects").status_code == 403
