"""`trellis rules test`."""

from __future__ import annotations

from pathlib import Path

import click

from rule_engine.testing import format_results
from trellis.cli.rules.options import (
    FILES,
    LANGUAGE,
    NOW,
    SCHEMA,
    TIMEZONE,
    explaining,
    read_now,
    read_zone,
    rules_among,
    schemas_among,
)
from trellis.declared import declares
from trellis.evaluation.catalogs import open_source
from trellis.evaluation.rulesets import read_texts, run_test_blocks


@click.command("test")
@SCHEMA
@NOW
@TIMEZONE
@LANGUAGE
@FILES
@declares("", "")
def command(
    schemas: tuple[Path, ...],
    files: tuple[Path, ...],
    now: str | None,
    timezone: str,
    language: str,
) -> None:
    """Run the test blocks of rule files or folders, with all rules of them in force.

    Arguments that end in .json count as --schema.
    """
    zone = read_zone(timezone)
    clock = read_now(now, zone) if now else None
    with explaining(language), open_source(schemas_among(schemas, files)) as source:
        run = run_test_blocks(read_texts(rules_among(files)), source.catalog, clock, zone)
    click.echo(format_results(run.results, run.gaps, language))
    if not all(result.passed for result in run.results):
        raise SystemExit(1)
