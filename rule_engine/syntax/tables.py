"""The LALR parser of `grammar.lark`, built once and kept as tables in the user's cache folder.

The tables are plain data (msgpack), never pickled objects. A cache that cannot be read or written
only costs the time to build the parser anew.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import lark
import msgspec
from lark.grammar import Rule
from lark.lexer import TerminalDef

from rule_engine.collecting import uncollected

GRAMMAR = Path(__file__).parent.parent / "grammar.lark"

#: Lark's "any width" is 2**64, one more than msgpack can say.
_WIDEST = 2**60


class NameAlways:
    """Lets the lexer find a NAME everywhere, so that keywords match as whole words only."""

    always_accept = ("NAME",)

    def process(self, stream: Iterable[lark.Token]) -> Iterator[lark.Token]:
        """Gives the tokens as they are."""
        yield from stream


def build_parser(*, strict: bool = False) -> lark.Lark:
    """Builds the parser from the grammar; `strict` also refuses colliding terminals (slow)."""
    return lark.Lark(
        GRAMMAR.read_text("utf-8"),
        parser="lalr",
        start=["file", "expression"],
        propagate_positions=True,
        maybe_placeholders=True,
        strict=strict,
        postlex=NameAlways(),
    )


@cache
def parser() -> lark.Lark:
    """Gives the parser, from the cache when there is one for this grammar and these versions."""
    grammar = GRAMMAR.read_bytes()
    key = sha256(grammar + f"{lark.__version__} {sys.version_info}".encode()).hexdigest()[:20]
    file = _cache_folder() / f"grammar-{key}.msgpack"
    try:
        return _load(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, lark.LarkError):
        built = build_parser()
        with suppress(OSError):
            _store(built, file)
        return built


def _cache_folder() -> Path:
    """Gives the folder for the tables; inside the shared temporary folder it is the user's own."""
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111
    nearest = next((p for p in (home, *home.parents) if p.is_dir()), None)
    if nearest is not None and os.access(nearest, os.W_OK | os.X_OK):
        return home / "trellis"
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"trellis-{owner}"


def _load(file: Path) -> lark.Lark:
    status = file.stat()
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        raise OSError(f"{file} belongs to someone else")
    with uncollected():
        stored = msgspec.msgpack.decode(file.read_bytes(), strict=False)
        stored["data"]["options"]["postlex"] = NameAlways()
        # Lark.load takes the decoded mapping as well as a file.
        return lark.Lark.load(stored)


def _store(built: lark.Lark, file: Path) -> None:
    """Writes the tables beside their final name and moves them there in one step."""
    data, memo = built.memo_serialize([TerminalDef, Rule])
    data["options"]["postlex"] = None
    content = msgspec.msgpack.encode(_plain({"data": data, "memo": memo}))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(name).replace(file)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _plain(value: Any) -> Any:
    """Gives Lark's serialised data with lists for tuples and widths that msgpack can say."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int):
        return min(value, _WIDEST)
    return value
