"""Signatures, and what packages need of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metadata.packages.export import write_folder
from metadata.packages.read import Package, read_package
from metadata.packages.requirements import (
    Offer,
    Origin,
    requirement_problems,
    with_requirements,
)
from metadata.packages.signing import SIGNATURE, Trust, make_key, public_key, read_signature, sign
from metadata.problems import PackageError, sentence
from tests.metadata.package_world import CRM, SCHOOL, package


def test_a_signature_stands_for_exactly_these_files() -> None:
    files, key = dict(package(SCHOOL).files), make_key()
    signed = {**files, SIGNATURE: sign(files, key)}
    assert read_signature(files, ()).trust is Trust.UNSIGNED
    assert read_signature(signed, ()).trust is Trust.UNKNOWN
    assert read_signature(signed, [public_key(key)]) == read_signature(signed, {public_key(key)})
    assert read_signature(signed, [public_key(key)]).trust is Trust.TRUSTED
    assert read_signature(signed, [public_key(make_key())]).trust is Trust.UNKNOWN
    assert sign(files, key) == sign(signed, key), "the same whenever it is made"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"README.md": b"other"}, ("README.md", "signature_file_changed")),
        ({"README.md": None}, ("README.md", "signature_file_missing")),
        ({"demo/lead.csv": b""}, ("demo/lead.csv", "signature_file_added")),
        ({SIGNATURE: b"{}"}, (SIGNATURE, "signature_broken")),
        ({SIGNATURE: b"{"}, (SIGNATURE, "signature_broken")),
    ],
)
def test_a_broken_signature_names_the_file(
    change: dict[str, bytes | None], expected: tuple[str, str]
) -> None:
    files, key = dict(package(SCHOOL).files), make_key()
    changed = {**files, SIGNATURE: sign(files, key), **change}
    found = read_signature(
        {name: content for name, content in changed.items() if content is not None},
        [public_key(key)],
    )
    assert found.trust is Trust.BROKEN
    assert [(problem.path, problem.code) for problem in found.problems] == [expected]


def test_a_signature_by_another_key_does_not_pass() -> None:
    files, ours, other = dict(package(SCHOOL).files), make_key(), make_key()
    forged = sign(files, other).replace(public_key(other).encode(), public_key(ours).encode())
    found = read_signature({**files, SIGNATURE: forged}, [public_key(ours)])
    assert found.trust is Trust.BROKEN
    for wrong in ("", "abc", "äöü", public_key(ours)[:-4]):
        with pytest.raises((ValueError, UnicodeError)):
            sign(files, wrong)


def offered(folder: Path, files: dict[str, Any]) -> Offer:
    """Puts a package where a distribution would."""
    manifest = files["manifest.json"]
    write_folder(package(files).files, folder / manifest["name"])
    origin = Origin("origin_entry_point", {"distribution": "shop"})
    return Offer(manifest["name"], manifest["version"], "", folder / manifest["name"], origin)


def needing(name: str, **requires: str) -> dict[str, Any]:
    return {"manifest.json": {"name": name, "version": "1.0.0", "title": "T", "requires": requires}}


def names(packages: list[Package]) -> list[str]:
    return [one.manifest.name for one in packages]


def test_what_is_needed_and_known_comes_first(tmp_path: Path) -> None:
    offers = {
        "crm": offered(tmp_path, CRM),
        "hr": offered(tmp_path, needing("hr", crm=">=1")),
        "old": offered(tmp_path, needing("old")),
    }
    shop = package(needing("shop", hr=">=1", old=">=2", nothing=">=1"))
    assert names(with_requirements([shop], {}, offers, read_package)) == ["crm", "hr", "shop"]
    there = {"crm": "1.5.0", "hr": "1.0.0"}
    assert names(with_requirements([shop], there, offers, read_package)) == ["shop"]
    assert names(with_requirements([shop], {"crm": "0.9"}, offers, read_package)) == [
        *("crm", "hr", "shop")
    ]
    problems = requirement_problems(shop.manifest, {"hr": "0.1.0"}, offers)
    assert [sentence(problem) for problem in problems] == [
        "needs hr >=1; 0.1.0 is installed; install one that fits, as hr 1.0.0, offered by shop",
        "needs the package old (>=2); install it first",
        "needs the package nothing (>=1); install it first",
    ]
    missing = list(requirement_problems(shop.manifest, {}, offers))
    assert sentence(missing[0]) == (
        "needs the package hr (>=1); install it first, hr 1.0.0 is offered by shop"
    )
    assert sentence(missing[0], "zh") == "需要业务包 hr（>=1）；请先安装，hr 1.0.0由 shop 提供"


def test_packages_that_need_each_other(tmp_path: Path) -> None:
    offers = {
        "hen": offered(tmp_path, needing("hen", egg=">=1")),
        "egg": offered(tmp_path, needing("egg", hen=">=1")),
    }
    with pytest.raises(PackageError) as refused:
        with_requirements([package(needing("shop", hen=">=1"))], {}, offers, read_package)
    assert str(refused.value) == (
        "manifest.json:/requires: packages need each other in a circle: hen → egg → hen; "
        "take one requirement out"
    )
