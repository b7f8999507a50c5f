"""The built front end: addresses of bundles, icons as inline SVG, and the command that builds it.

`python -m trellis.assets build` builds in a checkout; `watch` builds on every change.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from flask import Flask, url_for
from markupsafe import Markup

DIST = Path(__file__).parent / "static" / "dist"
CHECKOUT = Path(__file__).parents[2]
UNKNOWN_ICON = "box"


class AssetsMissingError(RuntimeError):
    """The front end has not been built."""

    def __init__(self) -> None:
        super().__init__(
            f"the front end is not built: {DIST / 'manifest.json'} is missing. "
            "Run `python -m trellis.assets build`."
        )


@cache
def _load(name: str, changed_at: float) -> dict[str, object]:
    del changed_at  # part of the key only: a rebuilt bundle is read again
    loaded: dict[str, object] = json.loads((DIST / name).read_text("utf-8"))
    return loaded


def _read(name: str) -> dict[str, object]:
    try:
        return _load(name, (DIST / name).stat().st_mtime)
    except FileNotFoundError as error:
        raise AssetsMissingError from error


def files() -> dict[str, str]:
    """Gives the built files by their plain names."""
    listed = _read("manifest.json")["files"]
    return (
        {str(name): str(file) for name, file in listed.items()} if isinstance(listed, dict) else {}
    )


def asset(name: str) -> str:
    """Gives the address of a built file by its plain name, such as `app.js`."""
    known = files()
    if name not in known:
        raise KeyError(f"the front end has no file {name!r}")
    return url_for("static", filename=f"dist/{known[name]}")


@cache
def _icons(changed_at: float) -> dict[str, str]:
    return {name: str(inner) for name, inner in _load("icons.json", changed_at).items()}


def icon_names() -> list[str]:
    """Gives the names of all icons that definitions may use, sorted."""
    _read("icons.json")
    return sorted(_icons((DIST / "icons.json").stat().st_mtime))


@cache
def _svg(name: str, classes: str, changed_at: float) -> Markup:
    icons = _icons(changed_at)
    inner = icons.get(name) or icons[UNKNOWN_ICON]
    return Markup(
        '<svg class="icon {}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>'
    ).format(classes, Markup(inner))  # noqa: S704  # from the build's own icons.json


def icon(name: str, classes: str = "") -> Markup:
    """Gives an icon as inline SVG, for decoration: its words stand beside it or in a label."""
    try:
        changed_at = (DIST / "icons.json").stat().st_mtime
    except FileNotFoundError as error:
        raise AssetsMissingError from error
    return _svg(name, classes, changed_at)


def install(app: Flask) -> None:
    """Gives templates `asset()` and `icon()`."""
    app.jinja_env.globals.update(asset=asset, icon=icon, icon_names=icon_names)


def build_hook() -> ModuleType:
    """Loads the checkout's build hook; raises when this is an installed package."""
    path = CHECKOUT / "build_hook.py"
    if not path.exists():
        raise RuntimeError("only a checkout can build the front end; a wheel carries it built")
    specification = importlib.util.spec_from_file_location("build_hook", path)
    if specification is None or specification.loader is None:
        raise RuntimeError(f"cannot load {path}")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> int:
    """Runs `build` or `watch`; gives the exit code."""
    import subprocess

    if arguments not in (["build"], ["watch"]):
        sys.stderr.write("usage: python -m trellis.assets build|watch\n")
        return 2
    hook = build_hook()
    hook.build_frontend(CHECKOUT)
    hook.compile_translations(CHECKOUT)
    if arguments == ["watch"]:
        node = hook.system_node() or hook.wheel_node()
        command = [*node.node, "build.mjs", str(DIST), "--watch"]
        subprocess.run(command, cwd=hook.frontend(CHECKOUT), check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
