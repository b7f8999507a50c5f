"""`trellis rules`: check, test and evaluate texts of the rule language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from metadata.fields.base import Refused
from metadata.fields.types.datetime import read_instant
from metadata.problems import DefinitionError
from metadata.query import Moment
from rule_engine.errors import RuleCheckError, RuleSyntaxError
from rule_engine.testing import format_results
from trellis.config import SettingsError
from trellis.evaluation.catalogs import Source, open_source
from trellis.evaluation.question import EvaluationError, FixedRates, Question, Setting
from trellis.evaluation.records import read_json
from trellis.evaluation.rulesets import check_texts, read_texts, run_test_blocks
from trellis.evaluation.run import ENGINES, evaluate
from trellis.evaluation.wire import to_json, to_wire

PATH = click.Path(exists=True, path_type=Path)
SCHEMA = click.option(
    "--schema",
    "schemas",
    multiple=True,
    type=PATH,
    help="An object's JSON file or a package's folder, instead of the instance; repeatable.",
)
NOW = click.option("--now", help="What the clock shows, as 2026-03-01T08:00:00Z.")
TIMEZONE = click.option("--timezone", default="UTC", show_default=True, help="As Asia/Shanghai.")


@click.group("rules")
def command() -> None:
    """Check, test and evaluate rules."""


@command.command("check")
@SCHEMA
@click.argument("files", nargs=-1, required=True, type=PATH)
def check(schemas: tuple[Path, ...], files: tuple[Path, ...]) -> None:
    """Check rule files or folders; findings read file:line:column: message (hint).

    Arguments that end in .json count as --schema.
    """
    texts = read_texts(rules_among(files))
    with explaining(), open_source(schemas_among(schemas, files)) as source:
        findings = check_texts(texts, source.catalog)
    for finding in findings:
        click.echo(f"{finding.source}:{finding}", err=True)
    if any(finding.severity == "error" for finding in findings):
        raise SystemExit(1)
    click.echo(f"{len(texts)} rule files are fine")


@command.command("test")
@SCHEMA
@NOW
@TIMEZONE
@click.argument("files", nargs=-1, required=True, type=PATH)
def test(
    schemas: tuple[Path, ...], files: tuple[Path, ...], now: str | None, timezone: str
) -> None:
    """Run the test blocks of rule files or folders, with all rules of them in force.

    Arguments that end in .json count as --schema.
    """
    zone = read_zone(timezone)
    clock = read_now(now, zone) if now else None
    with explaining(), open_source(schemas_among(schemas, files)) as source:
        results = run_test_blocks(read_texts(rules_among(files)), source.catalog, clock, zone)
    click.echo(format_results(results))
    if not all(result.passed for result in results):
        raise SystemExit(1)


@command.command("eval")
@click.option("--object", "object_name", required=True, help="API name of the object.")
@click.option("--expression", help="The expression; or use --batch.")
@click.option("--record", help="The record as JSON, or the id of a stored one.")
@click.option("--batch", type=PATH, help="A file of lines: expression, tab, record.")
@SCHEMA
@NOW
@TIMEZONE
@click.option("--rates", default="", help="Exchange rates, as USD=7.20,EUR=7.80.")
@click.option("--user", help="The acting person as JSON.")
@click.option("--engine", type=click.Choice(list(ENGINES)), default="python", show_default=True)
@click.argument("more_schemas", nargs=-1, type=PATH)
def evaluate_command(
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
    more_schemas: tuple[Path, ...],
) -> None:
    """Evaluate an expression on a record; prints the value as one line of JSON.

    Arguments count as --schema.
    """
    if (batch is None) == (expression is None or record is None):
        raise click.UsageError("give --expression and --record, or --batch")
    zone = read_zone(timezone)
    with explaining(), open_source([*schemas, *more_schemas]) as source:
        setting = Setting(
            source.catalog,
            read_now(now, zone) if now else milliseconds(datetime.now(UTC)),
            zone,
            read_rates(rates),
            None if user is None else read_json(user, "--user"),
        )
        if batch is not None:
            for line in answer_lines(batch, object_name, source, setting, engine):
                click.echo(line)
            return
        asked = Question(
            object_name, expression or "", read_record(record or "", object_name, source, setting)
        )
        click.echo(to_json(evaluate(asked, setting, engine)))


def answer_lines(
    batch: Path, object_name: str, source: Source, setting: Setting, engine: str
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
            answer = {"error": str(error)}
        yield json.dumps(answer, ensure_ascii=False)


def read_record(
    text: str, object_name: str, source: Source, setting: Setting
) -> Mapping[str, object]:
    """Gives a record written as JSON, or the stored one with this id."""
    if text.lstrip().startswith("{"):
        return read_json(text, "--record")
    return source.record(object_name, text.strip(), Moment(setting.now, setting.zone))


def rules_among(paths: tuple[Path, ...]) -> list[Path]:
    """Gives the rule files and folders among the arguments."""
    return [path for path in paths if path.suffix != ".json"]


def schemas_among(schemas: tuple[Path, ...], paths: tuple[Path, ...]) -> list[Path]:
    """Gives the definitions to use: those named, else the packages among the arguments."""
    named = [*schemas, *(path for path in paths if path.suffix == ".json")]
    return named or [path for path in paths if (path / "manifest.json").exists()]


@contextmanager
def explaining() -> Iterator[None]:
    """Turns what is wrong with expressions, rules and definitions into messages and exit code 1."""
    try:
        yield
    except (EvaluationError, SettingsError, DefinitionError) as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from error
    except (RuleSyntaxError, RuleCheckError) as error:
        for finding in error.diagnostics:
            click.echo(f"{finding.source}:{finding}", err=True)
        raise SystemExit(1) from error


def read_now(text: str, zone: ZoneInfo) -> datetime:
    """Gives the instant of `--now`."""
    try:
        return read_instant(text, zone)
    except Refused as error:
        raise click.BadParameter(f"{text!r} is no instant; write 2026-03-01T08:00:00Z") from error


def read_zone(name: str) -> ZoneInfo:
    """Gives the zone of `--timezone`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"no time zone {name!r}; one is Asia/Shanghai") from error


def read_rates(text: str) -> FixedRates:
    """Gives the rates of `--rates`."""
    found: dict[str, Decimal] = {}
    for part in filter(None, text.split(",")):
        currency, _, number = part.partition("=")
        try:
            rate = Decimal(number)
        except InvalidOperation as error:
            raise click.BadParameter(f"{part!r}; write USD=7.20,EUR=7.80") from error
        if not re.fullmatch("[A-Z]{3}", currency) or not rate.is_finite() or rate <= 0:
            raise click.BadParameter(f"{part!r}; write USD=7.20,EUR=7.80")
        found[currency] = rate
    return FixedRates(found)


def milliseconds(instant: datetime) -> datetime:
    """Gives an instant as precise as the database keeps it."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


COMMAND = command
