"""Writing packages: as folders and zips that give the same bytes whenever they are written.

What nobody changed since it was installed is written as it came, byte for byte; what was changed
is written as JSON in one form. So export, import and export again give the same files.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from metadata.elements import LOCAL, Element
from metadata.json_text import text
from metadata.packages.object_merge import PROPERTIES, Share, fields_of, written_object
from metadata.packages.places import element_file, extension_file
from metadata.packages.read import Package, package_of
from metadata.packages.signing import SIGNATURE
from metadata.packages.texts import MANIFEST, Files
from metadata.packages.three_way import same
from metadata.stored import DIGESTS, Document, is_retired

ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name: the time of day is no part of a package."""
ZIP_MODE: Final = 0o100644 << 16
ZIP_LEVEL: Final = 9
UNIX: Final = 3


@dataclass(frozen=True, slots=True)
class Export:
    """A package's files by path, in order. `left_out` are places of local changes to packages'
    own elements, which a package of local changes cannot hold."""

    files: Files
    left_out: tuple[str, ...] = ()


def export_package(name: str, elements: Sequence[Element], base: Package | None) -> Export:
    """Gives an installed package as it is in force, with what was changed of its elements here.

    `base` is the package as it was installed last. What is local besides is not in it.
    """
    files: Files = dict(base.files) if base is not None else {}
    there = {base.places[one.key]: one for one in base.elements} if base is not None else {}
    found = dict(own_documents(name, elements))
    for path in there.keys() | extension_paths(base):
        if path not in found and path != MANIFEST:
            del files[path]
    for path, (kind, body) in found.items():
        before = former(path, there, base)
        if before is None or not same(comparable(kind, before), comparable(kind, body)):
            files[path] = content_of(kind, body)
    if base is None or files != base.files:
        files.pop(SIGNATURE, None)
    return Export(dict(sorted(files.items())))


def former(path: str, there: Mapping[str, Element], base: Package | None) -> Document | None:
    """Gives the document of a file as it was installed."""
    if path in there:
        return there[path].body
    targets = base.extensions if base is not None else {}
    return next((one for target, one in targets.items() if extension_file(target) == path), None)


def extension_paths(base: Package | None) -> set[str]:
    """Gives the files with fields for others' objects."""
    return {extension_file(target) for target in (base.extensions if base is not None else {})}


def own_documents(
    name: str, elements: Iterable[Element]
) -> Iterator[tuple[str, tuple[str, Document]]]:
    """Gives path → kind and document of everything that is a package's, in use."""
    for element in elements:
        if element.kind == "retirement":
            continue  # it is of this installation
        if element.package == name and not is_out_of_use(element):
            body = published(element) if element.kind == "object" else element.body
            yield element_file(element.kind, element.name), (element.kind, bare(body))
        elif element.kind == "object" and not is_out_of_use(element):
            added = additions(element, name)
            if added is not None:
                yield extension_file(element.name), ("extension", added)


def is_out_of_use(element: Element) -> bool:
    """Says whether an element is retired."""
    return is_retired(element.body) or element.body.get("retired") is True


def bare(body: Document) -> dict[str, object]:
    """Gives a document without what the store keeps in a manifest."""
    return {key: value for key, value in body.items() if key not in {DIGESTS, "retired"}}


def published(element: Element) -> dict[str, object]:
    """Gives an object as its author would write it, without others' fields."""
    share = Share(element.package, element.package, element.body)
    own = {
        name
        for name, one in fields_of(element.body).items()
        if share.owner_of(one) == share.package
    }
    ours = share.ours(own)
    return {**ours, **written_object({**ours, PROPERTIES: only(ours, own)})}


def only(body: Document, names: set[str]) -> dict[str, object]:
    """Gives the fields of an object that are among some names."""
    return {name: one for name, one in fields_of(body).items() if name in names}


def additions(element: Element, name: str) -> dict[str, object] | None:
    """Gives what a package added to another's object; None when it is nothing."""
    share = Share(name, element.package, element.body, added=True)
    fields = fields_of(element.body)
    mine = {field for field, one in fields.items() if share.owner_of(one) == name}
    ours = share.ours(mine)
    return ours if fields_of(ours) else None


def comparable(kind: str, body: Document) -> Document:
    """Gives a document in the form in which files and stored ones are compared."""
    if kind in {"object", "extension"}:
        return written_object(body, added=kind == "extension")
    return bare(body)


def content_of(kind: str, body: Document) -> bytes:
    """Gives a file's content: the text of rules, JSON in one form for all else."""
    if kind == "rules":
        return (text(body.get("text")) or "").encode()
    return (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode()


def export_local(
    name: str, title: str, elements: Sequence[Element], bases: Mapping[str, Package]
) -> Export:
    """Gives what was made here as a package of its own, requiring what it builds on.

    Changes to other packages' elements are no part of it: they are in `left_out`. Raises
    DefinitionError for a name that no package can have.
    """
    versions = {
        one.name: str(one.body.get("version"))
        for one in elements
        if one.kind == "package" and not is_out_of_use(one)
    }
    documents = dict(own_documents(LOCAL, elements))
    manifest: dict[str, object] = {"name": name, "version": "1.0.0", "title": title}
    needed = sorted(required_packages(documents, elements) & versions.keys())
    if needed:
        manifest["requires"] = {one: f">={versions[one]}" for one in needed}
    files = {path: content_of(kind, body) for path, (kind, body) in documents.items()}
    files[MANIFEST] = content_of("package", manifest)
    package_of(files)
    return Export(dict(sorted(files.items())), tuple(changed_places(elements, bases)))


def required_packages(
    documents: Mapping[str, tuple[str, Document]], elements: Iterable[Element]
) -> set[str]:
    """Gives the packages whose objects some documents are about."""
    owners = {one.name: one.package for one in elements if one.kind == "object"}
    named = {word for path, (_, body) in documents.items() for word in words_of(path, body)}
    return {owners[word] for word in named if word in owners} - {LOCAL}


def words_of(path: str, value: object) -> Iterator[str]:
    """Gives every word in a document that could name an object."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from words_of(str(key), one)
    elif isinstance(value, list):
        for one in value:
            yield from words_of("", one)
    elif isinstance(value, str):
        yield from value.replace("(", " ").replace(")", " ").replace(".", " ").split()
    yield from path.replace(".", "/").split("/")


def changed_places(elements: Sequence[Element], bases: Mapping[str, Package]) -> Iterator[str]:
    """Gives the files of packages whose elements were changed here."""
    for name, base in sorted(bases.items()):
        there = {one.key: one for one in base.elements}
        for element in elements:
            was = there.get(element.key)
            if element.package != name or was is None or is_out_of_use(element):
                continue
            body = published(element) if element.kind == "object" else element.body
            if not same(comparable(element.kind, was.body), comparable(element.kind, body)):
                yield f"{name}/{base.places[was.key]}"


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes files below a folder that is new or empty. Raises FileExistsError otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(str(folder))
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Gives files as a zip that has the same bytes whenever it is made."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=ZIP_LEVEL) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr, entry.create_system = ZIP_MODE, UNIX
            archive.writestr(entry, files[path])
    return stream.getvalue()
