"""`docs/fields.md` and `docs/keywords.md` are what the registry and the meta-schemas say."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.documents import SCHEMA_OF
from metadata.fields.registry import offered_types
from metadata.reference import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text("utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_every_keyword_is_described(name: str) -> None:
    rows = [line for line in PAGES[name]().splitlines() if line.startswith("| `")]
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_type_and_every_schema_is_there() -> None:
    page = PAGES["fields"]()
    assert [name for name in offered_types() if f"\n### {name}\n" not in page] == []
    assert [
        name
        for name in SCHEMA_OF.values()
        if f"\n## {name.capitalize()}\n" not in PAGES["keywords"]()
    ] == []
