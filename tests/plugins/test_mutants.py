"""The tests of the packages' rules notice when an operator, a limit or a unit is changed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from metadata.catalog import Catalog, build_catalog
from metadata.packages.check import with_package
from metadata.packages.read import read_package
from tests.plugins.test_packages import installed
from tests.rule_engine.mutants import judge
from trellis.bundled import known_packages

FILES = [file for folder in known_packages().values() for file in sorted(folder.glob("rules/*"))]


@cache
def catalog_of(folder: Path) -> Catalog:
    """Gives what there is with a package and all that it needs."""
    package = read_package(folder)
    return build_catalog(0, with_package(package, installed(package).elements))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parts[-3]}/{file.stem}")
def test_rule_tests_notice_changes(file: Path) -> None:
    folder = file.parents[1]
    others = [other.read_text() for other in FILES if other.parent == file.parent and other != file]
    tests = (folder / "tests" / file.name).read_text()
    catalog = catalog_of(folder)
    verdict = judge(file.read_text(), [*others, tests], catalog.schema, catalog.computed_values)
    assert verdict.share >= 0.9, verdict.survivors
