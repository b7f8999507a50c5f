"""`trellis doctor`: looks for what is wrong or dangerous with an instance."""

from __future__ import annotations

import click

from trellis.doctor import examine
from trellis.terminal import opened


@click.command("doctor")
def command() -> None:
    """Check the instance; ends with 1 when something is wrong."""
    with opened() as platform:
        findings = examine(platform)
    for finding in findings:
        click.echo(f"{finding.level:<8}{finding.subject}: {finding.text}")
    if any(finding.level == "wrong" for finding in findings):
        raise SystemExit(1)


COMMAND = command
