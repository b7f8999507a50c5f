"""Whoever makes definitions the ones in force does what belongs to it: `trellis.publishing`."""

from __future__ import annotations

import ast
from pathlib import Path

PLATFORM = Path(__file__).parents[2] / "platform" / "trellis"
PUBLISHING = {
    *(("metadata.migrate", "publish"), ("metadata.packages.install", "install")),
    *(("metadata.packages.install", name) for name in ("publish_prepared", "uninstall")),
}
CONCLUDING = ("trellis.publishing", "conclude")


def test_every_publishing_is_concluded() -> None:
    publishing, concluding = set(), set()
    for path in PLATFORM.rglob("*.py"):
        taken = {
            (node.module, name.name)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        if taken & PUBLISHING:
            publishing.add(path.relative_to(PLATFORM).as_posix())
        if CONCLUDING in taken:
            concluding.add(path.relative_to(PLATFORM).as_posix())
    assert len(publishing) > 3
    assert publishing == concluding
