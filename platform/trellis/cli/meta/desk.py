"""What the commands share: who acts, and how plans and problems are printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import click

from metadata.access import SYSTEM
from metadata.changes.folder import place_in_folder
from metadata.changes.impact import Impact
from metadata.packages.check import line_of
from metadata.problems import DefinitionError, Problem, sentence
from trellis.designer.publishing import Planned
from trellis.errors import RecordError
from trellis.runtime import Platform
from trellis.security.users import find_user
from trellis.service_levels.told import printed
from trellis.terminal import opened, with_options
from trellis.unit import Unit
from trellis.work import writing_as

CLI = "cli"

USER = click.option("--user", help="Whose draft it is; without a folder it is needed.")
CONFIRM = click.option(
    "--confirm", multiple=True, help="What may go out of use or lose values: object[.field]."
)
MESSAGE = click.option("--message", default="", help="What it is for; shown in the history.")


@contextmanager
def desk(user: str | None = None) -> Iterator[Unit]:
    """Gives the system a unit of work, in the name of a user when one is given.

    Problems are printed one a line, and end the command with exit code 1.
    """
    with opened() as platform:
        try:
            with acting(platform, user) as unit:
                yield unit
        except (RecordError, DefinitionError) as error:
            tell(error.problems)
            raise SystemExit(1) from error


@contextmanager
def acting(platform: Platform, user: str | None) -> Iterator[Unit]:
    """Opens the unit of work."""
    with writing_as(platform, replace(SYSTEM, name=CLI)) as unit:
        if user is None:
            yield unit
            return
        author = find_user(unit.connection, unit.catalog, user)
        if author is None:
            raise click.ClickException(f"no user {user!r}; `trellis user list` shows all")
        yield replace(unit, principal=replace(SYSTEM, name=author))


def tell(problems: Iterable[Problem]) -> None:
    """Prints problems, one a line: `file:path: message`."""
    for problem in problems:
        click.echo(line_of(place_in_folder(with_options(problem))), err=True)


def show_plan(planned: Planned) -> None:
    """Prints what a plan does, one operation a line with what it means below it."""
    impacts = planned.impacts or tuple(Impact() for _ in planned.operations)
    for operation, impact in zip(planned.operations, impacts, strict=True):
        counted = [f"{impact.rows} rows"] if impact.rows else []
        if impact.tally is not None:
            counted = [
                f"{impact.tally.converted} values convert",
                f"{impact.tally.changed} change their form",
                f"{impact.tally.lost} are lost",
            ]
        counted += [sentence(impact.later)] if impact.later is not None else []
        told = f" ({', '.join(counted)})" if counted else ""
        click.echo(f"{operation.sentence()}{told}")
        for mention in impact.mentions:
            line = f":{mention.line}" if mention.line else ""
            click.echo(f"  {mention.kind} {mention.name}{mention.path}{line}: {mention.text}")
    for plan in planned.clocks:
        for line in printed(plan, choice=f"with --open-clocks {plan.key}"):
            click.echo(line)
    for found in planned.requests.told:
        click.echo(sentence(found))
    for name in planned.destructive:
        click.echo(f"to be confirmed: --confirm {name}")
