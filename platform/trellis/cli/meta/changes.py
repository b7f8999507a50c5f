"""`trellis meta plan` and `publish`: a folder of definitions, or somebody's draft."""

from __future__ import annotations

from pathlib import Path

import click

from metadata.changes.folder import read_definitions
from metadata.elements import Element
from trellis.cli.meta.desk import CONFIRM, MESSAGE, USER, desk, show_plan, tell
from trellis.declared import declares
from trellis.designer.publishing import (
    Planned,
    Replacements,
    make_plan,
    plan_elements,
    publish_plan,
    publish_planned,
)
from trellis.designer.replacing import with_replacements
from trellis.unit import Unit

INSTALLED = ("package", "retirement")
"""Kinds of definitions that belong to the installation and are in no folder."""
FOLDER = click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
WHOLE = click.option(
    "--whole", is_flag=True, help="The folder is all there is: what it lacks goes out of use."
)
REPLACE = click.option(
    "--replace",
    "replaced",
    multiple=True,
    metavar="OBJECT.FIELD:OLD=NEW",
    help="Which option takes the place of a removed one.",
)


OPEN_CLOCKS = click.option(
    "--open-clocks",
    "open_clocks",
    multiple=True,
    metavar="OBJECT.SLA",
    help="A service level whose new rules hold for what is open, too.",
)


@click.command("plan")
@FOLDER
@USER
@WHOLE
@REPLACE
@declares("", "administer")
def plan(folder: Path | None, user: str | None, whole: bool, replaced: tuple[str, ...]) -> None:
    """Say what publishing FOLDER, or a user's draft, would do. Nothing is changed."""
    with desk(user) as unit:
        planned = planned_of(unit, folder, user, whole, read_replaced(replaced))
        show_plan(planned)
        tell(planned.problems)
        if planned.problems:
            raise SystemExit(1)
        if not planned.operations:
            click.echo("nothing to do")


@click.command("publish")
@FOLDER
@USER
@WHOLE
@REPLACE
@MESSAGE
@CONFIRM
@OPEN_CLOCKS
@declares("", "administer")
def publish(
    folder: Path | None,
    user: str | None,
    whole: bool,
    replaced: tuple[str, ...],
    message: str,
    confirm: tuple[str, ...],
    open_clocks: tuple[str, ...],
) -> None:
    """Publish FOLDER, or a user's draft, as the next version."""
    options = read_replaced(replaced)
    with desk(user) as unit:
        planned = planned_of(unit, folder, user, whole, options)
        if folder is None:
            version = publish_plan(
                unit,
                planned.token,
                message=message,
                confirm=confirm,
                replace_options=options,
                open_clocks=open_clocks,
            )
        else:
            version = publish_planned(
                unit, planned, message=message, confirm=confirm, open_clocks=open_clocks
            )
    click.echo(f"definitions at version {version}")


def planned_of(
    unit: Unit, folder: Path | None, user: str | None, whole: bool, options: Replacements
) -> Planned:
    """Gives the plan of a folder or of a draft."""
    if folder is None:
        if user is None:
            raise click.UsageError("a folder of definitions, or --user for a draft, is needed")
        return make_plan(unit, options)
    read = read_definitions(folder, unit.catalog.elements)
    if read.problems:
        tell(read.problems)
        raise SystemExit(1)
    return plan_elements(unit, with_replacements(wanted(unit, read.elements, whole), options))


def wanted(unit: Unit, given: list[Element], whole: bool) -> list[Element]:
    """Gives the whole wanted state; system definitions, manifests and
    retirements of rules stay whatever is given."""
    keys = {element.key for element in given}
    others = [
        one
        for one in unit.catalog.elements
        if one.key not in keys and (not whole or one.kind in INSTALLED or one.package == "system")
    ]
    return [*others, *given]


def read_replaced(given: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Reads `object.field:old=new`."""
    found: dict[str, dict[str, str]] = {}
    for one in given:
        place, colon, moved = one.partition(":")
        was, equals, option = moved.partition("=")
        if not (colon and equals and place and was and option):
            raise click.UsageError(f"--replace takes OBJECT.FIELD:OLD=NEW, not {one!r}")
        found.setdefault(place, {})[was] = option
    return found


COMMANDS = (plan, publish)
