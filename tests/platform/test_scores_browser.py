"""Scores in setup and on the record page, as a browser shows them, on a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.platform.acting import acting
from tests.platform.test_api import Client, call
from tests.platform.test_backtest import decide
from tests.platform.test_scoring import BASE, draft, keep_up, leads, publish_rules
from tests.platform.test_web_browser import DESK, PHONE, RULES, Visitor, visitor
from trellis.records.save import save_record
from trellis.runtime import Platform

__all__ = ["call", "visitor"]

PLACE = "/setup/scores/lead/lead_score"


def check(page: Page) -> None:
    """Nothing is wider than the page, and nobody is kept from reading it."""
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]
    ] == []


@pytest.mark.parametrize(("width", "language"), [(DESK, "en"), (PHONE, "zh")])
def test_what_scores_come_to(
    platform: Platform, call: Client, visitor: Visitor, width: int, language: str
) -> None:
    ids = leads(platform)
    keep_up(platform)
    publish_rules(platform, ("base 10", "base 11"))
    draft(call, platform)
    assert call("admin", "POST", f"{BASE}/shadow").status_code == 202
    keep_up(platform)
    decide(platform, ids[3], "converted")
    decide(platform, ids[0], "disqualified")
    page = visitor.enter("admin", width)
    if language == "zh":
        with acting(platform, "admin") as unit:
            save_record(unit, "user", str(unit.user_id), {"language": "zh"}, channel="api")
    page.goto("/setup/publish")
    told = (
        "2 records change: 1 up · 0 down"
        if language == "en"
        else "2 条记录变化: 1 条上升 · 0 条下降"
    )
    expect(
        page.locator("ul.operations", has_text=re.compile("Lead score|线索评分"))
    ).to_contain_text(told)
    check(page)
    page.goto("/setup/scores")
    check(page)
    page.locator(f"a[href='{PLACE}']").click()
    expect(page.get_by_text("AUC").first).to_contain_text("1.000")
    check(page)
    page.goto(f"{PLACE}?by=draft")
    expect(page.locator(".segments [aria-current]")).to_be_visible()
    page.goto(f"{PLACE}/differences")
    expect(page.locator("table").last.locator("tbody tr")).to_have_count(2)
    check(page)
    page.goto(f"/o/lead/{ids[1]}/points")
    expect(page.locator("tbody tr")).to_have_count(2)
    check(page)
