"""Forms while somebody fills them in: what comes, goes, is asked for and is offered."""

from __future__ import annotations

import random
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.platform.acting import make, stored
from tests.platform.conditional_world import OBJECTS, WORKSHOP, publish_more
from tests.platform.test_web_browser import DESK, PHONE, RULES, Visitor, visitor
from tests.platform.world import People
from trellis.runtime import Platform

__all__ = ["visitor"]

SECTIONS = {
    "kind": "form",
    "sections": [
        {"title": "Main", "fields": ["name", "stage", "amount", "account"]},
        {"title": "Place", "fields": ["province", "city"], "visible_when": 'stage != "lost"'},
        {"title": "Rest", "fields": ["reason", "discount", "contact"]},
    ],
}


@pytest.fixture(autouse=True)
def objects(platform: Platform, people: People) -> None:
    others = {"layout/ticket/workshop": WORKSHOP, "layout/shipment/form": SECTIONS}
    publish_more(platform, OBJECTS, others)


def box(page: Page, name: str) -> Locator:
    return page.locator(f"#{name}-box")


def marked(page: Page, name: str) -> Locator:
    return box(page, name).locator(".required-mark")


def test_a_form_follows_what_is_typed(visitor: Visitor, platform: Platform) -> None:
    page = visitor.enter("rita")
    page.goto("/o/shipment/new")
    page.fill("[name=name]", "Glass")
    expect(box(page, "reason")).to_be_hidden()
    expect(box(page, "discount")).to_be_hidden()
    page.select_option("[name=stage]", "agreed")
    expect(marked(page, "amount")).to_be_visible()
    page.fill("[name=amount]", "1,000.01")
    expect(box(page, "discount")).to_be_visible()
    expect(marked(page, "discount")).to_be_visible()
    page.fill("[name=discount]", "12")
    page.select_option("[name=stage]", "lost")
    expect(box(page, "reason")).to_be_visible()
    expect(page.get_by_role("heading", name="Place")).to_be_hidden()
    expect(marked(page, "amount")).to_have_count(0)
    page.fill("[name=reason]", "late")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/o/shipment/[0-9a-f-]{36}$"))
    saved = stored(platform, "shipment", page.url.rsplit("/", 1)[1])
    assert (saved["reason"], str(saved["discount"])) == ("late", "0.120000")


STEPS = {
    "stage": ("draft", "offered", "agreed", "done", "lost"),
    "province": ("", "zhejiang", "jiangsu"),
    "city": ("", "hangzhou", "suzhou"),
    "amount": ("", "50", "1,000", "１２００", "1000.01", "much"),
    "discount": ("", "5", "10%", "0.5"),
    "reason": ("", "late"),
}
STATE = """root => [...root.querySelectorAll('fieldset.field')].map(box => [
  box.id, box.hidden, box.disabled, Boolean(box.querySelector('.required-mark')),
  ...[...box.querySelectorAll('option')].filter(one => !one.hidden).map(one => one.value)])"""
RENDERED = f"""async form => {{
  const body = new FormData(form)
  body.set('then', 'look')
  const answer = await fetch(form.action, {{ method: 'POST', body }})
  return ({STATE})(new DOMParser().parseFromString(await answer.text(), 'text/html'))
}}"""


@pytest.mark.parametrize("stage", [None, "draft", "done"])
def test_browser_and_server_agree(visitor: Visitor, platform: Platform, stage: str | None) -> None:
    randoms = random.Random(f"forms {stage}")
    page = visitor.enter("rita")
    address = "/o/shipment/new"
    if stage is not None:
        values = {"name": "S", "province": "zhejiang", "city": "ningbo", "amount": "2000"}
        address = f"/o/shipment/{make(platform, 'rita', 'shipment', **values, stage=stage)}/edit"
    page.goto(address)
    form = page.locator("form[data-logic]")
    for _ in range(25):
        name = randoms.choice(list(STEPS))
        value = randoms.choice(STEPS[name])
        page.evaluate(
            """([name, value]) => {
              const input = document.querySelector(`[name=${name}]`)
              if (input.matches(':disabled')) return
              const option = [...input.options ?? []].find(one => one.value === value)
              if (input.options && (!option || option.disabled)) return
              input.value = value
              input.dispatchEvent(new Event('input', { bubbles: true }))
            }""",
            [name, value],
        )
        assert form.evaluate(STATE) == form.evaluate(RENDERED), (name, value)


