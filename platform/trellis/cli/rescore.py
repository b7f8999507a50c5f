"""`trellis rescore`: brings stored scores up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from metadata.access import SYSTEM
from trellis.declared import ANY_OBJECT, declares
from trellis.runtime import Platform
from trellis.scoring.rescoring import Outcome, Rescored, rescore
from trellis.terminal import opened
from trellis.unit import Unit
from trellis.work import unit_for, writing_as


@click.command("rescore")
@click.argument("object_name", metavar="[OBJECT]", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@declares(ANY_OBJECT, "update")
def command(object_name: str | None, dry_run: bool) -> None:
    """Compute the scores of OBJECT, or of all objects, and store those that are not right.

    The worker does so every night, and after scores are published that are others.
    """
    with opened() as platform:

        @contextmanager
        def work() -> Iterator[Unit]:
            if not dry_run:
                with writing_as(platform, SYSTEM) as unit:
                    yield unit
                return
            with platform.database.read() as connection:
                catalog = platform.catalogs.current(connection)
                yield unit_for(platform, connection, catalog, SYSTEM)

        demand(platform, object_name)
        for report in rescore(work, object_name, dry_run=dry_run):
            tell(report, dry_run=dry_run)


def demand(platform: Platform, object_name: str | None) -> None:
    """Ends with a message when there is no such object."""
    with platform.database.read() as connection:
        known = platform.catalogs.current(connection).objects
    if object_name is not None and object_name not in known:
        names = ", ".join(sorted(known))
        raise click.ClickException(f"no object {object_name!r}; there are: {names}")


def tell(report: Rescored, *, dry_run: bool) -> None:
    """Prints what came of one score, and why it took long if it did."""
    done = "would change" if dry_run else "changed"
    click.echo(f"{report.object}.{report.score}: {report.changed} {done}")
    if report.reason:
        click.echo(f"  record by record: {report.reason}")
    if report.refused:
        first = ", ".join(report.refused_samples)
        click.echo(f"  {report.refused} left as they are, points too large for the field: {first}")
    if dry_run:
        for sample in report.samples:
            click.echo(f"  {sample.id}  {shown(sample.old)} → {shown(sample.new)}")


def shown(outcome: Outcome) -> str:
    """Gives points and grade in one line."""
    return " ".join("(empty)" if value is None else str(value) for value in outcome)


COMMAND = command
