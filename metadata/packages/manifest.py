"""The manifest of a package: what it is called, its version, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from metadata.json_text import mapping, pointer, text
from metadata.problems import Problem

PRODUCT: Final = "trellis"
PRODUCT_VERSION: Final = "0.1.0"
CONDITION: Final = re.compile(r"\s*(>=|<=|==|<|>)?\s*(\d+(?:\.\d+){0,2})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`requires` maps packages, and trellis itself, to conditions such as `>=1.0,<2`."""

    name: str
    version: str
    title: str
    requires: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict)


def parse_manifest(document: Mapping[str, object]) -> Manifest:
    """Gives the manifest a checked document describes."""
    return Manifest(
        name=text(document.get("name")) or "",
        version=text(document.get("version")) or "0.0.0",
        title=text(document.get("title")) or "",
        requires={name: str(wanted) for name, wanted in mapping(document.get("requires")).items()},
        document=document,
    )


def numbers(version: str) -> tuple[int, int, int]:
    """Gives a version's three numbers; absent ones are 0."""
    parts = [int(part) for part in version.split(".")]
    first, second, third = (*parts, 0, 0, 0)[:3]
    return first, second, third


def satisfies(version: str, conditions: str) -> bool | None:
    """Says whether a version meets all conditions; None when they cannot be read."""
    results: list[bool] = []
    for condition in conditions.split(","):
        match = CONDITION.fullmatch(condition)
        if match is None:
            return None
        have, want = numbers(version), numbers(match[2])
        results.append(
            {
                ">=": have >= want,
                "<=": have <= want,
                ">": have > want,
                "<": have < want,
            }.get(match[1], have == want)
        )
    return all(results)


def requirement_problems(manifest: Manifest, installed: Mapping[str, str]) -> Iterator[Problem]:
    """Gives the packages that are missing or have the wrong version."""
    known = {**installed, PRODUCT: PRODUCT_VERSION}
    for name, conditions in manifest.requires.items():
        place = pointer(("requires", name))
        if name not in known:
            yield Problem(place, "package_missing", {"name": name, "wanted": conditions})
            continue
        met = satisfies(known[name], conditions)
        if met is None:
            yield Problem(place, "wrong_condition", {"value": conditions})
        elif not met:
            values = {"name": name, "wanted": conditions, "found": known[name]}
            yield Problem(place, "package_version", values)
