"""The designer: from a title to a published object that people use."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.platform.acting import database_hash
from tests.platform.pages import get, read, text, texts, value
from tests.platform.world import Bearer, Login
from trellis.runtime import Platform

OBJECT = {
    "title": "Site visit",
    "title_zh": "现场勘察",
    "name": "site_visit",
    "icon": "map-pin",
    "hue": "teal",
    "owner": "1",
    "name_title": "Subject",
    "name_title_zh": "主题",
    "role-sales_rep": "own",
    "role-sales_manager": "all",
}
FIELDS = (
    {
        "kind": "choice",
        "name": "result",
        "title": "Result",
        "title_zh": "结果",
        "/crm/options": ["", "new0", "new1", "new2"],
        "/crm/options/new0/title": "Good",
        "/crm/options/new0/~zh": "良好",
        "/crm/options/new0/hue": "green",
        "/crm/options/new1/title": "Bad",
        "/crm/options/new1/~zh": "不佳",
        "/crm/options/new1/hue": "red",
        "/crm/options/new2/hue": "amber",
    },
    {"kind": "money", "name": "budget", "title": "Budget", "/crm/currency": "CNY", "/minimum": "0"},
    {"kind": "date", "name": "visited_on", "title": "Visited on", "required": "1"},
    {"kind": "reference", "name": "account", "title": "Account", "/crm/to": "account"},
    {"kind": "integer", "name": "people", "title": "People", "/minimum": "1", "/maximum": "99"},
    {"kind": "long_text", "name": "notes", "title": "Notes"},
)


def draft_object(admin: FlaskClient) -> None:
    assert admin.post("/setup/objects/new", data=OBJECT).status_code == 302
    for field in FIELDS:
        answer = admin.post("/setup/objects/site_visit/fields", data=field)
        assert answer.status_code == 302, read(answer).text_content()


def publish(admin: FlaskClient, **data: str) -> int:
    token = value(get(admin, "/setup/publish"), "[name=token]")
    return admin.post("/setup/publish", data={"token": token, **data}).status_code


def test_an_object_without_a_file(platform: Platform, login: Login, bearer: Bearer) -> None:
    admin, rita = login("admin"), login("rita")
    draft_object(admin)
    page = get(admin, "/setup/objects/site_visit")
    assert texts(page, ".field-card .title .truncate") == [
        *("Subject", "Result", "Budget", "Visited on", "Account", "People", "Notes")
    ]
    assert rita.get("/o/site_visit/").status_code == 404
    assert "New object site_visit" in get(admin, "/setup/publish").text_content()
    assert publish(admin, message="For the field team") == 302
    noted = get(admin, "/setup/audit?kind=publish").text_content()
    assert "Message: For the field team" in noted
    assert "Definitions published" in noted
    assert "Roles: " in get(admin, "/setup/audit?kind=rights").text_content()
    assert "For the field team" in texts(get(admin, "/setup/versions"), "tbody tr")[0]
    rita.post("/lang/zh")
    form = get(rita, "/o/site_visit/new")
    assert texts(form, "label.label")[:2] == ["主题 必填", "结果"] or "主题" in form.text_content()
    data = {"name": "North", "result": "good", "visited_on": "2026-11-02", "people": "3"}
    answer = rita.post("/o/site_visit/new", data=data)
    assert answer.status_code == 302, texts(read(answer), "#summary")
    assert "良好" in text(get(rita, answer.headers["Location"]), ".highlights")
    items = rita.get("/api/v1/site_visit", headers=bearer("rita")).get_json()["items"]
    assert [(item["name"], item["result"]) for item in items] == [("North", "good")]
    wrong = rita.post("/o/site_visit/new", data={**data, "people": "100", "visited_on": ""})
    assert wrong.status_code == 422


def test_renaming_keeps_the_data(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    publish(admin)
    data = {"name": "North", "visited_on": "2026-11-02", "people": "3"}
    record = admin.post("/o/site_visit/new", data=data).headers["Location"]
    field = {"was": "people", "kind": "integer", "name": "heads", "title": "Heads", "/minimum": "1"}
    assert admin.post("/setup/objects/site_visit/fields", data=field).status_code == 302
    assert "heads" in get(admin, "/setup/publish").text_content()
    assert publish(admin) == 302
    assert text(get(admin, record), "#field-heads .value") == "3"


def test_losing_something_has_to_be_typed(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    publish(admin)
    admin.post("/setup/objects/site_visit/fields/notes/retire")
    assert "site_visit.notes" in get(admin, "/setup/publish").text_content()
    before = database_hash(platform)
    assert publish(admin) == 422
    assert publish(admin, confirm="site_visit.people") == 422
    assert database_hash(platform) == before
    assert publish(admin, confirm="site_visit.notes") == 302
    page = get(admin, "/setup/objects/site_visit")
    assert "Notes" not in texts(page, ".field-card .title .truncate")


def test_bad_drafts_are_refused_with_what_was_typed(platform: Platform, login: Login) -> None:
    admin = login("admin")
    for name in ("", "9lives", "lead", "search"):
        answer = admin.post("/setup/objects/new", data={**OBJECT, "name": name})
        assert answer.status_code == 422, name
        page = read(answer)
        assert page.get_element_by_id("f-title").get("value") == "Site visit"
        assert text(page, "[role=alert]")
    draft_object(admin)
    bad = {"kind": "integer", "name": "owner", "title": "Owner"}
    answer = admin.post("/setup/objects/site_visit/fields", data=bad)
    assert answer.status_code == 422
    assert "owner" in text(read(answer), ".inspector [role=alert]")


def test_access_and_settings_are_drafts_too(platform: Platform, login: Login) -> None:
    admin = login("admin")
    draft_object(admin)
    publish(admin)
    admin.post("/setup/objects/site_visit/access", data={"role-sales_rep": "none"})
    admin.post(
        "/setup/objects/site_visit/settings", data={**OBJECT, "title": "Visit", "plural": "Visits"}
    )
    assert login("rita").get("/o/site_visit/").status_code == 200
    publish(admin)
    assert login("rita").get("/o/site_visit/").status_code == 404
    assert text(get(login("mark"), "/o/site_visit/"), "h1") == "Visits"
    admin.post("/setup/objects/site_visit/settings", data={**OBJECT, "title": "Other"})
    admin.post("/setup/discard")
    assert "Nothing to publish" in get(admin, "/setup/publish").text_content()
