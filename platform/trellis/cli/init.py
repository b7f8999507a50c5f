"""`trellis init`: makes an instance ready to serve."""

from __future__ import annotations

import click

from trellis.config import prepare_instance
from trellis.declared import declares
from trellis.installation import Report, set_up
from trellis.terminal import refusing


@click.command("init")
@click.option("--demo", is_flag=True, help="Make a demo company too.")
@declares("", "administer")
def command(demo: bool) -> None:
    """Make the instance folder, the database and the user `admin`. Can be repeated."""
    with refusing():
        report = set_up(prepare_instance(), with_demo=demo)
    tell(report)


def tell(report: Report) -> None:
    """Says what there is now; passwords only when they were made up here."""
    click.echo(f"instance  {report.instance}")
    click.echo(f"packages  {', '.join(f'{name} {text}' for name, text in report.packages.items())}")
    if report.demo:
        click.echo(f"demo      {', '.join(f'{n} {name}' for name, n in report.demo.items())}")
    if report.password:
        click.echo(f"login     admin / {report.password}")
        click.echo("          This password is shown only now.")
    elif report.made_admin:
        click.echo("login     admin / the password in TRELLIS_ADMIN_PASSWORD")
    if report.demo_password:
        click.echo(f"          All demo users: {report.demo_password}; shown only now.")


COMMAND = command