def test_what_is_hidden_again_is_not_saved(visitor: Visitor, platform: Platform) -> None:
    page = visitor.enter("rita")
    page.goto("/o/shipment/new")
    page.fill("[name=name]", "Glass")
    page.select_option("[name=stage]", "lost")
    page.fill("[name=reason]", "late")
    page.select_option("[name=stage]", "draft")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/o/shipment/[0-9a-f-]{36}$"))
    saved = stored(platform, "shipment", page.url.rsplit("/", 1)[1])
    assert (saved["stage"], saved["reason"]) == ("draft", None)


def test_options_follow_other_inputs(visitor: Visitor, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S", province="zhejiang", city="ningbo")
    page = visitor.enter("rita")
    page.goto(f"/o/shipment/{key}/edit")
    offered = page.locator("[name=city] option:not([hidden])")
    expect(offered).to_have_text(["", "Hangzhou", "Ningbo"])
    page.select_option("[name=province]", "jiangsu")
    expect(offered).to_have_text(["", "Suzhou"])
    expect(page.locator("[name=city]")).to_have_value("")


def test_what_only_the_server_knows_is_asked(visitor: Visitor, platform: Platform) -> None:
    bank = make(platform, "rita", "account", name="Bank", industry="finance")
    make(platform, "rita", "account", name="Shop", industry="retail")
    make(platform, "rita", "contact", name="Li Na", account=bank)
    make(platform, "rita", "contact", name="Li Wei")
    page = visitor.enter("rita")
    page.goto("/o/shipment/new")
    assert "finance" not in page.content()
    picker = page.locator("crm-reference[name=account]")
    picker.get_by_role("combobox").press_sequentially("bank")
    picker.get_by_role("option", name="Bank").click()
    expect(marked(page, "contact")).to_be_visible()
    person = page.locator("crm-reference[name=contact]")
    person.get_by_role("combobox").press_sequentially("li")
    expect(person.get_by_role("option")).to_have_text(["Li Na"])


def test_a_stage_tells_what_it_still_needs(visitor: Visitor, platform: Platform) -> None:
    key = make(platform, "rita", "shipment", name="S")
    page = visitor.enter("rita")
    page.goto(f"/o/shipment/{key}")
    needs = page.locator(".stage-needs")
    expect(needs).to_have_text("Before it moves on: fill in Amount · Offers start above 100 CNY")
    expect(page.locator("#field-reason")).to_have_count(0)
    page.goto(f"/o/shipment/{key}/edit")
    expect(marked(page, "amount")).to_have_count(0)
    page.select_option("[name=stage]", "offered")
    expect(marked(page, "amount")).to_be_visible()


def test_a_new_record_is_asked_for_its_type(visitor: Visitor, platform: Platform) -> None:
    page = visitor.enter("rita")
    page.goto("/o/ticket/new")
    page.get_by_role("link", name="Question").click()
    offered = page.locator("[name=level] option:not([hidden])")
    expect(offered).to_have_text(["", "Low", "High"])
    expect(box(page, "topic")).to_be_hidden()
    page.goto("/o/ticket/new?record_type=repair")
    expect(page.get_by_role("heading", name="Workshop")).to_be_visible()
    expect(box(page, "topic")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/o/ticket/[0-9a-f-]{36}$"))
    assert stored(platform, "ticket", page.url.rsplit("/", 1)[1])["record_type"] == "repair"


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_live_forms_are_accessible_and_fit(
    visitor: Visitor, platform: Platform, width: int
) -> None:
    done = make(platform, "rita", "shipment", name="S", stage="done", amount="2000")
    page = visitor.enter("rita", width)
    for address in ("/o/shipment/new", f"/o/shipment/{done}/edit", "/o/ticket/new"):
        page.goto(address)
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_without_scripts_a_form_still_works(visitor: Visitor, platform: Platform) -> None:
    cookies = visitor.enter("rita").context.cookies()
    context = visitor.browser.new_context(base_url=visitor.address, java_script_enabled=False)
    context.add_cookies(cookies)  # type: ignore[arg-type]  # what a context gives it also takes
    page = context.new_page()
    page.goto("/o/shipment/new")
    page.fill("[name=name]", "Glass")
    page.select_option("[name=stage]", "lost")
    page.get_by_role("button", name="Update the form").click()
    page.fill("[name=reason]", "late")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/o/shipment/[0-9a-f-]{36}$"))
