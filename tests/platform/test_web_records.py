"""Records as pages: shown, made, changed, decided."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.platform.acting import database_hash, make, restrict_field, stored
from tests.platform.pages import HTMX, get, hrefs, read, select, text, texts, value
from tests.platform.world import Login
from trellis.runtime import Platform


@pytest.fixture
def lead(platform: Platform) -> str:
    """The address of a lead of rita."""
    values = {"name": "Li Na", "lead_source": "referral", "company": "Acme", "employees": 300}
    values["email"] = "li@acme.example"
    return f"/o/lead/{make(platform, 'rita', 'lead', **values)}"


@pytest.fixture
def quote(platform: Platform) -> str:
    """The address of a quote of rita with a discount of 25 %."""
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": "Q-1", "account": account, "discount": "0.25", "amount": "1000"}
    return f"/o/quote/{make(platform, 'rita', 'quote', status='draft', **values)}"


def record_of(platform: Platform, address: str) -> dict[str, object]:
    _, _, name, key = address.split("/")
    return dict(stored(platform, name, key))


def test_a_record_shows_what_it_is_and_why(login: Login, lead: str) -> None:
    page = get(login("rita"), lead)
    assert text(page, "h1") == "Li Na"
    assert text(page, ".stages [aria-current=step]") == "New"
    assert "+10 Mid-market size" in text(page, ".why .points")
    assert "add 10 when employees between 200 and 999" in text(page, ".why pre")
    assert texts(page, ".event b")[-1] == "Rita"
    assert text(page, "#field-company .value") == "Acme"


def test_what_a_rule_computes_later_is_no_second_beginning(
    platform: Platform, login: Login, quote: str
) -> None:
    line = {"quote": quote.rsplit("/", 1)[1], "product": "A", "quantity": "2", "unit_price": "50"}
    make(platform, "rita", "quote_line", **line)
    timeline = text(get(login("rita"), quote), "#record-activity")
    assert timeline.count("created this record") == 1
    assert "set Amount" in timeline
    assert "Quote line changed" in timeline
    client = login("rita")
    client.post("/lang/zh")
    page = get(client, quote)
    assert "报价明细已更改" in text(page, "#record-activity")
    assert "报价明细" in text(page, "#record-panel")


def test_a_new_record(platform: Platform, login: Login) -> None:
    client = login("rita")
    page = get(client, "/o/lead/new")
    assert select(page, "form[novalidate]")
    answer = client.post(
        "/o/lead/new", data={"name": "Wei", "lead_source": "web", "budget": "1,200"}
    )
    assert answer.status_code == 302
    record = record_of(platform, answer.headers["Location"])
    assert (record["name"], str(record["budget"].amount)) == ("Wei", "1200.00")  # type: ignore[attr-defined]


def test_all_mistakes_are_shown_beside_their_fields(login: Login) -> None:
    data = {"name": "", "lead_source": "web", "email": "nobody", "employees": "many"}
    answer = login("rita").post("/o/lead/new", data=data)
    page = read(answer)
    assert answer.status_code == 422
    assert hrefs(page, "#summary a") == ["#name", "#email", "#employees"]
    for name in ("name", "email", "employees"):
        field = page.get_element_by_id(name)
        assert field.get("aria-invalid") == "true"
        assert field.get("aria-describedby") == f"{name}-error"
        assert page.get_element_by_id(f"{name}-error").text_content().strip()
    assert page.get_element_by_id("email").get("value") == "nobody"


def test_a_rules_message_stands_in_the_readers_language(login: Login) -> None:
    client = login("rita")
    data = {"name": "Wei", "status": "qualified", "email": "wei@acme.example"}
    english = client.post("/o/lead/new", data=data)
    assert "Name the company before the lead counts as qualified" in text(read(english), "#summary")
    client.post("/lang/zh")
    chinese = client.post("/o/lead/new", data=data)
    assert "确认线索前请填写公司" in text(read(chinese), "#summary")


def test_what_is_forbidden_is_not_in_the_form(platform: Platform, login: Login, lead: str) -> None:
    restrict_field(platform, "sales_rep", "lead", "budget", "hidden")
    restrict_field(platform, "sales_rep", "lead", "company", "read")
    client = login("rita")
    form, page = get(client, f"{lead}/edit"), get(client, lead)
    assert not select(form, "[name=budget], [name=company]")
    assert "Budget" not in page.text_content()
    assert not select(page, "#field-company .edit-button")
    assert client.get(f"{lead}/field/budget").status_code == 404
    before = database_hash(platform)
    client.post(f"{lead}/edit", data={"name": "Li Na", "company": "Evil", "budget": "1"})
    assert client.post(f"{lead}/field/company", data={"company": "Evil"}).status_code == 404
    assert database_hash(platform) == before


def test_one_field_in_place(platform: Platform, login: Login, lead: str) -> None:
    client = login("rita")
    form = read(client.get(f"{lead}/field/company", headers=HTMX))
    version = value(form, "[name=version]")
    data = {"company": "Beta", "version": version}
    answer = client.post(f"{lead}/field/company", data=data, headers=HTMX)
    page = read(answer)
    assert text(page, "#field-company .value") == "Beta"
    assert "set Company" in texts(page, ".event")[0]
    wrong = client.post(
        f"{lead}/field/email", data={"email": "x", "version": int(version) + 1}, headers=HTMX
    )
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#field-email")
    assert text(read(wrong), ".error").startswith('"x" is not an email address')
    stale = client.post(f"{lead}/field/company", data={"company": "C", "version": 1}, headers=HTMX)
    assert "Somebody else has just saved" in stale.get_data(as_text=True)
    assert record_of(platform, lead)["company"] == "Beta"


def test_the_stage_moves_by_a_click(platform: Platform, login: Login, lead: str) -> None:
    client = login("rita")
    moved = client.post(f"{lead}/field/status", data={"status": "working"})
    assert moved.status_code == 302, texts(read(moved), ".notice")
    assert record_of(platform, lead)["status"] == "working"
    refused = client.post(f"{lead}/field/status", data={"status": "new"})
    assert refused.status_code == 422
    assert record_of(platform, lead)["status"] == "working"


def test_two_people_at_once_see_both_values(platform: Platform, login: Login, lead: str) -> None:
    client = login("rita")
    version = value(get(client, f"{lead}/edit"), "[name=version]")
    client.post(f"{lead}/field/company", data={"company": "Theirs"})
    data = {"name": "Li Na", "lead_source": "referral", "company": "Mine", "version": version}
    answer = client.post(f"{lead}/edit", data=data)
    page = read(answer)
    assert answer.status_code == 409
    assert "theirs: Theirs · yours: Mine" in text(page, ".changes")
    newest = value(page, "[name=version]")
    assert client.post(f"{lead}/edit", data={**data, "version": newest}).status_code == 302
    assert record_of(platform, lead)["company"] == "Mine"


def test_a_note_is_an_activity(platform: Platform, login: Login, lead: str) -> None:
    client = login("rita")
    answer = client.post(
        f"{lead}/activities", data={"text": "Called\nWants a demo", "kind": "call"}
    )
    assert answer.status_code == 302
    event = texts(get(client, lead), ".event")[0]
    assert event.startswith("Rita Call Called")
    assert event.endswith("Wants a demo")
    assert client.post(f"{lead}/activities", data={"text": " "}).status_code == 422


def test_the_picker_finds_what_the_person_may_see(platform: Platform, login: Login) -> None:
    make(platform, "rita", "lead", name="Northwind", lead_source="web")
    answers = [login(name).get("/o/lead/lookup?q=north") for name in ("rita", "ron")]
    found = [answer.get_json()["items"] for answer in answers]
    assert [[item["name"] for item in items] for items in found] == [["Northwind"], []]
    assert login("fay").get("/o/lead/lookup?q=north").status_code == 404
    assert "Northwind" in login("rita").get("/search?q=north").get_data(as_text=True)
    assert "Northwind" not in login("ron").get("/search?q=north").get_data(as_text=True)


def decide(client: FlaskClient, verdict: str, comment: str = "") -> int:
    action = select(get(client, "/approvals"), "form[action^='/approvals/']")[0].get("action")
    answer = client.post(str(action), data={"verdict": verdict, "comment": comment})
    return answer.status_code


def test_a_quote_goes_its_way_through_the_inboxes(
    platform: Platform, login: Login, quote: str
) -> None:
    rita, mark, diana = login("rita"), login("mark"), login("diana")
    assert "Submit for approval" in get(rita, quote).text_content()
    rita.post(f"{quote}/actions/submit")
    page = get(rita, quote)
    assert text(page, ".steps .current b") == "Sales manager"
    assert "Because Discount > 10% (Discount is 25%)" in text(page, ".why > p")
    assert "only when Discount > 30% (Discount is 25%)" in texts(page, ".steps .skipped")[0]
    assert not hrefs(page, "a[href$='/edit']")
    assert text(get(mark, "/approvals"), ".request .amount") == "¥1,000"
    assert decide(mark, "reject") == 422
    assert decide(mark, "approve", "Fine") == 302
    assert mark.post(f"{quote}/actions/decide", data={"verdict": "approve"}).status_code == 302
    assert texts(get(mark, "/approvals"), ".request") == []
    assert decide(diana, "approve") == 302
    page = get(rita, quote)
    assert [*texts(page, ".steps .approved b")] == ["Sales manager", "Sales director"]
    assert "Fine" in texts(page, ".steps blockquote")
    assert record_of(platform, quote)["status"] == "approved"


def test_deciding_in_place_and_recalling(platform: Platform, login: Login, quote: str) -> None:
    rita, mark = login("rita"), login("mark")
    rita.post(f"{quote}/actions/submit", headers=HTMX)
    assert "Your decision is needed" in get(mark, quote).text_content()
    refused = mark.post(f"{quote}/actions/decide", data={"verdict": "reject"}, headers=HTMX)
    assert refused.status_code == 422
    assert select(read(refused), "#comment-here[aria-invalid=true]")
    rita.post(f"{quote}/actions/recall", headers=HTMX)
    assert record_of(platform, quote)["status"] == "draft"
    assert texts(get(mark, "/approvals"), ".request") == []


def test_deleting_leads_back_to_the_list(platform: Platform, login: Login, lead: str) -> None:
    assert login("rita").post(f"{lead}/delete").status_code == 403
    admin = login("admin")
    assert admin.post(f"{lead}/delete").headers["Location"] == "/o/lead/"
    assert admin.get(lead).status_code == 404


@pytest.mark.parametrize(
    "address", ["", "/edit", "/field/company", "/delete", "/actions/submit", "/activities"]
)
def test_records_out_of_reach_do_not_exist(login: Login, lead: str, address: str) -> None:
    ron = login("ron")
    method = ron.post if address in {"/delete", "/actions/submit", "/activities"} else ron.get
    assert method(lead + address).status_code == 404
