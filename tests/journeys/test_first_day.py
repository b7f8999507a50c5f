"""The first day with Trellis: an admin makes an object, a rep sells, managers approve."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import LOOKS, PASSWORD, Enter, Installation, Look, Person

FIELDS = [
    ("text", "Site", "地点", "site"),
    ("choice", "Phase", "阶段", "phase"),
    ("date", "Starts on", "开始日期", "starts_on"),
    ("money", "Budget", "预算", "budget"),
    ("boolean", "Confirmed", "已确认", "confirmed"),
    ("reference", "Account", "客户", "account"),
]
QUOTE_DISCOUNT = "25"
PROBLEM_TITLE = ".field .error"

PEOPLE = {
    "en-1440": ("Mei Tan", "Harbour Foods"),
    "zh-1440": ("罗建国", "临海水产"),
    "en-390": ("Olga Petrova", "Bright Mills"),
    "zh-390": ("欧阳雪", "远山茶业"),
}

# Each language and each width on both databases, and each language in both widths, in half the runs
# that all three at once would take.
each_look = pytest.mark.parametrize(
    "look",
    [
        pytest.param(look, id=look.name, marks=pytest.mark.on(dialect))
        for look, dialect in zip(
            LOOKS, ("sqlite", "postgresql", "postgresql", "sqlite"), strict=True
        )
    ],
)


@each_look
def test_an_admin_makes_an_object_and_a_rep_uses_it(
    look: Look, enter: Enter, installation: Installation
) -> None:
    name = f"project_{look.language}_{look.width}"
    title, title_zh = f"Project {look.name}", f"项目 {look.name}"
    admin = enter("admin", look, "object")
    make_object(admin, name, title, title_zh)
    for field in FIELDS:
        add_field(admin, name, *field)
    admin.goto("/setup/publish")
    expect(
        admin.page.get_by_text("version" if look.language == "en" else "版本").first
    ).to_be_visible()
    admin.keep("plan")
    admin.page.fill("input[name=message]", "For the first projects")
    admin.page.locator("form[action='/setup/publish'] button.primary").click()
    admin.page.wait_for_url(re.compile(r"/setup/"))
    admin.keep("published")

    rep = enter("wei", look, "object")
    rep.goto(f"/o/{name}/")
    rep.keep("empty-list")
    rep.goto(f"/o/{name}/new")
    rep.page.fill("input[name=name]", "Harbour crane")
    rep.page.fill("input[name=site]", "Pier 4")
    rep.page.select_option("select[name=phase]", index=1)
    rep.page.fill("input[name=starts_on]", "2027-03-01")
    rep.page.fill("input[name=budget]", "125000")
    choose(rep.page, "account", "Northwind")
    rep.keep("form")
    save(rep.page)
    expect(rep.page.locator("h1").first).to_have_text("Harbour crane")
    expect(rep.page.get_by_text("125,000").first).to_be_attached()
    rep.keep("record")
    rep.goto(f"/o/{name}/")
    expect(rep.page.get_by_role("link", name="Harbour crane").first).to_be_visible()
    rep.keep("list")

    answer = api(installation, "wei", f"/api/v1/{name}?fields=name,site,budget,phase")
    assert [item["name"] for item in answer["items"]] == ["Harbour crane"]
    assert answer["items"][0]["budget"] == {"amount": "125000.00", "currency": "CNY"}


@each_look
def test_a_lead_gets_its_score_with_reasons(look: Look, enter: Enter) -> None:
    rep = enter("wei", look, "lead")
    rep.goto("/o/lead/new")
    save(rep.page)
    expect(rep.page.locator(PROBLEM_TITLE).first).to_be_visible()
    rep.keep("refused")
    # Somebody else in each look: the same person again would be held up as a duplicate.
    name, company = PEOPLE[look.name]
    rep.page.fill("input[name=name]", name)
    rep.page.fill("input[name=company]", company)
    rep.page.fill("input[name=email]", f"{look.name}@people.example")
    rep.page.fill("input[name=employees]", "1500")
    rep.page.select_option("select[name=industry]", "software")
    rep.page.select_option("select[name=lead_source]", "referral")
    rep.keep("form")
    save(rep.page)
    expect(rep.page.locator("h1").first).to_have_text(name)
    show_details(rep)
    why = rep.page.locator(".why").first
    expect(why).to_contain_text("60")
    expect(why).to_contain_text(look.say("Enterprise size", "企业规模大"))
    expect(why).to_contain_text(look.say("Target industry", "目标行业"))
    rep.keep("scored")


@each_look
def test_a_discount_is_approved_by_manager_and_director(look: Look, enter: Enter) -> None:
    name = f"Quote {look.name}"
    rep = enter("wei", look, "quote")
    rep.goto("/o/quote/new")
    rep.page.fill("input[name=name]", name)
    choose(rep.page, "account", "Northwind")
    rep.page.fill("input[name=amount]", "800000")
    rep.page.fill("input[name=discount]", QUOTE_DISCOUNT)
    rep.page.fill("input[name=margin]", "40")
    rep.page.fill("input[name=valid_until]", "2030-12-31")
    rep.keep("form")
    save(rep.page)
    expect(rep.page.locator("h1").first).to_have_text(name)
    address = rep.page.url
    rep.page.locator("form[action$='/actions/submit'] button:visible").first.click()
    expect(rep.page.locator("form[action$='/actions/recall']").first).to_be_attached()
    rep.keep("submitted")

    approve(enter("mark", look, "quote"), name)
    approve(enter("diana", look, "quote"), name)

    rep.page.goto(address)
    show_details(rep)
    steps = rep.page.locator("ol.steps").first.locator("li")
    expect(steps.nth(0)).to_have_class(re.compile("approved"))
    expect(steps.nth(1)).to_have_class(re.compile("approved"))
    expect(steps.nth(2)).to_have_class(re.compile("skipped"))
    expect(rep.page.locator(".tag", has_text=look.say("Approved", "已批准")).first).to_be_attached()
    rep.keep("approved")
    rep.goto("/notifications")
    expect(rep.page.get_by_text(name).first).to_be_visible()
    rep.keep("told")


def make_object(admin: Person, name: str, title: str, title_zh: str) -> None:
    admin.goto("/setup/objects/new")
    page = admin.page
    page.fill("input[name=title]", title)
    page.fill("input[name=title_zh]", title_zh)
    page.fill("input[name=plural]", f"{title}s")
    page.fill("input[name=name]", name)
    page.select_option("select[name=role-sales_rep]", "own")
    admin.keep("new-object")
    page.locator("form[action='/setup/objects/new'] button.primary").click()
    page.wait_for_url(re.compile(f"/setup/objects/{name}"))


def add_field(admin: Person, name: str, kind: str, title: str, title_zh: str, field: str) -> None:
    admin.goto(f"/setup/objects/{name}?new={kind}")
    page = admin.page
    page.fill("#field-form input[name=title]", title)
    page.fill("#field-form input[name=title_zh]", title_zh)
    expect(page.locator("#field-form input[name=name]")).to_have_value(field)
    if kind == "choice":
        for option, option_zh in (("Plan", "规划"), ("Build", "建设"), ("Done", "完成")):
            page.locator("[data-adds-keyword-row]").click()
            page.locator(".option-row > input[name$='/title']").last.fill(option)
            page.locator(".option-row > input[name$='/~zh']").last.fill(option_zh)
    if kind == "reference":
        page.select_option("#field-form select[name='/crm/to']", "account")
    if kind == "money":
        page.fill("#field-form input[name='/crm/currency']", "CNY")
    admin.keep(f"field-{field}")
    page.locator("#field-form button.primary").click()
    expect(page.locator(f"a.field-card[href*='field={field}']")).to_be_attached()


def choose(page: Page, field: str, text: str) -> None:
    """Picks the first record that a relation picker finds."""
    picker = page.locator(f"crm-reference[name={field}]")
    picker.locator("input[role=combobox]").fill(text)
    picker.locator("[role=option]:not([aria-disabled])").first.click()
    expect(picker.locator("input[type=hidden]")).not_to_have_value("")


def save(page: Page) -> None:
    page.locator(".form-actions button.primary").first.click()


def show_details(person: Person) -> None:
    """Opens the details beside the timeline, which a phone keeps on a tab of their own."""
    tab = person.page.locator("[data-tab-target=details]")
    if tab.is_visible():
        tab.click()


def approve(person: Person, name: str) -> None:
    person.goto("/approvals")
    request = person.page.locator("article.request", has_text=name)
    expect(request).to_be_visible()
    request.scroll_into_view_if_needed()
    person.keep("inbox")
    request.locator("textarea[name=comment]").fill("Good terms")
    request.locator("button[value=approve]").click()
    expect(person.page.locator("article.request", has_text=name)).to_have_count(0)
    person.keep("decided")


def api(installation: Installation, username: str, path: str) -> Any:
    body = json.dumps({"username": username, "password": PASSWORD, "provider": "db"}).encode()
    login = urllib.request.Request(
        f"{installation.address}/api/v1/security/login",
        data=body,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(login, timeout=10) as answer:
        token = json.load(answer)["access_token"]
    question = urllib.request.Request(
        installation.address + path, headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(question, timeout=10) as answer:
        return json.load(answer)
