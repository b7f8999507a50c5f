"""What the commands of `trellis rules` share: options and how they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from metadata import problems
from metadata.fields.base import Refused
from metadata.fields.times import read_instant
from metadata.query import Moment
from rule_engine.errors import RuleCheckError, RuleSyntaxError, sentence
from rule_engine.messages import LANGUAGES
from trellis.config import SettingsError
from trellis.evaluation.catalogs import Source
from trellis.evaluation.question import EvaluationError, FixedRates, Setting
from trellis.evaluation.records import read_json

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
RATES = click.option("--rates", default="", help="Exchange rates, as USD=7.20,EUR=7.80.")
USER = click.option("--user", help="The acting person as JSON.")
OBJECT = click.option("--object", "object_name", required=True, help="API name of the object.")
FILES = click.argument("files", nargs=-1, required=True, type=PATH)
LANGUAGE = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of what is said.",
)


def make_setting(
    source: Source, now: str | None, timezone: str, rates: str, user: str | None
) -> Setting:
    """Gives the world that the options describe."""
    zone = read_zone(timezone)
    return Setting(
        source.catalog,
        read_now(now, zone) if now else milliseconds(datetime.now(UTC)),
        zone,
        read_rates(rates),
        None if user is None else read_json(user, "--user"),
    )


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
def explaining(language: str = "en") -> Iterator[None]:
    """Turns what is wrong with expressions, rules and definitions into messages and exit code 1."""
    try:
        yield
    except EvaluationError as error:
        click.echo(error.said.in_language(language), err=True)
        raise SystemExit(1) from error
    except problems.DefinitionError as error:
        for found in error.problems:
            click.echo(f"{found.path}: {problems.sentence(found, language)}", err=True)
        raise SystemExit(1) from error
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from error
    except (RuleSyntaxError, RuleCheckError) as error:
        for finding in error.diagnostics:
            click.echo(f"{finding.source}:{sentence(finding, language)}", err=True)
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
