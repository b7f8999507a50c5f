"""`trellis rules check`."""

from __future__ import annotations

from pathlib import Path

import click

from rule_engine.errors import sentence
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
from trellis.evaluation.rulesets import check_texts, read_texts
from trellis.phrases import Sentence


@click.command("check")
@SCHEMA
@LANGUAGE
@FILES
@declares("", "")
def command(schemas: tuple[Path, ...], files: tuple[Path, ...], language: str) -> None:
    """Check rule files or folders; findings read file:line:column: message (hint).

    Arguments that end in .json count as --schema.
    """
    texts = read_texts(rules_among(files))
    with explaining(language), open_source(schemas_among(schemas, files)) as source:
        findings = check_texts(texts, source.catalog)
    for finding in findings:
        click.echo(f"{finding.source}:{sentence(finding, language)}", err=True)
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(1)
    fine = Sentence("{count} rule files are fine", {"count": len(texts)})
    click.echo(fine.in_language(language))
