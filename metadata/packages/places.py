"""Where an element stands among a package's files."""

from __future__ import annotations

from metadata.elements import holds_tests
from metadata.packages.read import EXTENSION, FOLDERS, KINDS
from metadata.packages.texts import MANIFEST

FOLDER_OF = {kind: folder for folder, kind in reversed(KINDS.items())}
"""The folder of a kind; files of tests are rules, too, and stand in one of their own."""
WITHIN = frozenset({"rules", "translations"})
"""Kinds whose names begin with the package's."""


def element_file(kind: str, name: str) -> str:
    """Gives the path of an element's file."""
    if kind == "package":
        return MANIFEST
    folder = FOLDER_OF[kind]
    own = name.partition("/")[2] if kind in WITHIN else name
    return f"{own if holds_tests(name) else f'{folder}/{own}'}{FOLDERS[folder][0]}"


def extension_file(target: str) -> str:
    """Gives the path of the file with the fields that a package adds to another's object."""
    return f"objects/{target}{EXTENSION}"
