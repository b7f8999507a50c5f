"""Answering a question with one of the back ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from rule_engine import Expression
from rule_engine.backends.python import compile_node
from rule_engine.core import Node
from rule_engine.errors import NotTranslatableError, RuleCheckError, RuleSyntaxError
from rule_engine.services.evaluate import Surroundings
from trellis.evaluation.database import ask_database, postgresql_engine, sqlite_engine
from trellis.evaluation.question import EvaluationError, Question, Setting
from trellis.evaluation.records import Loaded, load_record


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked question with its records read."""

    node: Node
    object_name: str
    record: Mapping[str, object]
    loaded: Loaded
    surroundings: Surroundings


def evaluate(question: Question, setting: Setting, engine: str = "python") -> object:
    """Gives the value; None is empty.

    Raises EvaluationError, worded `line:column: message (hint)` for what is wrong with the
    expression.
    """
    if question.object_name not in setting.catalog.objects:
        known = ", ".join(sorted(setting.catalog.objects))
        raise EvaluationError(f"no object {question.object_name!r}; there are: {known}")
    try:
        return ENGINES[engine](ask(question, setting))
    except (RuleSyntaxError, RuleCheckError) as error:
        raise EvaluationError("\n".join(map(str, error.diagnostics))) from error
    except NotTranslatableError as error:
        raise EvaluationError(str(error.diagnostic)) from error


def ask(question: Question, setting: Setting) -> Asked:
    """Reads a question; the acting person's related records are known like the record's own."""
    parsed = Expression.parse(question.expression)
    node = parsed.resolve(setting.catalog.schema, question.object_name)
    loaded, record = load_record(setting, question.object_name, question.record)
    user = None
    if setting.user is not None:
        around, user = load_record(setting, "user", setting.user)
        for object_name, rows in around.rows.items():
            loaded.rows[object_name] = {**rows, **loaded.rows.get(object_name, {})}
    surroundings = Surroundings(setting.now, setting.zone, user, {}, setting.rates, loaded)
    return Asked(node, question.object_name, record, loaded, surroundings)


def by_python(asked: Asked) -> object:
    """Evaluates one record in Python."""
    return compile_node(asked.node)(asked.record, asked.surroundings, None, None)


def by_sqlite(asked: Asked) -> object:
    """Evaluates in a database in memory."""
    with sqlite_engine() as engine:
        return by_sql(asked, engine)


def by_postgresql(asked: Asked) -> object:
    """Evaluates in the PostgreSQL of the environment, where nothing stays."""
    with postgresql_engine() as engine:
        return by_sql(asked, engine)


def by_sql(asked: Asked, engine: sa.Engine) -> object:
    """Evaluates in a database."""
    return ask_database(
        engine,
        asked.node,
        asked.object_name,
        asked.loaded,
        asked.surroundings,
        str(asked.record["id"]),
    )


ENGINES: Mapping[str, Callable[[Asked], object]] = {
    "python": by_python,
    "sqlite": by_sqlite,
    "postgresql": by_postgresql,
}
