"""Reading a package: from files to elements, with what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

from metadata.documents import distinct, document_problems
from metadata.elements import TESTS, Element
from metadata.json_text import mapping, nearest, pointer, read_json, sequence
from metadata.packages.manifest import Manifest, parse_manifest
from metadata.packages.signing import SIGNATURE
from metadata.packages.texts import MANIFEST, read_files
from metadata.problems import PackageError, Problem
from metadata.stored import DIGESTS

FOLDERS: Final[Mapping[str, tuple[str, int]]] = {
    "objects": (".json", 2),
    "rules": (".rules", 2),
    "views": (".json", 3),
    "layouts": (".json", 3),
    "roles": (".json", 2),
    "translations": (".json", 2),
    TESTS: (".rules", 2),
}
"""Folders whose files become elements: the files' ending, and how deep they stand."""
KINDS: Final = {
    "objects": "object",
    "rules": "rules",
    "views": "view",
    "layouts": "layout",
    "roles": "role",
    "translations": "translations",
    TESTS: "rules",
}
BESIDES: Final = ("demo",)
OPAQUE: Final = ("dashboards", "reports", "templates")
"""Folders whose files are kept as they are: no part of this version reads them."""
DOCUMENTS: Final = frozenset(
    {"README.md", "CHANGELOG.md", "LICENSE", "LICENSE.md", "LICENSE.txt", SIGNATURE}
)
STORED_KEYS: Final = (DIGESTS, "retired")
"""What the store keeps in a manifest besides what its author wrote."""
EXTENSION: Final = ".extend.json"
EXTENSION_KEYS: Final = ("$schema", "$id", "properties", "required")


@dataclass(frozen=True, slots=True)
class Package:
    """A package as its files say.

    `elements` have no ids yet (the store gives them) and are in the order of files; `extensions`
    maps other packages' objects to the properties added to them; `places` says in which file an
    element stands; `demo` holds files by name, `files` all of them by path. `problems` is what
    could not be read: paths are `file:pointer`.
    """

    manifest: Manifest
    elements: tuple[Element, ...]
    extensions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)
    demo: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Reading:
    """A package while it is read."""

    package: str
    elements: list[Element] = field(default_factory=list)
    extensions: dict[str, Mapping[str, object]] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    demo: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_package(source: Path | IO[bytes]) -> Package:
    """Gives the package in a folder or a zip.

    Raises PackageError when files are refused or there is no readable manifest; all else that is
    wrong is among the package's problems.
    """
    return package_of(read_files(source))


def package_of(files: Mapping[str, bytes]) -> Package:
    """Gives the package that files make, a manifest among them; raises as `read_package`."""
    document, problems = read_json(files[MANIFEST])
    problems = problems or document_problems("package", document) or stored_keys(document)
    if problems:
        raise PackageError([placed(MANIFEST, problem) for problem in problems])
    manifest = parse_manifest(mapping(document))
    reading = Reading(manifest.name)
    add(reading, Element("", "package", manifest.name, manifest.name, manifest.document), MANIFEST)
    for path, content in files.items():
        if path != MANIFEST:
            read_file(reading, path, content)
    return Package(
        manifest=manifest,
        elements=tuple(reading.elements),
        extensions=reading.extensions,
        places=reading.places,
        demo=reading.demo,
        files=dict(files),
        problems=tuple(reading.problems),
        warnings=tuple(reading.warnings),
    )


def stored_keys(document: object) -> list[Problem]:
    """Finds keys in a manifest that only the store writes."""
    return [
        Problem(pointer([key]), "store_key", {"key": key})
        for key in STORED_KEYS
        if key in mapping(document)
    ]


def placed(file: str, problem: Problem) -> Problem:
    """Gives a problem with its file before the pointer."""
    return replace(problem, path=f"{file}:{problem.path}" if problem.path else file)


