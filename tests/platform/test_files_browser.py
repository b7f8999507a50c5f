"""What only a browser can show of files: drawing, dropping, looking before sending, contrast."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import FilePayload, Page, expect

from tests.platform.filing import PDF, add_folders, picture
from tests.platform.test_web_browser import DESK, PHONE, RULES, Visitor, visitor
from trellis.runtime import Platform

__all__ = ["visitor"]

DROP = """(element, name) => {
  const transfer = new DataTransfer()
  transfer.items.add(new File(['dropped'], name, { type: 'text/plain' }))
  const options = { dataTransfer: transfer, bubbles: true, cancelable: true }
  element.dispatchEvent(new DragEvent('drop', options))
}"""


@pytest.fixture
def entered(platform: Platform, visitor: Visitor) -> Visitor:
    add_folders(platform)
    return visitor


def draw(page: Page) -> None:
    """Draws a line with the mouse."""
    pad = page.locator("crm-signature canvas")
    pad.hover()  # waits until nothing moves any more
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
    page.mouse.up()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_files_are_dropped_looked_at_taken_back_and_signed(entered: Visitor, width: int) -> None:
    page = entered.enter("rita", width)
    page.goto("/o/folder/new")
    page.fill("[name=name]", "Case")
    photos = page.locator("crm-files", has=page.locator("[name=photos-upload]"))
    photos.locator(".drop").evaluate(DROP, "one.txt")
    photos.locator(".drop").evaluate(DROP, "two.txt")
    expect(photos.locator("li")).to_have_count(2)
    expect(page.locator("#counted-box")).to_be_hidden()
    photos.get_by_role("button", name="Remove: one.txt").click()
    expect(photos.locator("li")).to_have_text("two.txtRemove")
    expect(page.locator("#reviewed-box")).to_be_hidden()
    plan: FilePayload = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": PDF}
    page.set_input_files("[name=contract-upload]", plan)
    expect(page.locator("#counted-box")).to_be_visible()
    expect(page.locator("#reviewed-box")).to_be_visible()
    face: FilePayload = {"name": "me.png", "mimeType": "image/png", "buffer": picture(kind="PNG")}
    page.set_input_files("[name=photo-upload]", face)
    draw(page)
    expect(page.locator("[name=signed-upload]")).to_have_value(re.compile(r"signature\.png$"))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Folder created")).to_be_visible()
    if width == PHONE:
        page.get_by_role("tab", name="Details").click()
    signed = page.locator("#field-signed img")
    expect(signed).to_be_visible()
    # Rejects what is no picture; one that is still on its way is waited for.
    signed.evaluate("image => image.decode()")
    expect(page.locator("#field-photos")).to_contain_text("two.txt")
    page.goto(page.url + "/edit")  # what is held counts as what was chosen did
    expect(page.locator("#reviewed-box")).to_be_visible()
    page.check("[name=contract-remove]")
    expect(page.locator("#reviewed-box")).to_be_hidden()
