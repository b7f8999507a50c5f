"""Approvals and absences in a browser: picking somebody, ticking several, in two languages and
widths."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.platform.test_approval_people import quote_of, start, waiting
from tests.platform.test_web_browser import DESK, PHONE, RULES, Visitor, visitor
from tests.platform.world import People
from trellis.runtime import Platform

__all__ = ["visitor"]

WORDS = {
    "en": ("Ask somebody else", "Ask", "Note it", "Approve"),
    "zh": ("请他人审批", "发出", "登记", "同意"),
}


def pick(page: Page, name: str, text: str) -> None:
    picker = page.locator(f"crm-reference[name={name}]").first
    picker.get_by_role("combobox").fill(text)
    expect(picker.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")


def is_sound(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("width", "language"), [(DESK, "zh"), (PHONE, "en")])
def test_somebody_is_picked_and_several_are_ticked(
    platform: Platform, people: People, visitor: Visitor, width: int, language: str
) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        start(platform, quote_of(platform, name))
    other = quote_of(platform, "Delta")
    others, ask, note, approve = WORDS[language]
    page = visitor.enter("mark", width)
    page.goto(f"/lang/{language}")
    page.goto("/profile/absences")
    page.fill("[name=until]", "2099-01-01")
    pick(page, "substitute", "Fay")
    is_sound(page, width)
    page.get_by_role("button", name=note).click()
    expect(page.locator("p.error")).to_have_count(1)  # longer than two years
    page.goto(f"/o/quote/{other}/route")
    is_sound(page, width)
    page.goto("/approvals")
    first = page.locator("article.request").first
    first.get_by_text(others).click()
    pick(page, "to", "Ron")
    first.locator("[name=reason]").fill("He knows")
    is_sound(page, width)
    first.get_by_role("button", name=ask, exact=True).click()
    expect(page.locator("article.request")).to_have_count(2)
    assert waiting(platform, "mark", "ron") == [2, 1]
    for box in page.locator("[form=several]").all():
        box.check()
    page.locator("#several").get_by_role("button", name=approve).click()
    expect(page.locator("article.request")).to_have_count(0)
    assert waiting(platform, "mark", "ron") == [0, 1]
