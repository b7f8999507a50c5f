"""All definitions as a folder of files, to be kept under version control and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from metadata.changes.moved import authored
from metadata.documents import document_problems
from metadata.elements import LOCAL, Element, by_key, holds_tests
from metadata.json_text import mapping, read_json, text
from metadata.parse import NAME
from metadata.problems import Problem

FOLDERS: Final[Mapping[str, str]] = {
    "object": "objects",
    "role": "roles",
    "view": "views",
    "layout": "layouts",
    "rules": "rules",
    "translations": "translations",
}
KINDS: Final[Mapping[str, str]] = {folder: kind for kind, folder in FOLDERS.items()}
NESTED: Final = frozenset({"view", "layout", "rules", "translations"})
MAX_BYTES: Final = 2 * 1024 * 1024


@dataclass(slots=True)
class Definitions:
    """What was read from a folder, and what is wrong with it, as `file:pointer`."""

    elements: list[Element] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def file_of(kind: str, name: str) -> str:
    """Gives the file of an element."""
    return f"{FOLDERS[kind]}/{name}.{'rules' if kind == 'rules' else 'json'}"


def definition_files(elements: Iterable[Element]) -> dict[str, bytes]:
    """Gives the files of the elements in use, by their paths."""
    found: dict[str, bytes] = {}
    for element in elements:
        body = authored(element) if element.kind in FOLDERS else None
        if body is None:
            continue
        if element.kind == "rules":
            content = text(body.get("text")) or ""
        else:
            content = json.dumps(body, ensure_ascii=False, indent=2) + "\n"
        found[file_of(element.kind, element.name)] = content.encode()
    return dict(sorted(found.items()))


def write_definitions(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes files into a folder, which is made when it is not there."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def read_definitions(folder: Path, current: Sequence[Element]) -> Definitions:
    """Reads a folder of definitions; elements that are there keep their ids and packages."""
    found, known = Definitions(), by_key(current)
    for path in sorted(folder.rglob("*")):
        relative = PurePosixPath(path.relative_to(folder).as_posix())
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        for element in read_file(found, relative, path):
            there = known.get(element.key)
            if there is not None:
                element = replace(element, id=there.id, package=there.package)
            found.elements.append(element)
    return found


def read_file(found: Definitions, relative: PurePosixPath, path: Path) -> Iterator[Element]:
    """Gives the element in a file."""
    kind = KINDS.get(relative.parts[0], "")
    name = relative.relative_to(relative.parts[0]).with_suffix("").as_posix() if kind else ""
    if not kind or file_of(kind, name) != str(relative) or not is_name(kind, name):
        found.problems.append(
            Problem(str(relative), "unknown_definition_file", {"known": sorted(KINDS)})
        )
        return
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        found.problems.append(Problem(str(relative), "body_too_large"))
        return
    document: object = {"text": content.decode("utf-8", "replace")}
    problems: list[Problem] = []
    if kind != "rules":
        document, problems = read_json(content)
        problems = problems or document_problems(kind, document)
    found.problems.extend(replace(one, path=f"{relative}:{one.path}") for one in problems)
    if not problems:
        yield Element("", kind, name, LOCAL, mapping(document))


def is_name(kind: str, name: str) -> bool:
    """Says whether elements of a kind can have a name."""
    parts = name.split("/")
    return len(parts) == depth(kind, name) and all(map(NAME.fullmatch, parts))


def depth(kind: str, name: str) -> int:
    """Gives how many parts the names of a kind have; `name` may go on after its own."""
    if kind == "rules" and holds_tests("/".join(name.split("/")[:3])):
        return 3
    return 2 if kind in NESTED else 1


def place_in_folder(problem: Problem) -> Problem:
    """Gives a problem of a plan with the file of its element in front."""
    _, folder, *rest = problem.path.split("/") if problem.path.startswith("/") else ["", "", ""]
    kind = KINDS.get(folder)
    if kind is None:
        return problem
    parts = depth(kind, "/".join(rest))
    name, inside = "/".join(rest[:parts]), "".join(f"/{part}" for part in rest[parts:])
    return replace(problem, path=f"{file_of(kind, name)}:{inside}".removesuffix(":"))
