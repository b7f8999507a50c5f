"""Answering a question with one of the back ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from rule_engine import Expression
from rule_engine.backends.javascript.compiler import compile_node_javascript
from rule_engine.backends.python import compile_node
from rule_engine.core import Node
from rule_engine.errors import NotTranslatableError, RuleCheckError, RuleSyntaxError
from rule_engine.services.evaluate import Surroundings
from trellis.evaluation.database import ask_database, postgresql_engine, sqlite_engine
from trellis.evaluation.javascript import (
    Answers,
    environment_of,
    from_wire,
    running_node,
    wire_record,
)
from trellis.evaluation.question import (
    EvaluationError,
    FixedRates,
    Question,
    Setting,
    findings,
    unknown_object,
)
from trellis.evaluation.records import Loaded, load_record, load_user, memberships_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked question with its records read."""

    node: Node
    object_name: str
    record: Mapping[str, object]
    loaded: Loaded
    surroundings: Surroundings
    rates: FixedRates


Engine = Callable[[Asked], object]


def evaluate(question: Question, setting: Setting, engine: Engine) -> object:
    """Gives the value; None is empty. `engine` is a running one of ENGINES.

    Raises EvaluationError, worded `line:column: message (hint)` for what is wrong with the
    expression.
    """
    if question.object_name not in setting.catalog.objects:
        raise unknown_object(question.object_name, setting.catalog)
    try:
        return engine(ask(question, setting))
    except (RuleSyntaxError, RuleCheckError) as error:
        raise EvaluationError(findings(error.diagnostics)) from error
    except NotTranslatableError as error:
        raise EvaluationError(findings([error.diagnostic])) from error


def ask(question: Question, setting: Setting) -> Asked:
    """Reads a question; the acting person's related records are known like the record's own."""
    parsed = Expression.parse(question.expression)
    calendars = setting.catalog.program.business_time
    node = parsed.resolve(setting.catalog.schema, question.object_name, calendars=calendars)
    loaded, record = load_record(setting, question.object_name, question.record)
    around, user = load_user(setting)
    for object_name, rows in around.rows.items():
        loaded.rows[object_name] = {**rows, **loaded.rows.get(object_name, {})}
    belongs = memberships_of(user, around)
    acting = (user, calendars, setting.rates, loaded, belongs)
    surroundings = Surroundings(setting.now, setting.zone, *acting)
    return Asked(node, question.object_name, record, loaded, surroundings, setting.rates)


@contextmanager
def in_python() -> Iterator[Engine]:
    """Evaluates in this process."""
    yield lambda asked: compile_node(asked.node)(asked.record, asked.surroundings, None, None)


@contextmanager
def in_sqlite() -> Iterator[Engine]:
    """Evaluates in databases in memory, one for each question."""
    yield partial(by_sql, sqlite_engine)


@contextmanager
def in_postgresql() -> Iterator[Engine]:
    """Evaluates in the PostgreSQL of the environment, where nothing stays."""
    yield partial(by_sql, postgresql_engine)


@contextmanager
def in_javascript() -> Iterator[Engine]:
    """Evaluates in one Node."""
    with running_node() as node:
        yield partial(by_node, node)


def by_sql(database: Callable[[], AbstractContextManager[sa.Engine]], asked: Asked) -> object:
    """Evaluates in a database."""
    with database() as engine:
        return ask_database(
            engine,
            asked.node,
            asked.object_name,
            asked.loaded,
            asked.surroundings,
            str(asked.record["id"]),
        )


def by_node(node: Answers, asked: Asked) -> object:
    """Evaluates in a running Node."""
    source = compile_node_javascript(asked.node)
    related = {name: rows.values() for name, rows in asked.loaded.rows.items()}
    environment = environment_of(asked.surroundings, asked.rates.rates, related)
    ((found,),) = node.ask([source], [wire_record(asked.record)], environment)
    return from_wire(asked.node.type.kind, found)


ENGINES: Mapping[str, Callable[[], AbstractContextManager[Engine]]] = {
    "python": in_python,
    "sqlite": in_sqlite,
    "postgresql": in_postgresql,
    "javascript": in_javascript,
}
