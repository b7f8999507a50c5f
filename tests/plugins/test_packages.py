"""Every package that comes with Trellis installs, passes its own tests and speaks Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.catalog import Catalog, build_catalog
from metadata.checks.translations import missing_translations
from metadata.elements import Element
from metadata.layouts import Section, Tab
from metadata.packages.check import check_package, line_of, package_warnings, with_package
from metadata.packages.manifest import PRODUCT
from metadata.packages.read import Package, read_package
from rule_engine.testing import format_results, run_tests
from trellis.bundled import SYSTEM, known_packages

PLUGINS = Path(__file__).parents[2] / "plugins"
FOLDERS = {folder.name: folder for folder in sorted(PLUGINS.iterdir()) if folder.is_dir()}
ALL = {SYSTEM.name: SYSTEM, **FOLDERS}
# Titles that are the same in Chinese.
SAME = frozenset({"A", "B", "C", "English", "ID", "Python", "VIP"}) | {
    *("Webhook", "Standard Webhooks", "sha1", "sha256", "sha512", "hex", "base64"),
}


def with_requirements(package: Package) -> list[Element]:
    """Gives the elements of what a package needs, the platform's own first."""
    found = [] if package.manifest.name == SYSTEM.name else list(read_package(SYSTEM).elements)
    for name in package.manifest.requires:
        if name not in {PRODUCT, SYSTEM.name}:
            needed = read_package(FOLDERS[name])
            found = [*with_requirements(needed), *needed.elements]
    return found


def installed(package: Package) -> Catalog:
    return build_catalog(0, with_requirements(package))


@pytest.fixture(params=ALL)
def package(request: pytest.FixtureRequest) -> Package:
    """Each package in turn."""
    return read_package(ALL[request.param])


def test_every_folder_is_a_package_that_is_found() -> None:
    assert dict(known_packages()) == FOLDERS
    assert "crm" in FOLDERS


def test_it_installs(package: Package) -> None:
    assert [line_of(problem) for problem in check_package(package, installed(package))] == []


def test_it_warns_of_nothing(package: Package) -> None:
    assert [line_of(problem) for problem in package_warnings(package, installed(package))] == []


def test_its_own_tests_pass(package: Package) -> None:
    catalog = build_catalog(0, with_package(package, installed(package).elements))
    rules = [element for element in package.elements if element.kind == "rules"]
    if not rules:
        return
    tested = {case.of for case in catalog.tested.tests if case.source in {e.name for e in rules}}
    assert tested, "rules without tests"
    results = run_tests(catalog.tested, computed=catalog.computed_values)
    assert all(result.passed for result in results), format_results(results)


def chinese(text: str | None) -> bool:
    return text is not None and (text in SAME or any("一" <= sign <= "鿿" for sign in text))


def titles(package: Package, catalog: Catalog) -> dict[str, str | None]:
    """Gives every title of a package in Chinese, by where it stands."""
    name, found = package.manifest.name, {}
    for definition in catalog.objects.values():
        if definition.package == name:
            found[f"{definition.name}"] = definition.labels.get("zh")
            found[f"{definition.name} plural"] = definition.plurals.get("zh")
        for field in definition.own_fields:
            if field.package != name:
                continue
            place = f"{definition.name}.{field.name}"
            found[place] = field.labels.get("zh")
            found |= {f"{place}={o.value}": o.labels.get("zh") for o in field.options}
            if field.help:
                found[f"{place} help"] = field.help.get("zh")
    for role in catalog.roles.values():
        if role.package == name:
            found[f"role {role.name}"] = role.labels.get("zh")
    for views in catalog.views_by_object.values():
        for view in views.values():
            found[f"view {view.object}/{view.name}"] = view.labels.get("zh")
    for layouts in catalog.layouts_by_object.values():
        for layout in layouts.values():
            parts: list[Section | Tab] = [*layout.sections, *layout.tabs]
            for part in parts:
                if part.labels:
                    place = f"layout {layout.object}/{layout.name} {part.label()}"
                    found[place] = part.labels.get("zh")
    return found


def test_every_title_is_chinese_too(package: Package) -> None:
    elements = with_package(package, installed(package).elements)
    catalog = build_catalog(0, elements)
    found = titles(package, catalog)
    assert found
    assert {place: label for place, label in found.items() if not chinese(label)} == {}
    assert list(missing_translations(elements, package.manifest.name, "zh", catalog)) == []
