"""`trellis rules format`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from difflib import unified_diff
from pathlib import Path

import click

from rule_engine.editor import format_text
from rule_engine.types import Schema
from trellis.cli.rules.options import LANGUAGE, SCHEMA, explaining
from trellis.declared import declares
from trellis.evaluation.catalogs import open_source
from trellis.evaluation.rulesets import read_texts
from trellis.phrases import Sentence

DASH = "-"
PATH_OR_DASH = click.Path(exists=True, path_type=Path, allow_dash=True)


@click.command("format")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit 1 if it would.")
@click.option("--diff", "show_diff", is_flag=True, help="Change nothing; print what would change.")
@SCHEMA
@LANGUAGE
@click.argument("files", nargs=-1, required=True, type=PATH_OR_DASH)
@declares("", "")
def command(
    only_check: bool,
    show_diff: bool,
    schemas: tuple[Path, ...],
    language: str,
    files: tuple[Path, ...],
) -> None:
    """Give rule files or folders the usual indentation, spacing and columns, in place.

    A lone - reads standard input and writes to standard output.
    With --schema, fields named by labels are named by their API names, options by their values.
    """
    texts = read_input(files)
    with explaining(language), open_source(schemas) if schemas else nullcontext() as source:
        schema = None if source is None else source.catalog.schema
        changed = dict(changed_texts(texts, schema))
    for path, text in changed.items():
        if show_diff:
            before = texts[path].splitlines(keepends=True)
            after = text.splitlines(keepends=True)
            click.echo("".join(unified_diff(before, after, path, path)), nl=False)
        elif only_check:
            tell(Sentence("would format {path}", {"path": path}), language)
        elif path != DASH:
            Path(path).write_text(text, "utf-8")
            tell(Sentence("formatted {path}", {"path": path}), language)
    if DASH in texts and not show_diff and not only_check:
        click.echo({**texts, **changed}[DASH], nl=False)
    elif not changed:
        tell(Sentence("{count} rule files are formatted", {"count": len(texts)}), language)
    if changed and only_check:
        raise SystemExit(1)


def read_input(files: Sequence[Path]) -> dict[str, str]:
    """Gives the texts of files and folders by path, or standard input's under a dash."""
    if DASH not in map(str, files):
        return read_texts(files)
    if len(files) > 1:
        raise click.UsageError("- stands alone")
    return {DASH: sys.stdin.buffer.read().decode("utf-8")}


def tell(said: Sentence, language: str) -> None:
    """Prints what was done."""
    click.echo(said.in_language(language))


def changed_texts(texts: dict[str, str], schema: Schema | None) -> Iterator[tuple[str, str]]:
    """Gives the texts that formatting changes, by path; raises RuleSyntaxError."""
    for path, text in texts.items():
        formatted = format_text(text, schema, source=path)
        if formatted != text:
            yield path, formatted