def read_file(reading: Reading, path: str, content: bytes) -> None:
    """Takes in one file by where it stands."""
    top, *rest = path.split("/")
    if top in FOLDERS and len(rest) + 1 == FOLDERS[top][1] and path.endswith(FOLDERS[top][0]):
        read_element(reading, top, path, content)
    elif top == "demo" and len(rest) == 1 and path.endswith((".csv", ".json")):
        reading.demo[rest[0]] = content
    elif top in OPAQUE and rest:
        reading.warnings.append(Problem(path, "file_not_yet"))
        if path.endswith(".json"):
            reading.problems.extend(placed(path, one) for one in read_json(content)[1])
    elif path not in DOCUMENTS:
        folders = [*FOLDERS, *BESIDES, *OPAQUE]
        values = {"nearest": nearest(top, folders), "known": folders}
        reading.problems.append(Problem(path, "unexpected_file", values))


def text_of(reading: Reading, path: str, content: bytes) -> str | None:
    """Gives a file's text; one that is not UTF-8 is a problem, and None."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        reading.problems.append(Problem(path, "json_encoding"))
        return None


def read_element(reading: Reading, folder: str, path: str, content: bytes) -> None:
    """Takes in a file that holds one element, or an extension of an object."""
    ending = FOLDERS[folder][0]
    name = path.split("/", 1)[1].removesuffix(ending)
    written = text_of(reading, path, content)
    if written is None:
        return
    if KINDS[folder] == "rules":
        inner = f"{TESTS}/{name}" if folder == TESTS else name
        body: Mapping[str, object] = {"text": written}
        full = f"{reading.package}/{inner}"
        add(reading, Element("", "rules", full, reading.package, body), path)
        return
    document, problems = read_json(written)
    if not problems and not isinstance(document, Mapping):
        problems = [Problem("", "wrong_shape", {"expected": ["object"]})]
    reading.problems.extend(placed(path, problem) for problem in problems)
    if problems:
        return
    body = mapping(document)
    if path.endswith(EXTENSION):
        read_extension(reading, path.split("/", 1)[1].removesuffix(EXTENSION), path, body)
        return
    reading.problems.extend(placed(path, problem) for problem in name_problems(body, name))
    full = f"{reading.package}/{name}" if folder == "translations" else name
    kept = {key: value for key, value in body.items() if key != "name"}
    add(reading, Element("", KINDS[folder], full, reading.package, kept), path)


def name_problems(body: Mapping[str, object], name: str) -> Iterable[Problem]:
    """Finds a name in a document that is not its file's."""
    for key in ("name", "$id"):
        written = body.get(key)
        expected = name.rpartition("/")[2]
        if written is not None and str(written).rpartition("/")[2].split(".")[0] != expected:
            values = {"found": written, "expected": expected}
            yield Problem(pointer([key]), "name_differs", values)


def read_extension(reading: Reading, target: str, path: str, body: Mapping[str, object]) -> None:
    """Takes in properties for another package's object."""
    shaped = {key: value for key, value in body.items() if key in EXTENSION_KEYS}
    problems = [
        Problem(pointer([key]), "unknown_key", {"key": key, "known": list(EXTENSION_KEYS)})
        for key in body
        if key not in EXTENSION_KEYS
    ]
    problems.extend(document_problems("object", shaped))
    reading.problems.extend(placed(path, problem) for problem in distinct(problems))
    if not problems:
        reading.extensions[target] = shaped
        reading.places["extension", target] = path


def add(reading: Reading, element: Element, path: str) -> None:
    """Takes in an element with the file it stands in."""
    reading.elements.append(element)
    reading.places[element.key] = path


def extended(
    document: Mapping[str, object], extension: Mapping[str, object], package: str
) -> dict[str, object]:
    """Gives an object's document with the properties another package adds, marked as its own."""
    added = {
        name: {
            **mapping(described),
            "crm": {**mapping(mapping(described).get("crm")), "package": package},
        }
        for name, described in mapping(extension.get("properties")).items()
    }
    required = [*sequence(document.get("required")), *sequence(extension.get("required"))]
    return {
        **document,
        "properties": {**mapping(document.get("properties")), **added},
        "required": list(dict.fromkeys(required)),
    }
