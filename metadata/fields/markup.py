"""HTML that people wrote, made harmless; what it says as plain text; Markdown as HTML."""

from __future__ import annotations

from functools import cache
from html import escape
from html.parser import HTMLParser
from typing import Final

import nh3
from markdown_it import MarkdownIt

BLOCKS: Final = frozenset(
    ("p", "div", "h1", "h2", "h3", "h4", "li", "blockquote", "pre", "tr", "table", "ul", "ol", "hr")
)
INLINE: Final = frozenset(
    ("a", "b", "strong", "i", "em", "u", "s", "del", "ins", "sub", "sup", "code", "br", "mark")
)
TABLES: Final = frozenset(("thead", "tbody", "td", "th"))
CLEANER: Final = nh3.Cleaner(
    tags=set(BLOCKS | INLINE | TABLES),
    attributes={"a": {"href", "title"}, "td": {"colspan"}, "th": {"colspan"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
)


def clean_html(html: str) -> str:
    """Gives HTML with nothing in it but text, its structure, and links that a page may have.

    Scripts, styles, images (which tell a stranger who reads), event handlers and `javascript:`
    are gone; what was cleaned stays as it is when it is cleaned again.
    """
    return CLEANER.clean(html).strip()


class TextReader(HTMLParser):
    """Collects the text of HTML, a line per block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins a line at a block or a break."""
        if tag in BLOCKS or tag == "br":
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Ends the line of a block."""
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Takes the text itself; line feeds in it are spaces."""
        self.pieces.append(" ".join(data.split("\n")))


def text_of(html: str) -> str:
    """Gives the text of HTML that was cleaned: one line per block, none blank."""
    reader = TextReader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


def html_of(text: str) -> str:
    """Gives plain text as HTML: a paragraph per block of lines."""
    blocks = [block.strip("\n") for block in text.split("\n\n") if block.strip()]
    return "".join(
        f"<p>{escape(block, quote=False).replace(chr(10), '<br>')}</p>" for block in blocks
    )


@cache
def markdown() -> MarkdownIt:
    """Gives the reader of CommonMark with tables; HTML in a text is shown, not obeyed."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_markdown(text: str) -> str:
    """Gives a Markdown text as harmless HTML."""
    return clean_html(markdown().render(text))
