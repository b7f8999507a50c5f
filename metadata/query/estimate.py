"""How many rows the database supposes there are: from its statistics, without counting.

Statistics are about all rows. So only a question to rows that are all readable, by nothing but
their own fields, is answered by them: nobody learns how many there are out of her reach.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.query.cost import is_virtual
from metadata.query.question import Resolved
from rule_engine import core


class Explained(sa.sql.expression.Executable, sa.sql.expression.ClauseElement):
    """What PostgreSQL would do for a statement, with the rows that it expects."""

    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(Explained, "postgresql")
def explain(element: Explained, compiler: SQLCompiler, **options: Any) -> str:
    """Gives EXPLAIN of the statement."""
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def may_estimate(resolved: Resolved, catalog: Catalog, principal: Principal) -> bool:
    """Says whether statistics tell nothing that the principal could not count herself."""
    definition = catalog.objects[resolved.question.object]
    reads_all = principal.access(definition.name).reach("read").all
    if not reads_all or definition.link_of is not None:
        return False
    if resolved.question.terms is not None or resolved.match:
        return False
    nodes = () if resolved.filter is None else tuple(core.walk(resolved.filter))
    return not any(looks_further(catalog, node) for node in nodes)


def looks_further(catalog: Catalog, node: core.Node) -> bool:
    """Says whether a part of a condition is about other records than the one at hand."""
    if isinstance(node, core.Aggregate):
        return True
    return isinstance(node, core.Path) and (bool(node.hops) or is_virtual(catalog, node))


def expected_rows(
    connection: sa.Connection, statement: sa.Select[Any], values: dict[str, Any]
) -> int:
    """Gives how many rows PostgreSQL expects a statement to give."""
    plan = connection.execute(Explained(statement), values).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"])
