"""`trellis package`: check, install, upgrade, uninstall, export and sign packages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from metadata.access import SYSTEM
from metadata.packages.check import check_package, line_of, package_warnings
from metadata.packages.export import export_local, export_package, write_folder, zipped
from metadata.packages.files import load_bases
from metadata.packages.read import read_package
from metadata.packages.requirements import retired_packages
from metadata.packages.signing import SIGNATURE, make_key, public_key, read_signature, sign
from metadata.problems import DefinitionError, Problem, sentence
from metadata.store import load_elements
from trellis.bundled import known_packages
from trellis.config import instance_folder, trusted_keys
from trellis.declared import declares
from trellis.demo.load import load_demo
from trellis.errors import RecordError
from trellis.evaluation.definitions import add_required, system_catalog
from trellis.installation import new_password
from trellis.installing.plans import Desk, PackagePlan, install_planned, plan_packages
from trellis.installing.removal import export_data, note_data, plan_removal, uninstall_package
from trellis.installing.sources import find_offers, read_source
from trellis.runtime import Platform
from trellis.service_levels.told import printed
from trellis.terminal import opened, refusing, with_options
from trellis.work import unit_for, writing_as

CLI = "cli"
PRIVATE_MODE = 0o600

CONFIRM = click.option(
    "--confirm", multiple=True, help="What may go out of use: object or object.field."
)
RESOLVE = click.option(
    "--resolve",
    "resolutions",
    multiple=True,
    metavar="PLACE=SIDE",
    help="How a conflict goes: ours or theirs. The place is the one that the plan names.",
)
SOURCES = click.argument("sources", nargs=-1, required=True)


@click.group("package")
def command() -> None:
    """Check, install, upgrade, uninstall, export and sign packages: folders or zip files."""


@contextmanager
def one_line_each() -> Iterator[None]:
    """Prints every problem on a line of its own and ends with exit code 1."""
    try:
        yield
    except (RecordError, DefinitionError) as error:
        tell(error.problems)
        raise SystemExit(1) from error


def tell(problems: Iterable[Problem], before: str = "") -> None:
    """Prints problems, one a line: `file:path: what is wrong; what would be right`."""
    for problem in problems:
        click.echo(f"{before}{line_of(with_options(problem))}", err=True)


@contextmanager
def desk_for(platform: Platform) -> Iterator[Desk]:
    """Gives a desk in a write transaction."""
    settings = platform.settings
    with platform.database.write(publishing=True) as connection:
        yield Desk(
            connection,
            platform.catalogs.current(connection),
            CLI,
            datetime.now(UTC),
            frozenset(settings.trusted_keys),
            settings.demands_signatures,
        )


@command.command("demo")
@click.argument("source")
@declares("", "administer")
def make_demo(source: str) -> None:
    """Make the demo records of an installed package, once; SOURCE is its folder or its name."""
    folder = known_packages().get(source, Path(source))
    with opened() as platform, one_line_each():
        name = read_package(folder).manifest.name
        with platform.database.read() as connection:
            is_installed = name in platform.catalogs.current(connection).packages
        if not is_installed:
            tell([Problem("", "package_not_installed", {"name": name})])
            raise SystemExit(1)
        password = platform.settings.admin_password or new_password()
        made = load_demo(platform, folder, password=password)
    if not made:
        click.echo(f"{source}: nothing to make; it has no demo, or its records are there")
        return
    click.echo(f"{source}: {', '.join(f'{number} {name}' for name, number in made.items())}")
    if platform.settings.admin_password is None:
        click.echo(f"All its demo users: {password}; shown only now.")


@command.command("list")
@declares("", "administer")
def show() -> None:
    """List the packages that are installed, were uninstalled, or could be installed."""
    with opened() as platform, platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        installed = dict(catalog.packages)
        gone = retired_packages(catalog.elements)
    offers = find_offers()
    for name, version in sorted(installed.items()):
        click.echo(f"{name}\t{version}\tinstalled")
    for name, version in sorted(gone.items()):
        click.echo(f"{name}\t{version}\tuninstalled, its data is kept")
    for name, offer in offers.items():
        if name not in installed and name not in gone:
            click.echo(f"{name}\t{offer.version}\t{offer.origin.in_language('en')}")


@command.command("check")
@SOURCES
@declares("", "")
def check(sources: tuple[str, ...]) -> None:
    """Check packages without installing them. SOURCES are paths or names of known packages."""
    trusted = trusted_keys(os.environ, instance_folder(os.environ))
    offers = find_offers()
    failed = False
    for source in sources:
        try:
            package = read_source(source)
            catalog = add_required(system_catalog(), package)
        except DefinitionError as error:
            tell(error.problems, f"{source}/")
            failed = True
            continue
        signature = read_signature(package.files, trusted)
        problems = [*signature.problems, *check_package(package, catalog, offers)]
        # What the warnings look at has to be right first.
        tell(problems, f"{source}/")
        tell([] if problems else package_warnings(package, catalog), f"note: {source}/")
        failed = failed or bool(problems)
        if not problems:
            click.echo(f"{package.manifest.name} {package.manifest.version}: fine")
            click.echo(f"note: {source}: {worded(f'trust_{signature.trust}')}", err=True)
    if failed:
        raise SystemExit(1)


def worded(code: str, **values: object) -> str:
    """Gives a sentence of the messages."""
    return sentence(Problem("", code, values))


@command.command("plan")
@SOURCES
@RESOLVE
@declares("", "administer")
def show_plan(sources: tuple[str, ...], resolutions: tuple[str, ...]) -> None:
    """Show what installing packages would do, with those that they need, and do nothing."""
    with opened() as platform, one_line_each(), desk_for(platform) as desk:
        packages = [read_source(source) for source in sources]
        found = plan_packages(desk, packages, choices(resolutions))
        unit = unit_for(platform, desk.connection, desk.catalog, SYSTEM)
        clocks, requests = found.clocks(unit), found.requests(unit)
    tell_plan(found)
    for plan in clocks:
        for line in printed(plan, choice="when chosen afterwards under Publish"):
            click.echo(f"  {line}")
    for told in requests.told:
        click.echo(f"  {sentence(told)}")
    if found.problems:
        tell(found.problems)
        raise SystemExit(1)


def tell_plan(found: PackagePlan) -> None:
    """Prints a plan: packages, operations, what stays as it is here, and conflicts."""
    for step in found.steps:
        manifest = step.package.manifest
        before = f" (from {step.installed})" if step.installed else ""
        trust = worded(f"trust_{step.signature.trust}")
        click.echo(f"{manifest.name} {manifest.version}{before}: {trust}")
    for operation in found.operations:
        click.echo(f"  {operation.sentence()}")
    for place in found.edits:
        click.echo(f"  {worded('edit_stays', place=place)}")
    for conflict in found.conflicts:
        click.echo(f"  {worded(f'conflict_{conflict.kept}', place=conflict.place)}")
    for one in found.left_out:
        click.echo(f"  {line_of(one)}")
    for name in found.destructive:
        click.echo(f"  {worded('goes_out_of_use', name=name)}")


def choices(resolutions: Iterable[str]) -> dict[str, str]:
    """Gives which side to take, by place."""
    parts = [one.rpartition("=") for one in resolutions]
    if any(not place for place, _, _ in parts):
        raise click.UsageError("--resolve is PLACE=ours or PLACE=theirs")
    return {place: side for place, _, side in parts}


@command.command("install")
@SOURCES
@CONFIRM
@RESOLVE
@declares("", "administer")
def install_packages(
    sources: tuple[str, ...], confirm: tuple[str, ...], resolutions: tuple[str, ...]
) -> None:
    """Install packages with those that they need, bring them up to date, or bring them back."""
    put_in(sources, confirm, resolutions)


@command.command("upgrade")
@SOURCES
@CONFIRM
@RESOLVE
@declares("", "administer")
def upgrade_packages(
    sources: tuple[str, ...], confirm: tuple[str, ...], resolutions: tuple[str, ...]
) -> None:
    """Bring installed packages up to date; what was changed here stays."""
    put_in(sources, confirm, resolutions, only_installed=True)


def put_in(
    sources: tuple[str, ...],
    confirm: tuple[str, ...],
    resolutions: tuple[str, ...],
    *,
    only_installed: bool = False,
) -> None:
    """Installs packages in one step and tells what was done."""
    chosen = choices(resolutions)
    with opened() as platform, one_line_each(), desk_for(platform) as desk:
        packages = [read_source(source) for source in sources]
        missing = [one.manifest.name for one in packages if one.manifest.name not in desk.installed]
        if only_installed and missing:
            tell(Problem("", "package_not_installed", {"name": name}) for name in missing)
            raise SystemExit(1)
        found = plan_packages(desk, packages, chosen)
        version = install_planned(desk, found, confirm=confirm)
    for step in found.steps:
        about = f"{step.package.manifest.name} {step.package.manifest.version}"
        click.echo(f"{about}: definitions at version {version}")
    for conflict in found.conflicts:
        click.echo(f"note: {worded(f'conflict_{conflict.kept}', place=conflict.place)}", err=True)
    tell(found.left_out, "note: ")


@command.command("uninstall")
@click.argument("name")
@click.option("--confirm", multiple=True, help="The package's name, or what may go out of use.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Write its records to this zip first."
)
@click.option("--plan", "only_plan", is_flag=True, help="Show what it would mean and do nothing.")
@declares("", "administer")
def remove(name: str, confirm: tuple[str, ...], data: Path | None, only_plan: bool) -> None:
    """Take a package out of use. Its data is kept and comes back when it is installed again."""
    with opened() as platform, one_line_each():
        with desk_for(platform) as desk:
            found = plan_removal(desk, name)
        for place, count in {**found.records, **found.values}.items():
            click.echo(worded("removal_records", name=place, count=count))
        for element in found.removed:
            click.echo(worded("removal_element", name=element))
        if found.problems or only_plan:
            tell(found.problems)
            raise SystemExit(1 if found.problems else 0)
        if data is not None:
            with writing_as(platform, SYSTEM) as unit:
                data.write_bytes(export_data(unit, name))
                note_data(unit, name)
        with desk_for(platform) as desk:
            version = uninstall_package(desk, name, confirm=confirm)
    click.echo(f"{name}: uninstalled, definitions at version {version}")


@command.command("export")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--local", is_flag=True, help="What was made here, as a package of this name.")
@click.option("--title", help="The title of a package of local changes.")
@declares("", "administer")
def write_out(name: str, target: Path, local: bool, title: str | None) -> None:
    """Write a package as it is in force to a new folder, or to a zip."""
    with opened() as platform, one_line_each():
        with platform.database.read() as connection:
            elements = load_elements(connection)
            bases = load_bases(connection, elements)
            installed = platform.catalogs.current(connection).packages
        if not local and name not in installed:
            tell([Problem("", "package_not_installed", {"name": name})])
            raise SystemExit(1)
        found = (
            export_local(name, title or name, elements, bases)
            if local
            else export_package(name, elements, bases.get(name))
        )
    try:
        if target.suffix == ".zip":
            target.write_bytes(zipped(found.files))
        else:
            write_folder(found.files, target)
    except FileExistsError as error:
        tell([Problem(str(target), "folder_not_empty")])
        raise SystemExit(1) from error
    for place in found.left_out:
        click.echo(f"note: {worded('export_leaves_out', place=place)}", err=True)
    click.echo(f"{target}: {len(found.files)} files")


@command.command("keygen")
@click.argument("file", type=click.Path(path_type=Path))
@declares("", "")
def make_signing_key(file: Path) -> None:
    """Make a key to sign packages with: the private one goes to FILE, the public one is printed."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    except FileExistsError as error:
        tell([Problem(str(file), "file_exists")])
        raise SystemExit(1) from error
    key = make_key()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{key}\n")
    click.echo(public_key(key))


@command.command("sign")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@declares("", "")
def sign_package(folder: Path, key: Path) -> None:
    """Sign a package's folder: writes its signature.json."""
    with refusing(), one_line_each():
        package = read_package(folder)
    try:
        content = sign(package.files, key.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        tell([Problem(str(key), "no_signing_key")])
        raise SystemExit(1) from error
    (folder / SIGNATURE).write_bytes(content)
    click.echo(f"{folder / SIGNATURE}: {package.manifest.name} {package.manifest.version} signed")


COMMAND = command
