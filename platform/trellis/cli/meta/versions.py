"""`trellis meta history`, `diff`, `rollback` and `export`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from metadata.changes.compare import Difference, Part
from metadata.changes.folder import definition_files, file_of, write_definitions
from metadata.operations import read_operation
from metadata.store import history as published
from trellis.cli.meta.desk import CONFIRM, MESSAGE, desk, show_plan, tell
from trellis.declared import declares
from trellis.designer.publishing import differences, elements_of, make_rollback, publish_planned

SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@click.command("history")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--details", is_flag=True, help="With every operation.")
@declares("", "administer")
def history(limit: int, details: bool) -> None:
    """List the published versions, the newest first."""
    with desk() as unit:
        for entry in published(unit.connection, limit):
            at = entry.at.isoformat(timespec="seconds")
            told = [str(entry.version), at, entry.by, str(len(entry.operations)), entry.message]
            click.echo("\t".join(told))
            for stored in entry.operations if details else ():
                click.echo(f"  {read_operation(stored).sentence()}")


@click.command("diff")
@click.argument("first", type=click.IntRange(0))
@click.argument("second", type=click.IntRange(1), required=False)
@declares("", "administer")
def diff(first: int, second: int | None) -> None:
    """Say what is different between two versions: from FIRST to SECOND, or to the one in force."""
    with desk() as unit:
        for found in differences(unit, first, second or unit.catalog.version):
            show(found)


def show(found: Difference) -> None:
    """Prints one element that differs."""
    was = f" (was {found.was})" if found.was else ""
    name = file_of(found.kind, found.name) if found.kind != "package" else f"package {found.name}"
    click.echo(f"{SIGNS[found.state]} {name}{was}")
    for part in found.parts:
        click.echo(f"  {SIGNS[part.state]} {part.path}: {words(part)}")


def words(part: Part) -> str:
    """Gives what a part was and is."""
    values = [one for one in (part.before, part.after) if one is not None]
    return " → ".join(json.dumps(value, ensure_ascii=False) for value in values)


@click.command("rollback")
@click.argument("version", type=click.IntRange(1))
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@MESSAGE
@CONFIRM
@declares("", "administer")
def rollback(version: int, dry_run: bool, message: str, confirm: tuple[str, ...]) -> None:
    """Go back to VERSION, as a new version."""
    with desk() as unit:
        planned = make_rollback(unit, version)
        if dry_run:
            show_plan(planned)
            tell(planned.problems)
            if planned.problems:
                raise SystemExit(1)
            return
        told = message or f"back to version {version}"
        made = publish_planned(unit, planned, message=told, confirm=confirm)
    click.echo(f"definitions at version {made}")


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--version", type=click.IntRange(1), help="An older version than the one in force.")
@declares("", "administer")
def export(folder: Path, version: int | None) -> None:
    """Write all definitions into FOLDER, from which `plan` and `publish` read them."""
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty")
    with desk() as unit:
        elements = unit.catalog.elements if version is None else elements_of(unit, version, "")
        files = definition_files(elements)
    write_definitions(files, folder)
    click.echo(f"{len(files)} files in {folder}")


COMMANDS = (history, diff, rollback, export)
