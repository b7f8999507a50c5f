"""What pages hold, read out of their HTML."""

from __future__ import annotations

import re

import lxml.html
from flask.testing import FlaskClient
from lxml.html import HtmlElement
from werkzeug.test import TestResponse

HTMX = {"HX-Request": "true"}

PART = re.compile(
    r"(?P<sign>[.#])(?P<name>[\w-]+)|\[(?P<key>[\w-]+)(?:(?P<how>[\^$]?=)['\"]?(?P<value>[^'\"\]]*)['\"]?)?\]"
)


def read(answer: TestResponse) -> HtmlElement:
    """Gives a page's tree."""
    return lxml.html.fromstring(answer.get_data(as_text=True))


def get(client: FlaskClient, address: str, status: int = 200) -> HtmlElement:
    """Gives the page at an address, which must answer with `status`."""
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code, answer.headers)
    return read(answer)


def select(page: HtmlElement, selector: str) -> list[HtmlElement]:
    """Gives the elements that a plain CSS selector finds: names, classes, ids, attributes,
    descendants, children and commas."""
    found = page.xpath(" | ".join(to_xpath(one.strip()) for one in selector.split(",")))
    return [element for element in found if isinstance(element, HtmlElement)]


def to_xpath(selector: str) -> str:
    """Gives one CSS selector as XPath."""
    steps, axis = [], "descendant-or-self::"
    for word in selector.split():
        if word == ">":
            axis = "child::"
            continue
        tag = re.match(r"[a-z0-9]*", word)
        name = (tag[0] if tag else "") or "*"
        tests = "".join(f"[{condition(part)}]" for part in PART.finditer(word))
        steps.append(f"{axis}{name}{tests}")
        axis = "descendant::"
    return "/".join(steps)


def condition(part: re.Match[str]) -> str:
    """Gives one part of a compound selector as an XPath condition."""
    if part["sign"] == ".":
        return f"contains(concat(' ', normalize-space(@class), ' '), ' {part['name']} ')"
    if part["sign"] == "#":
        return f"@id = '{part['name']}'"
    key, value = part["key"], part["value"]
    ends = f"substring(@{key}, string-length(@{key}) - {len(value or '') - 1}) = '{value}'"
    return {
        None: f"@{key}",
        "=": f"@{key} = '{value}'",
        "^=": f"starts-with(@{key}, '{value}')",
        "$=": ends,
    }[part["how"]]


def texts(page: HtmlElement, selector: str) -> list[str]:
    """Gives the texts of all elements that a selector finds, white space collapsed."""
    return [" ".join(" ".join(found.itertext()).split()) for found in select(page, selector)]


def text(page: HtmlElement, selector: str) -> str:
    """Gives the text of the one element that a selector finds."""
    found = texts(page, selector)
    assert len(found) == 1, (selector, found)
    return found[0]


def hrefs(page: HtmlElement, selector: str) -> list[str]:
    """Gives where the links lead that a selector finds."""
    return [str(found.get("href")) for found in select(page, selector)]


def value(page: HtmlElement, selector: str) -> str:
    """Gives the value of the first input that a selector finds."""
    return str(select(page, selector)[0].get("value"))
