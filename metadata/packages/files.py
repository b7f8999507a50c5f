"""The files of packages in the database: each content once, known by its digest.

What was installed is the base of the next upgrade, and what an export writes where nobody changed
anything. A manifest in force names its files by digest, so that a rollback finds the old ones.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from metadata.elements import TESTS, Element, is_of_tests
from metadata.json_text import mapping
from metadata.packages.read import Package, package_of
from metadata.store import META_FILE, META_UPLOAD
from metadata.stored import DIGESTS

FILES: Final = "files"
UPLOAD_DAYS: Final = 1
TOKEN_BYTES: Final = 24

Digests = Mapping[str, str]


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Gives path → digest of files."""
    return {path: sha256(content).hexdigest() for path, content in files.items()}


def keep_files(connection: sa.Connection, files: Mapping[str, bytes]) -> None:
    """Keeps the contents that are not there yet."""
    contents = {sha256(content).hexdigest(): content for content in files.values()}
    chosen = sa.select(META_FILE.c.digest).where(META_FILE.c.digest.in_(contents))
    there = set(connection.execute(chosen).scalars())
    rows = [
        {"digest": digest, "content": content}
        for digest, content in contents.items()
        if digest not in there
    ]
    if rows:
        connection.execute(META_FILE.insert(), rows)


def load_files(connection: sa.Connection, digests: Digests) -> dict[str, bytes] | None:
    """Gives the files of these digests by path; None when one is not kept."""
    chosen = sa.select(META_FILE).where(META_FILE.c.digest.in_(set(digests.values())))
    contents = {row.digest: bytes(row.content) for row in connection.execute(chosen)}
    if contents.keys() != set(digests.values()):
        return None
    return {path: contents[digest] for path, digest in sorted(digests.items())}


def installed_files(manifest: Element) -> dict[str, str]:
    """Gives path → digest of what was installed, as a stored manifest names it."""
    found = mapping(mapping(manifest.body.get(DIGESTS)).get(FILES))
    return {path: str(digest) for path, digest in found.items()}


def load_base(connection: sa.Connection, manifest: Element) -> Package | None:
    """Gives the package as it was installed last; None when its files are not kept."""
    digests = installed_files(manifest)
    files = load_files(connection, digests) if digests else None
    if files is None:
        return None
    package = package_of(files)
    if TESTS in mapping(manifest.body.get(DIGESTS)):
        return package
    # Earlier versions of Trellis left tests out: they come with the package's next version.
    elements = tuple(one for one in package.elements if not is_of_tests(one))
    return replace(package, elements=elements)


def load_bases(connection: sa.Connection, elements: Iterable[Element]) -> dict[str, Package]:
    """Gives the packages as they were installed last, by name; uninstalled ones too."""
    manifests = [element for element in elements if element.kind == "package"]
    found = {element.name: load_base(connection, element) for element in manifests}
    return {name: package for name, package in found.items() if package is not None}


def keep_upload(
    connection: sa.Connection, packages: Sequence[Package], *, author: str, at: datetime
) -> str:
    """Keeps packages for a day until they are installed; gives a token for them."""
    old = META_UPLOAD.c.at < at - timedelta(days=UPLOAD_DAYS)
    connection.execute(META_UPLOAD.delete().where(old))
    for package in packages:
        keep_files(connection, package.files)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    listed = json.dumps([digests_of(package.files) for package in packages])
    row = {"token": token, "author": author, "at": at, "packages": listed}
    connection.execute(META_UPLOAD.insert().values(row))
    return token


def load_upload(connection: sa.Connection, token: str, *, author: str) -> list[Package] | None:
    """Gives the packages of a token; None when its author did not make it, or it is too old."""
    mine = (META_UPLOAD.c.token == token) & (META_UPLOAD.c.author == author)
    listed = connection.execute(sa.select(META_UPLOAD.c.packages).where(mine)).scalar()
    if listed is None:
        return None
    found = [load_files(connection, digests) for digests in json.loads(listed)]
    return [package_of(files) for files in found if files is not None]


def forget_upload(connection: sa.Connection, token: str) -> None:
    """Forgets a token; its files stay where they were installed."""
    connection.execute(META_UPLOAD.delete().where(META_UPLOAD.c.token == token))
