"""Making records of the messages of others, each once, with the rights of the source's person."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from metadata.coerce import coerce
from metadata.conditions import diagnostic_problem
from metadata.json_text import read_json
from metadata.objects import ObjectDefinition
from metadata.parse import parse_object
from metadata.problems import LANGUAGES, DefinitionError, Problem, sentence
from metadata.schema import schema_of
from rule_engine import Expression
from rule_engine.backends.python import compile_node
from rule_engine.errors import RuleCheckError, RuleSyntaxError
from rule_engine.types import Schema
from trellis.automation.dispatcher import database_now
from trellis.automation.environment import environment_of
from trellis.duplicates.doors import guard_new
from trellis.errors import RecordError
from trellis.evaluation.wire import to_wire
from trellis.records.save import save_record
from trellis.records.webhooks import SOURCE
from trellis.runtime import Platform
from trellis.unit import Unit
from trellis.webhooks.endpoints import principal_of, system_unit
from trellis.webhooks.tables import DEAD, DONE, WAITING, webhook_inbox
from trellis.work import unit_for

logger = logging.getLogger(__name__)

MESSAGE: Final = "message"
RETRIES: Final = (5, 60, 600)
MAX_ERROR: Final = 500


class UnusableError(Exception):
    """A message that no record can be made of, however often it is tried."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(worded(problems, "en"))


def receive_due(here: Platform, stop: Callable[[], bool] = lambda: False) -> int:
    """Makes records of the messages that are due, until `stop` says so; gives how many were worked
    through."""
    done = 0
    while (
        not stop()
        and has_due(here)
        and here.database.do(lambda connection: receive_next(here, connection))
    ):
        done += 1
    return done


def has_due(here: Platform) -> bool:
    """Says whether a message is due, without taking a lock."""
    with here.database.read() as connection:
        due = is_due(connection)
        return connection.execute(sa.select(sa.exists().where(due))).scalar_one()


def is_due(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """Gives the condition of messages whose time has come."""
    table = webhook_inbox.c
    return sa.and_(table.state == WAITING, table.available_at <= database_now(connection))


def receive_next(here: Platform, connection: sa.Connection) -> bool:
    """Works one message through: its record and the mark are written together, or neither.

    Says whether there was one.
    """
    query = sa.select(webhook_inbox).where(is_due(connection)).order_by(webhook_inbox.c.id)
    row = connection.execute(query.limit(1).with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return False
    now = database_now(connection)
    values: dict[str, object] = {"attempts": row["attempts"] + 1, "error": None}
    try:
        with connection.begin_nested():
            record_id = make_record(here, connection, row["source"], row["body"])
        values |= {"state": DONE, "done_at": now, "record_id": record_id, "body": ""}
    except (UnusableError, RecordError) as error:
        values |= failed(row["attempts"], is_final=True, error=said(error)) | {"done_at": now}
    except Exception as error:
        logger.exception("message %s could not be worked through", row["id"])
        values |= failed(row["attempts"], is_final=False, error=type(error).__name__)
        tried = min(int(row["attempts"]), len(RETRIES) - 1)
        values["available_at"] = now + timedelta(seconds=RETRIES[tried])
    mine = webhook_inbox.c.id == row["id"]
    connection.execute(sa.update(webhook_inbox).where(mine).values(values))
    return True


def failed(attempts: int, *, is_final: bool, error: str) -> dict[str, object]:
    """Gives what becomes of a message that no record was made of."""
    gives_up = is_final or attempts >= len(RETRIES)
    return {"state": DEAD if gives_up else WAITING, "error": error}


def said(error: UnusableError | RecordError) -> str:
    """Gives an error in all languages: who reads it is not known yet (`inbox.error_in`)."""
    found = {language: worded(error.problems, language) for language in LANGUAGES}
    return json.dumps({key: text[:MAX_ERROR] for key, text in found.items()}, ensure_ascii=False)


def make_record(here: Platform, connection: sa.Connection, source_id: str, body: str) -> str:
    """Makes one record of a message and gives its id. Raises UnusableError and what saving does."""
    system = system_unit(here, connection)
    source = system.records().get(SOURCE, source_id) if SOURCE in system.catalog.objects else None
    if source is None:
        raise UnusableError(Problem("", "inbox_source_gone"))
    principal = principal_of(here, system, str(source["acts_as"]))
    if principal is None:
        raise UnusableError(Problem("", "inbox_nobody_acts"))
    unit = unit_for(here, connection, system.catalog, principal)
    values, name = mapped(unit, source, body), str(source["object"])
    saved = save_record(unit, name, None, values, channel="api", source=str(source["title"]))
    guard_new(unit, name, saved)
    return saved.id


def mapped(unit: Unit, source: Mapping[str, Any], body: str) -> dict[str, object]:
    """Gives the values of a record, from the parts of a message by the source's expressions."""
    document, problems = read_json(body)
    if problems:
        reasons = [one for one in problems if one.code != "json_syntax"]
        raise UnusableError(*reasons or [Problem("", "inbox_not_json")])
    parts = {name: mapping(part) for name, part in mapping(source["message"]).items()}
    pointers = {name: str(part.pop("from", f"/{name}")) for name, part in parts.items()}
    definition, schema = message_schema(parts)
    wire = {name: part_at(document, at) for name, at in pointers.items()}
    given, problems = coerce(definition, wire, partial=True, zone=unit.moment.zone)
    if problems:
        raise UnusableError(*problems)
    record = {**dict.fromkeys(parts), **given}
    environment = environment_of(unit)
    values: dict[str, object] = {}
    for name, expression in mapping(source["mapping"]).items():
        try:
            node = Expression.parse(str(expression)).resolve(schema, MESSAGE)
        except (RuleSyntaxError, RuleCheckError) as error:
            flaws = [diagnostic_problem(one, name) for one in error.diagnostics]
            raise UnusableError(*flaws) from error
        values[name] = to_wire(compile_node(node)(record, environment, None, None))
    return values


def message_schema(parts: Mapping[str, object]) -> tuple[ObjectDefinition, Schema]:
    """Gives the definition of a source's messages, by which expressions are typed."""
    document = {"type": "object", "title": "Message", "properties": dict(parts)}
    definition, problems = parse_object(MESSAGE, document)
    if definition is None or problems:
        raise UnusableError(*problems)
    try:
        return definition, schema_of({MESSAGE: document})
    except DefinitionError as error:
        raise UnusableError(*error.problems) from error


def mapping(value: object) -> dict[str, Any]:
    """Gives an object of JSON, which fields hold as text. Raises UnusableError for other values."""
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise UnusableError(Problem("", "inbox_not_objects"))
    return dict(found)


def part_at(document: object, pointer: str) -> object:
    """Gives the part of a message that a JSON Pointer leads to; None where there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def worded(problems: Sequence[Problem], language: str) -> str:
    """Gives problems as one text."""
    told = ((one.path, sentence(one, language)) for one in problems)
    return "; ".join(f"{path}: {text}" if path else text for path, text in told)
