"""The files of a package, out of a folder or a zip, with everything dangerous refused."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

from metadata.problems import PackageError, Problem

MAX_ZIP_BYTES: Final = 20_000_000
MAX_FILE_BYTES: Final = 5_000_000
MAX_TOTAL_BYTES: Final = 50_000_000
MAX_FILES: Final = 1_000
MAX_RATIO: Final = 100
MIN_RATIO_BYTES: Final = 10_000
"""Below this size a file may be as compressible as it likes."""
MAX_PATH_LENGTH: Final = 200
PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@ -]*", re.ASCII)
SUFFIXES: Final = frozenset({".json", ".rules", ".csv", ".html", ".txt", ".md", ""})
IGNORED: Final = frozenset({"__MACOSX", "__pycache__", "node_modules"})
MANIFEST: Final = "manifest.json"
PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
CODE: Final = frozenset({".py", ".pyc", ".pyd", ".pyw", ".pyz", ".so", ".whl"})
UNREADABLE: Final = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error),
    *(NotImplementedError, OSError, EOFError, ValueError),
)
"""What `zipfile` raises for an archive that is damaged or made to deceive."""

Files = dict[str, bytes]


def read_files(source: Path | IO[bytes]) -> Files:
    """Gives the files of a package by their path in it, in the order of paths.

    A path may be a folder or a zip; hidden files are passed over. Raises PackageError with
    everything that is refused.
    """
    if isinstance(source, Path) and source.is_dir():
        return read_folder(source)
    if isinstance(source, Path) and not source.exists():
        raise PackageError([Problem(str(source), "no_such_package")])
    return read_zip(source)


def read_folder(folder: Path) -> Files:
    """Gives the files below a folder."""
    found = sorted(listed(folder))
    problems: list[Problem] = []
    files: Files = {}
    for path in found:
        name = path.relative_to(folder).as_posix()
        size = path.lstat().st_size
        code = refusal(name, size, size, is_link=path.is_symlink())
        if code is not None:
            problems.append(code)
        else:
            files[name] = path.read_bytes()
    problems.extend(totals(len(found), sum(map(len, files.values()))))
    problems.extend(repeated(files))
    return accepted(files, problems)


def listed(folder: Path) -> Iterator[Path]:
    """Gives the files and links below a folder, without hidden ones; links are not followed."""
    for place, folders, names in os.walk(folder, followlinks=False):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if not is_hidden(name) and name not in links]
        yield from (here / name for name in (*names, *links) if not is_hidden(name))


def is_hidden(name: str) -> bool:
    """Says whether a file or folder is none of the package's business."""
    return (name.startswith(".") and name not in {".", ".."}) or name in IGNORED


def read_zip(source: Path | IO[bytes]) -> Files:
    """Gives the files of a zip; one folder around everything is taken off."""
    if size_of(source) > MAX_ZIP_BYTES:
        place = str(source) if isinstance(source, Path) else ""
        raise PackageError([Problem(place, "zip_too_large", {"limit": MAX_ZIP_BYTES})])
    try:
        with zipfile.ZipFile(source) as archive:
            return unpack(archive)
    except UNREADABLE as error:
        raise PackageError([Problem("", "not_a_zip", {"detail": str(error)})]) from error


def size_of(source: Path | IO[bytes]) -> int:
    """Gives the bytes of a zip without reading it."""
    if isinstance(source, Path):
        return source.stat().st_size
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def unpack(archive: zipfile.ZipFile) -> Files:
    """Gives an archive's files; sizes are counted while reading, not believed."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    entries = [entry for entry in entries if not any(map(is_hidden, entry.filename.split("/")))]
    problems = list(totals(len(entries), sum(entry.file_size for entry in entries)))
    problems.extend(found for entry in entries if (found := entry_problem(entry)) is not None)
    problems.extend(repeated(entry.filename for entry in entries))
    if problems:
        raise PackageError(problems)
    files: Files = {}
    for entry in entries:
        with archive.open(entry) as stream:
            files[entry.filename] = stream.read(entry.file_size + 1)
        if len(files[entry.filename]) > entry.file_size:
            raise PackageError([Problem(entry.filename, "zip_size_wrong")])
    return accepted(without_wrapper(files), [])


def entry_problem(entry: zipfile.ZipInfo) -> Problem | None:
    """Gives what is wrong with one entry of a zip."""
    if entry.flag_bits & 0x1:
        return Problem(entry.filename, "file_encrypted")
    if entry.compress_type not in PACKINGS:
        return Problem(entry.filename, "file_packing")
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    if entry.orig_filename != entry.filename:
        return Problem(entry.filename, "file_name", {"name": entry.orig_filename})
    return refusal(entry.filename, entry.file_size, entry.compress_size, is_link=is_link)


def refusal(name: str, size: int, packed_size: int, *, is_link: bool) -> Problem | None:
    """Gives why a file is refused, or None."""
    parts = name.split("/")
    if len(name) > MAX_PATH_LENGTH or not all(map(PLAIN_NAME.fullmatch, parts)):
        return Problem(name, "file_name", {"name": name})
    if is_link:
        return Problem(name, "file_link")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in CODE:
        return Problem(name, "file_python")
    if suffix not in SUFFIXES:
        return Problem(name, "file_kind", {"known": sorted(filter(None, SUFFIXES))})
    if size > MAX_FILE_BYTES:
        return Problem(name, "package_file_too_large", {"limit": MAX_FILE_BYTES})
    if size > MIN_RATIO_BYTES and size > packed_size * MAX_RATIO:
        return Problem(name, "file_ratio", {"limit": MAX_RATIO})
    return None


def totals(count: int, size: int) -> Iterator[Problem]:
    """Gives what is wrong with the number and the size of all files."""
    if count > MAX_FILES:
        yield Problem("", "too_many_files", {"limit": MAX_FILES, "found": count})
    if size > MAX_TOTAL_BYTES:
        yield Problem("", "package_too_large", {"limit": MAX_TOTAL_BYTES})


def repeated(names: Iterable[str]) -> Iterator[Problem]:
    """Gives files that are there twice, also where only the case of letters differs."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            yield Problem(name, "file_twice")
        seen.add(name.casefold())


def without_wrapper(files: Files) -> Files:
    """Takes off the one folder that a zip of a folder has around everything."""
    if MANIFEST in files:
        return files
    tops = {name.split("/", 1)[0] for name in files}
    top = next(iter(tops), "")
    if len(tops) == 1 and f"{top}/{MANIFEST}" in files:
        return {name.split("/", 1)[1]: content for name, content in files.items()}
    return files


def accepted(files: Files, problems: list[Problem]) -> Files:
    """Gives files in the order of their paths. Raises PackageError when there are problems."""
    if MANIFEST not in files and not problems:
        problems = [Problem(MANIFEST, "no_manifest")]
    if problems:
        raise PackageError(problems)
    return dict(sorted(files.items()))
