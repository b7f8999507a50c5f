"""Texts that would be a page's script or markup, in every place that holds a text (SEC-12)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

import pytest
from playwright.sync_api import Page

from tests.platform.acting import acting, change_element, make, system
from tests.platform.filing import PDF, add_folders, make_folder, uploaded
from tests.platform.importing import csv_bytes, upload
from tests.platform.test_web_browser import Visitor, visitor
from tests.platform.world import Login, People
from trellis.records.save import save_record
from trellis.runtime import Platform

__all__ = ["visitor"]

RUN = "window.__pwn=1"
TAG = f"<img src=x data-pwn onerror={RUN}>"
PAYLOADS: Final = (
    f"<script data-pwn>{RUN}</script>",
    TAG,
    f"<svg data-pwn onload={RUN}>",
    f"<iframe data-pwn srcdoc='<script>parent.{RUN}</script>'>",
    f"<body data-pwn onload={RUN}>",
    f"<details data-pwn open ontoggle={RUN}>",
    f"<video data-pwn><source onerror={RUN}></video>",
    f"<math><mi data-pwn href=javascript:{RUN}>x</mi></math>",
    f"<a data-pwn href=javascript:{RUN}>x</a>",
    f"<form data-pwn action=javascript:{RUN}><button>x",
    "<base data-pwn href=//evil.example>",
    f"<meta data-pwn http-equiv=refresh content='0;url=javascript:{RUN}'>",
    "<link data-pwn rel=stylesheet href=//evil.example/x>",
    f"<object data-pwn data=javascript:{RUN}>",
    f"<embed data-pwn src=javascript:{RUN}>",
    f"<style data-pwn>@import 'javascript:{RUN}'</style>",
    f"<input data-pwn autofocus onfocus={RUN}>",
    f"<select data-pwn autofocus onfocus={RUN}>",
    f"<IMG data-pwn SRC=x OnErRoR={RUN}>",
    f"<svg/data-pwn/onload={RUN}>",
    f"<x-y data-pwn style=animation-name:x onanimationstart={RUN}>",
    f'"><img src=x data-pwn onerror={RUN}>',
    f"'><img src=x data-pwn onerror={RUN}>",
    f'" data-pwn autofocus onfocus="{RUN}" x="',
    f"' data-pwn autofocus onfocus='{RUN}' x='",
    f"` data-pwn onmouseover=`{RUN}`",
    f"</textarea>{TAG}",
    f"</title>{TAG}",
    f"</style>{TAG}",
    f"</script>{TAG}",
    f"</option></select>{TAG}",
    f"--><img src=x data-pwn onerror={RUN}>",
    f"]]>{TAG}",
    f"&lt;img src=x data-pwn onerror={RUN}&gt;",
    f"&#60;img src=x data-pwn onerror={RUN}&#62;",
    f"\\u003cimg src=x data-pwn onerror={RUN}\\u003e",
    f"%3Cimg%20src=x%20data-pwn%20onerror={RUN}%3E",
    f"javascript:{RUN}",
    "{{ 47041 * 95917 }}{% for x in () %}${47041 * 95917}",
    '" hx-get="/logout" hx-trigger="load" data-pwn="',
)

LISTEN = """
window.__refused = []
document.addEventListener('securitypolicyviolation', (event) =>
  window.__refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
"""

PAGES: Final = (
    *("/", "/notifications", "/approvals", "/transfers", "/profile", "/profile/keys"),
    *("/o/lead/", "/o/lead/?view=kanban", "/o/lead/new", "/o/lead/duplicates", "/o/lead/import"),
    *("/o/lead/export", "/o/account/", "/o/opportunity/new", "/search?q=window", "/o/folder/"),
    *("/setup/objects", "/setup/objects/lead", "/setup/objects/lead/settings"),
    *("/setup/objects/lead/access", "/setup/objects/lead/json", "/setup/people", "/setup/audit"),
    *("/setup/packages", "/setup/webhooks", "/setup/versions", "/setup/publish"),
    *("/palette?q=window", "/o/lead/lookup?q=window", "/api/docs"),
)


def texts_in(body: Any, take: Iterator[str]) -> None:
    """Puts a payload into every text that people read in a definition."""
    for key, value in list(body.items()):
        if isinstance(value, dict):
            texts_in(value, take)
        elif key in ("title", "plural", "description", "help", "placeholder", "label"):
            body[key] = next(take)


@pytest.fixture
def addresses(
    platform: Platform, people: People, login: Login, visitor: Visitor
) -> tuple[Visitor, list[str]]:
    """Payloads in labels, options, help, names, notes and file names; the pages that show them."""
    add_folders(platform)
    take = cycle(PAYLOADS)
    leads = [make(platform, "admin", "lead", name=text, company=text) for text in PAYLOADS]
    with acting(platform, "admin") as unit:
        for text in PAYLOADS:
            save_record(unit, "account", None, {"name": text}, channel="api")
        note = {"subject": PAYLOADS[1], "lead": leads[0], "happened_at": "2026-01-01T00:00:00Z"}
        save_record(unit, "activity", None, {**note, "notes": PAYLOADS[0]}, channel="api")
    with system(platform) as unit:
        values = {"name": PAYLOADS[3]}
        save_record(unit, "user", people["ron"], values, channel="system")
    client = login("admin")
    folders = []
    for text in PAYLOADS:
        name = text.replace("/", "_") + ".pdf"
        folders.append(make_folder(client, name=text, contract=uploaded(client, PDF, name=name)))
    run = upload(platform, "admin", "lead", csv_bytes([PAYLOADS, PAYLOADS]))
    for kind, name in (("object", "lead"), ("object", "account"), ("role", "sales_rep")):
        change_element(platform, kind, name, lambda body: texts_in(body, take))
    for view in ("all", "open"):
        change_element(platform, "view", f"lead/{view}", lambda body: texts_in(body, take))
    shown = [f"/o/lead/{one}" for one in leads[:2]] + [f"/o/folder/{one}" for one in folders[:2]]
    shown += [f"/o/lead/{leads[0]}/edit", f"/o/lead/{leads[0]}/access"]
    return visitor, [*PAGES, *shown, f"/o/lead/import/{run.id}"]


def found_on(page: Page, address: str) -> list[str]:
    """Gives what of the payloads came to life on a page."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 200, (address, answer.status)
    found = [f"{address}: {one}" for one in page.evaluate("window.__refused || []")]
    if page.evaluate("window.__pwn"):
        found.append(f"{address}: ran")
    found += [f"{address}: markup"] * min(1, page.locator("[data-pwn]").count())
    if str(47041 * 95917) in page.inner_text("body"):
        found.append(f"{address}: template")
    return found


def test_sec_12_no_text_becomes_a_script_or_markup(addresses: tuple[Visitor, list[str]]) -> None:
    visitor, pages = addresses
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 40
    page = visitor.enter("admin")
    page.context.add_init_script(LISTEN)
    alive = [one for address in pages for one in found_on(page, address)]
    assert alive == []
    page.goto("/o/lead/")
    assert "<script data-pwn>" in page.inner_text("body")
