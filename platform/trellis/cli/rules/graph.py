"""`trellis rules graph`."""

from __future__ import annotations

from pathlib import Path

import click

from rule_engine.check.graph import graph_of
from trellis.cli.rules.options import (
    FILES,
    LANGUAGE,
    SCHEMA,
    explaining,
    rules_among,
    schemas_among,
)
from trellis.declared import declares
from trellis.evaluation.catalogs import open_source
from trellis.evaluation.rulesets import program_of, read_texts


@click.command("graph")
@click.option("--json", "form", flag_value="json", help="Print nodes and edges as JSON.")
@click.option("--mermaid", "form", flag_value="mermaid", help="Print a Mermaid flow chart.")
@SCHEMA
@LANGUAGE
@FILES
@declares("", "")
def command(
    form: str | None, schemas: tuple[Path, ...], files: tuple[Path, ...], language: str
) -> None:
    """Print which rules set off which: `writer --object.field--> listener`.

    The other rules of the schema are in it, too. Arguments that end in .json count as --schema.
    """
    texts = read_texts(rules_among(files))
    with explaining(language), open_source(schemas_among(schemas, files)) as source:
        found = graph_of(program_of(texts, source.catalog))
    forms = {"json": found.to_json, "mermaid": found.to_mermaid}
    click.echo(forms.get(form or "", found.to_text)())
