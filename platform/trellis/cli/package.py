"""`trellis package`: check and install packages."""

from __future__ import annotations

from pathlib import Path

import click

from metadata.packages.check import check_package, line_of, package_warnings
from metadata.packages.install import install
from metadata.packages.read import read_package
from metadata.problems import PackageError
from trellis.bundled import known_packages
from trellis.evaluation.definitions import add_required, system_catalog
from trellis.terminal import opened


@click.group("package")
def command() -> None:
    """Check and install packages: folders or zip files."""


@command.command("check")
@click.argument("sources", nargs=-1, required=True)
def check(sources: tuple[str, ...]) -> None:
    """Check packages without installing them. SOURCES are paths or names of known packages."""
    failed = False
    for source in sources:
        try:
            package = read_package(find(source))
            catalog = add_required(system_catalog(), package)
            problems = check_package(package, catalog)
            # What the warnings look at has to be right first.
            warnings = [] if problems else package_warnings(package, catalog)
        except PackageError as error:
            problems, warnings = list(error.problems), []
        for problem in problems:
            click.echo(f"{source}/{line_of(problem)}", err=True)
        for warning in warnings:
            click.echo(f"note: {source}/{line_of(warning)}", err=True)
        failed = failed or bool(problems)
        if not problems:
            click.echo(f"{package.manifest.name} {package.manifest.version}: fine")
    if failed:
        raise SystemExit(1)


@command.command("install")
@click.argument("sources", nargs=-1, required=True)
@click.option("--confirm", multiple=True, help="What may go out of use: object or object.field.")
def install_packages(sources: tuple[str, ...], confirm: tuple[str, ...]) -> None:
    """Install packages, or bring them up to date."""
    with opened() as platform, platform.database.write() as connection:
        for source in sources:
            package = read_package(find(source))
            version = install(connection, package, by="cli", confirm=confirm)
            about = f"{package.manifest.name} {package.manifest.version}"
            click.echo(f"{about}: definitions at version {version}")


@command.command("list")
def show() -> None:
    """List the packages that are installed and those that could be."""
    with opened() as platform, platform.database.read() as connection:
        installed = dict(platform.catalogs.current(connection).packages)
    for name, version in sorted(installed.items()):
        click.echo(f"{name}\t{version}\tinstalled")
    for name, folder in known_packages().items():
        if name not in installed:
            click.echo(f"{name}\t\t{folder}")


def find(source: str) -> Path:
    """Gives the folder or zip of a package named by its path, or by name when it is known."""
    path = Path(source)
    return path if path.exists() else known_packages().get(source, path)


COMMAND = command
