"""What only a browser can show: fragments, keys, pickers, contrast, phones."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.platform.acting import make
from tests.platform.world import PASSWORD, People
from trellis.runtime import Platform

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
DESK, PHONE = 1440, 390


@dataclass
class Visitor:
    """A browser of somebody's own, and what its pages did wrong."""

    browser: Browser
    address: str
    faults: list[str]

    def enter(self, username: str, width: int = DESK, theme: str = "light") -> Page:
        """Gives a page logged in as a user."""
        phone = width < 600
        context = self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": 844 if phone else 900},
            is_mobile=phone,
            has_touch=phone,
            locale="en-GB",
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": "theme", "value": theme, "url": self.address}])
        context.on("request", self.watch)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto("/login")
        page.fill("[name=username]", username)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/$"))
        return page

    def watch(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"foreign request: {url}")


@pytest.fixture
def visitor(app: Flask, people: People, chromium: Browser) -> Iterator[Visitor]:
    """Somebody in front of a browser; fails the test for what a page did wrong."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Visitor(chromium, f"http://127.0.0.1:{server.server_port}", [])
    yield made
    for context in chromium.contexts:
        context.close()
    server.shutdown()
    thread.join()
    assert made.faults == []


@pytest.fixture
def lead(platform: Platform) -> str:
    """The address of a lead of rita."""
    values = {"name": "Li Na", "lead_source": "web", "email": "li@acme.example", "employees": 300}
    return f"/o/lead/{make(platform, 'rita', 'lead', **values)}"


def test_an_edit_in_place_keeps_what_was_typed_until_it_is_right(
    visitor: Visitor, lead: str
) -> None:
    page = visitor.enter("rita")
    page.goto(lead)
    page.locator("#field-email").hover()
    page.get_by_role("button", name="Edit Email", exact=True).click()
    field = page.get_by_role("textbox", name="Email", exact=True)
    expect(field).to_be_focused()
    field.fill("nobody")
    field.press("Enter")
    expect(page.locator("#field-email .error")).to_contain_text("is not an email address")
    expect(field).to_have_value("nobody")
    field.fill("na@acme.example")
    field.press("Enter")
    expect(page.locator("#field-email .value")).to_have_text("na@acme.example")
    expect(page.locator(".event").first).to_contain_text("na@acme.example")
    page.get_by_role("button", name="Working").click()
    expect(page.locator(".stages [aria-current=step]")).to_have_text("Working")


def test_a_note_empties_its_box(visitor: Visitor, lead: str) -> None:
    page = visitor.enter("rita")
    page.goto(lead)
    box = page.locator("textarea[name=text]")
    box.fill("Called")
    box.press("Control+Enter")
    expect(page.locator(".event").first).to_contain_text("Called")
    expect(box).to_have_value("")


def test_the_picker_works_by_keyboard(visitor: Visitor, platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Northwind")
    make(platform, "rita", "account", name="Harbour")
    page = visitor.enter("rita")
    page.goto("/o/quote/new")
    picker = page.locator("crm-reference[name=account]")
    box = picker.get_by_role("combobox")
    box.press_sequentially("nor")
    expect(picker.get_by_role("option")).to_have_count(1)
    box.press("Enter")
    expect(box).to_have_value("Northwind")
    expect(picker.locator("input[type=hidden]")).to_have_value(account)
    box.fill("something else")
    page.keyboard.press("Tab")
    expect(box).to_have_value("Northwind")


def test_keys_and_palette(visitor: Visitor, lead: str) -> None:
    page = visitor.enter("rita")
    page.keyboard.press("Control+k")
    found = page.locator("#palette [role=option]")
    page.keyboard.type("li na")
    expect(found.first).to_contain_text("Li Na")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(lead))
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/edit$"))
    page.locator("[name=company]").press("g")
    expect(page.locator("[name=company]")).to_have_value("g")
    page.goto("/o/lead/")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/approvals$"))


@pytest.mark.parametrize(
    ("theme", "width"),
    [
        pytest.param("light", DESK, marks=pytest.mark.on("sqlite")),
        pytest.param("dark", PHONE, marks=pytest.mark.on("sqlite")),
        pytest.param("dark", DESK, marks=pytest.mark.on("postgresql")),
        pytest.param("light", PHONE, marks=pytest.mark.on("postgresql")),
    ],
)
def test_pages_are_accessible_and_fit(visitor: Visitor, lead: str, theme: str, width: int) -> None:
    page = visitor.enter("admin", width, theme)
    addresses = (
        *("/", "/o/lead/", f"{lead}", f"{lead}/edit", "/o/quote/new", "/approvals", "/profile"),
        *("/setup/objects", "/setup/objects/new", "/setup/objects/lead?field=status"),
        *(f"{lead}/access", f"{lead}/as_of", "/search?q=a", "/transfers", "/o/lead/import"),
        *("/o/lead/export", "/o/lead/duplicates", "/profile/keys", "/setup/people"),
        *("/setup/audit", "/setup/webhooks", "/setup/webhooks/received", "/setup/background/mail"),
        *("/setup/publish", "/o/lead/?filter=emplyees+%3E+1", "/o/nothing/", "/notifications"),
    )
    for address in addresses:
        page.goto(address)
        page.evaluate("document.fonts.ready")
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate("document.querySelectorAll('*').length") <= 1_500, address
