"""Where packages come from: Trellis itself, installed distributions, a path or an upload."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from metadata.json_text import mapping
from metadata.packages.read import Package, read_package
from metadata.packages.requirements import Offer, Origin
from metadata.packages.texts import MANIFEST
from metadata.problems import PackageError, Problem
from trellis.bundled import known_packages

logger = logging.getLogger(__name__)

GROUP: Final = "trellis.packages"
"""The entry points by which distributions offer packages: each names a module whose folder is one,
or a path of such a folder."""


def find_offers() -> dict[str, Offer]:
    """Gives the packages that could be installed by name; those of Trellis win."""
    found = [*offered_by_distributions(), *bundled()]
    return dict(sorted((offer.name, offer) for offer in found))


def bundled() -> Iterator[Offer]:
    """Gives the packages that come with Trellis."""
    for folder in known_packages().values():
        offer = read_offer(folder, Origin("origin_bundled", {}))
        if offer is not None:
            yield offer


def offered_by_distributions() -> Iterator[Offer]:
    """Gives the packages that installed distributions offer; one that fails is logged."""
    for point in entry_points(group=GROUP):
        distribution = point.dist.name if point.dist is not None else point.name
        origin = Origin("origin_entry_point", {"distribution": distribution})
        folder = folder_of(point)
        offer = read_offer(folder, origin) if folder is not None else None
        if offer is not None:
            yield offer


def folder_of(point: EntryPoint) -> Path | None:
    """Gives the folder that an entry point names; None, and a line in the log, without one."""
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        logger.warning("entry point %s of %s: %s", point.name, GROUP, error)
        return None
    if isinstance(found, (str, Path)):
        return Path(found)
    places = list(getattr(found, "__path__", ()))
    if not places:
        logger.warning("entry point %s of %s names neither a folder nor a path", point.name, GROUP)
    return Path(places[0]) if places else None


def read_offer(folder: Path, origin: Origin) -> Offer | None:
    """Gives what a folder's manifest says; None, and a line in the log, without a readable one."""
    try:
        manifest = mapping(json.loads((folder / MANIFEST).read_text("utf-8")))
        name, version, title = (str(manifest[key]) for key in ("name", "version", "title"))
    except (OSError, ValueError, KeyError) as error:
        logger.warning("%s is no package: %s", folder, error)
        return None
    return Offer(name, version, title, folder, origin)


def read_source(source: str) -> Package:
    """Gives the package of a path, or of a known name. Raises PackageError."""
    path = Path(source)
    if path.exists():
        return read_package(path)
    offers = find_offers()
    if source in offers:
        return read_package(offers[source].folder)
    raise PackageError([Problem("", "package_unknown", {"name": source, "known": list(offers)})])
