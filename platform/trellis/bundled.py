"""The packages that come with Trellis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
SYSTEM = HERE / "system"

# In a wheel the packages lie in `trellis/packages`, in a checkout in `plugins`.
FOLDERS = (HERE / "packages", HERE.parents[1] / "plugins")


def known_packages() -> Mapping[str, Path]:
    """Gives the folders of business packages by name."""
    found = {
        manifest.parent.name: manifest.parent
        for folder in reversed(FOLDERS)
        for manifest in sorted(folder.glob("*/manifest.json"))
    }
    return dict(sorted(found.items()))
