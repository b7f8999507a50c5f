"""The manifest of a package: what it is called, its version, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from metadata.json_text import mapping, text

PRODUCT: Final = "trellis"
PRODUCT_VERSION: Final = "0.1.0"


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


def satisfies(version: str, conditions: str) -> bool | None:
    """Says whether a version meets all conditions; None when they cannot be read."""
    try:
        return SpecifierSet(conditions).contains(version, prereleases=True)
    except InvalidSpecifier:
        return None


def is_older(version: str, other: str) -> bool:
    """Says whether a version comes before another one."""
    return Version(version) < Version(other)
