"""`trellis init`: makes an instance ready to serve."""

from __future__ import annotations

import click

from trellis.config import prepare_instance
from trellis.installation import Report, set_up
from trellis.terminal import refusing


@click.command("init")
@click.option("--demo", is_flag=True, help="Fill the instance with a demo company.")
@click.option("--seed", default=1, show_default=True, help="What the demo data are drawn from.")
def init(demo: bool, seed: int) -> None:
    """Make the instance folder, the database and the user `admin`. Can be repeated."""
    with refusing():
        report = set_up(prepare_instance(), demo_seed=seed if demo else None)
    tell(report)


def tell(report: Report) -> None:
    """Says what there is now; the password only when it was made up here."""
    click.echo(f"instance  {report.instance}")
    click.echo(f"packages  {', '.join(f'{name} {text}' for name, text in report.packages.items())}")
    if report.demo:
        click.echo(f"demo      {report.demo}")
    if report.password:
        click.echo(f"login     admin / {report.password}")
        click.echo("          This password is shown only now.")
    elif report.made_admin:
        click.echo("login     admin / the password in TRELLIS_ADMIN_PASSWORD")


COMMAND = init
