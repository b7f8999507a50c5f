"""`trellis rules explain`."""

from __future__ import annotations

from pathlib import Path

import click

from trellis.cli.rules.options import (
    FILES,
    LANGUAGE,
    NOW,
    OBJECT,
    RATES,
    SCHEMA,
    TIMEZONE,
    USER,
    explaining,
    make_setting,
    read_record,
    rules_among,
    schemas_among,
)
from trellis.declared import ANY_OBJECT, declares
from trellis.evaluation.catalogs import open_source
from trellis.evaluation.explain import explain_record
from trellis.evaluation.instance import instance_of
from trellis.evaluation.rulesets import program_of, read_texts


@click.command("explain")
@OBJECT
@click.option("--record", required=True, help="The record as JSON, or the id of a stored one.")
@click.option("--old", help="The record before the change as JSON; without it, it is created.")
@click.option("--score", help="Explain only the score of this name.")
@click.option("--rule", help="Explain only the rule, assignment, approval … of this name.")
@SCHEMA
@NOW
@TIMEZONE
@RATES
@USER
@LANGUAGE
@FILES
@declares(ANY_OBJECT, "read")
def command(
    object_name: str,
    record: str,
    old: str | None,
    score: str | None,
    rule: str | None,
    schemas: tuple[Path, ...],
    now: str | None,
    timezone: str,
    rates: str,
    user: str | None,
    language: str,
    files: tuple[Path, ...],
) -> None:
    """Explain what rule files or folders make of a record, and why.

    On an instance people are named: who gets a record, who is skipped, who is asked to approve.
    Arguments that end in .json count as --schema.
    """
    texts = read_texts(rules_among(files))
    # A record's id means an instance's own definitions: packages among FILES are rules only.
    stored = not record.lstrip().startswith("{")
    defining = tuple(one for one in files if one.suffix == ".json") if stored else files
    with explaining(language), open_source(schemas_among(schemas, defining)) as source:
        setting = make_setting(source, now, timezone, rates, user)
        lines = explain_record(
            program_of(texts, source.catalog),
            setting,
            object_name,
            read_record(record, object_name, source, setting),
            None if old is None else read_record(old, object_name, source, setting),
            score or rule,
            instance_of(source, setting),
        )
        click.echo("\n".join(one.in_language(language) for one in lines))
