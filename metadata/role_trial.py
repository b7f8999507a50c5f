"""Conditions of roles that the database cannot run, found when they are published.

Were one taken, all that its holders ask of the object would fail from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.json_text import pointer
from metadata.problems import Problem
from metadata.query.answers import Moment, QueryProblem
from metadata.query.run import Runner
from metadata.query.sealed import is_sealed
from metadata.query.tables import SystemTables, parse_condition
from rule_engine.backends.sql import compile_node_sql
from rule_engine.core import walk
from rule_engine.types import Kind

logger = logging.getLogger(__name__)

Condition = tuple[str, str]
"""An object and a condition on its records."""

NOBODY = Principal("nobody")


def refused_conditions(
    connection: sa.Connection, before: Catalog, after: Catalog, zone: ZoneInfo
) -> Iterator[Problem]:
    """Gives what the database says against each new condition, which it reads and plans with the
    values that it is run with. The tables are those of `after` already."""
    known = {condition for condition, _ in conditions_of(before)}
    run = Runner(after, connection, NOBODY, Moment(datetime.now(UTC), zone))
    for condition, place in conditions_of(after):
        if condition not in known:
            try:
                with connection.begin_nested():
                    try_condition(run, *condition)
            except QueryProblem as error:
                yield from (replace(found, path=place) for found in error.problems)
            except sa.exc.StatementError as error:
                logger.exception("the database refuses a condition of a role: %s", place)
                yield Problem(place, "condition_refused", {"reason": str(error.orig)})


def conditions_of(catalog: Catalog) -> Iterator[tuple[Condition, str]]:
    """Gives the conditions of all roles, each with its place."""
    for role in catalog.roles.values():
        for name, grant in role.grants.items():
            for index, share in enumerate(grant.shares):
                place = pointer(("roles", role.name, "grants", name, "share", index, share.action))
                yield (name, share.condition), place


def try_condition(run: Runner, object_name: str, text: str) -> None:
    """Runs a condition for no row. Raises QueryProblem for what the database refuses."""
    catalog = run.catalog
    node = parse_condition(text).resolve(catalog.schema, object_name, expect=Kind.BOOLEAN)
    # What an encrypted field is compared with only the keys know, which are not at hand here.
    if any(is_sealed(one, catalog.schema) for one in walk(node)):
        return
    table = catalog.tables[object_name].alias()
    tables = SystemTables(catalog, run.connection.dialect.name).needing(node, object_name)
    one = sa.literal_column("1", sa.Integer)
    reached = compile_node_sql(node, tables, table)
    run(sa.select(one).select_from(table).where(reached).limit(0), {})
