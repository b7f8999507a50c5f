"""`trellis rules format`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from difflib import unified_diff
from pathlib import Path

import click

from rule_engine.editor import format_text
from rule_engine.types import Schema
from trellis.cli.rules.options import FILES, LANGUAGE, SCHEMA, explaining
from trellis.evaluation.catalogs import open_source
from trellis.evaluation.rulesets import read_texts


@click.command("format")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 if it would.")
@click.option("--diff", "show_diff", is_flag=True, help="Change nothing; print what would change.")
@SCHEMA
@LANGUAGE
@FILES
def command(
    only_check: bool,
    show_diff: bool,
    schemas: tuple[Path, ...],
    language: str,
    files: tuple[Path, ...],
) -> None:
    """Give rule files or folders the usual indentation, spacing and columns, in place.

    With --schema, fields named by labels are named by their API names, options by their values.
    """
    texts = read_texts(files)
    with explaining(language), open_source(schemas) if schemas else nullcontext() as source:
        schema = None if source is None else source.catalog.schema
        changed = dict(changed_texts(texts, schema))
    for path, text in changed.items():
        if show_diff:
            before = texts[path].splitlines(keepends=True)
            after = text.splitlines(keepends=True)
            click.echo("".join(unified_diff(before, after, path, path)), nl=False)
        elif only_check:
            click.echo(f"would format {path}")
        else:
            Path(path).write_text(text, "utf-8")
            click.echo(f"formatted {path}")
    if changed and only_check:
        raise SystemExit(1)
    if not changed:
        click.echo(f"{len(texts)} rule files are formatted")


def changed_texts(texts: dict[str, str], schema: Schema | None) -> Iterator[tuple[str, str]]:
    """Gives the texts that formatting changes, by path; raises RuleSyntaxError."""
    for path, text in texts.items():
        formatted = format_text(text, schema, source=path)
        if formatted != text:
            yield path, formatted
