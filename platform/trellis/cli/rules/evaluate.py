"""`trellis rules eval`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from trellis.cli.rules.options import (
    LANGUAGE,
    NOW,
    OBJECT,
    PATH,
    RATES,
    SCHEMA,
    TIMEZONE,
    USER,
    explaining,
    make_setting,
    read_record,
)
from trellis.declared import ANY_OBJECT, declares
from trellis.evaluation.catalogs import Source, open_source
from trellis.evaluation.question import EvaluationError, Question, Setting
from trellis.evaluation.run import ENGINES, Engine, evaluate
from trellis.evaluation.wire import to_json, to_wire


@click.command("eval")
@OBJECT
@click.option("--expression", help="The expression; or use --batch.")
@click.option("--record", help="The record as JSON, or the id of a stored one.")
@click.option("--batch", type=PATH, help="A file of lines: expression, tab, record.")
@SCHEMA
@NOW
@TIMEZONE
@RATES
@USER
@click.option("--engine", type=click.Choice(list(ENGINES)), default="python", show_default=True)
@LANGUAGE
@click.argument("more_schemas", nargs=-1, type=PATH)
@declares(ANY_OBJECT, "read")
def command(
    object_name: str,
    expression: str | None,
    record: str | None,
    batch: Path | None,
    schemas: tuple[Path, ...],
    now: str | None,
    timezone: str,
    rates: str,
    user: str | None,
    engine: str,
    language: str,
    more_schemas: tuple[Path, ...],
) -> None:
    """Evaluate an expression on a record; prints the value as one line of JSON.

    Arguments count as --schema.
    """
    if (batch is None) == (expression is None or record is None):
        raise click.UsageError("give --expression and --record, or --batch")
    sources = open_source([*schemas, *more_schemas])
    with explaining(language), sources as source, ENGINES[engine]() as running:
        setting = make_setting(source, now, timezone, rates, user)
        if batch is not None:
            for line in answer_lines(batch, object_name, source, setting, running, language):
                click.echo(line)
            return
        asked = Question(
            object_name, expression or "", read_record(record or "", object_name, source, setting)
        )
        click.echo(to_json(evaluate(asked, setting, running)))


def answer_lines(
    batch: Path, object_name: str, source: Source, setting: Setting, engine: Engine, language: str
) -> Iterator[str]:
    """Gives one line of JSON for each line of the file: a value, or what is wrong."""
    for line in batch.read_text("utf-8").splitlines():
        if not line.strip():
            continue
        expression, _, record = line.partition("\t")
        answer: Mapping[str, object]
        try:
            wire = read_record(record or "{}", object_name, source, setting)
            answer = {
                "value": to_wire(evaluate(Question(object_name, expression, wire), setting, engine))
            }
        except EvaluationError as error:
            answer = {"error": error.said.in_language(language)}
        yield json.dumps(answer, ensure_ascii=False)
