"""`trellis doctor`: looks for what is wrong or dangerous with an instance."""

from __future__ import annotations

import click

from trellis.declared import declares
from trellis.doctor import examine, mend
from trellis.terminal import opened


@click.command("doctor")
@click.option(
    "--repair",
    is_flag=True,
    help="First add what is missing in the tables and correct computed values.",
)
@declares("", "administer")
def command(repair: bool) -> None:
    """Check the instance; ends with 1 when something is wrong."""
    with opened(may_be_older=repair) as platform:
        findings = [*(mend(platform) if repair else ()), *examine(platform)]
    for finding in findings:
        click.echo(f"{finding.level:<8}{finding.subject}: {finding.text}")
    if any(finding.level == "wrong" for finding in findings):
        raise SystemExit(1)


COMMAND = command
