"""`trellis serve`: everything an instance needs, with one Ctrl-C to stop it."""

from __future__ import annotations

import click

from trellis.declared import declares
from trellis.serve import Options, serve
from trellis.terminal import opened, refusing, settings_of_instance
from trellis.upkeep import bring_forward, has_older_system


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--no-worker", is_flag=True, help="Leave background work to other processes.")
@declares("", "")
def command(host: str, port: int, workers: int, no_worker: bool) -> None:
    """Serve the web pages and the API, with one worker and an embedded Valkey."""
    with opened(may_be_older=True) as platform:
        left = bring_forward(platform)
        if has_older_system(platform):
            # Only then: it takes the web framework along, which a supervisor does not need.
            from trellis.installation import set_up_product

            left = set_up_product(platform)
        for drift in left:
            click.echo(drift.sentence(), err=True)
    with refusing():
        options = Options(host, port, workers, with_worker=not no_worker)
        serve(settings_of_instance(), options, announce=click.echo)


COMMAND = command
