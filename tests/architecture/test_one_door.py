"""One door to data (SEC-04): only the query compiler reads records for people.

Everything else that touches the tables of objects is listed here with its reason. What is not on
the list fails, so a new way to the rows is a decision and never an accident.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOOR = "metadata.query"

#: Modules that may reach for the tables of objects, and why no person's rights apply there.
REASONS: dict[str, str] = {
    # Definitions: they make, compare and fill tables for everybody; nobody is answered with rows.
    "metadata.catalog": "holds the tables",
    "metadata.diff": "has tables of its own meaning: those that a change touches",
    "metadata.drift": "compares tables with what is in the database, not rows",
    "metadata.preflight": "hands tables of both versions to what converts rows",
    "metadata.converted": "converts all rows when a field changes its type, as the system",
    "metadata.changes.purge": "takes rows and columns away for good, by `trellis meta purge`",
    "metadata.conflicts": "asks whether rows would break a new constraint, and counts them only",
    "metadata.role_trial": "has the database plan a role's condition, for no row",
    "metadata.checks.computed": "compiles a formula to see whether it can be, and runs nothing",
    "metadata.checks.conditions": "compiles a condition to see whether it can be, and runs nothing",
    "metadata.exchange": "reads rates of currencies, which are no secret to anybody",
    # What is kept for everybody: who reads it is judged when it is read.
    "metadata.computed.filling": "works stored values out for all rows, as their definition says",
    "metadata.computed.incremental": "keeps stored values right, as the system and not as a reader",
    "metadata.search.entries": "writes the index; whoever searches finds by her own rights",
    "metadata.search.rebuild": "writes the index anew, likewise",
    "trellis.records.computed": "follows references of a saved record to what depends on it",
    "trellis.scoring.rescoring": "brings stored scores up to date, as the system",
    "trellis.scoring.far": "finds the records whose scores look at a change, as the system",
    "trellis.scoring.outcomes": "counts records by points and outcome, for who may read all of it",
    # Writing: the use case has judged the record through `Records` before.
    "trellis.records.rows": "writes rows that the use cases have judged",
    "trellis.records.nested_rows": "writes the order of rows that a save has read",
    "trellis.duplicates.pointers": "writes references of a merge that has judged every record",
    "trellis.records.trees": "looks for loops through rows out of reach too; names come by rights",
    "trellis.records.absences": "locks a user's row, so that two absences wait for each other",
    "trellis.records.claim": "locks the row of who acts, so that two claims wait for each other",
    "trellis.designer.option_history": "notes a replaced option in all histories, for publishing",
    # Rights: what they come from cannot be read by them.
    "trellis.security.absences": "leaves substitutes out who work here no more",
    "trellis.security.access": "reads who somebody is, of which her rights are made",
    "trellis.security.directory": "reads managers, teams and members, of which rights are made",
    "trellis.security.standing": "reads where somebody stands today, of which rights are made",
    "trellis.security.users": "keeps the record of a user and her account in step",
    "trellis.webhooks.endpoints": "reads whose account a webhook acts with, to ask for her rights",
    # The operator of the machine, and administrators: no person's reading.
    "trellis.security.rotation": "seals all values with another key, by `trellis keys`",
    "trellis.demo.load": "makes the demo records, by `trellis package demo`",
    "trellis.backup.manifest": "counts and hashes the rows of all tables, for the operator",
    "trellis.doctor": "counts users without an account, for the operator",
    "trellis.installing.removal": "counts what an administrator is about to take out of use",
    "trellis.terminal": "looks whether the tables of definitions are there, not at rows",
    "trellis.evaluation.database": "asks temporary tables that hold only the records given to it",
    "trellis.automation.workload": "counts what people own, for assignments",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for root, folder in ((ROOT, "metadata"), (ROOT / "platform", "trellis")):
        for path in sorted((root / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text("utf-8"))


def reaches_for_tables(tree: ast.Module) -> bool:
    """Says whether a module takes a table of an object out of the catalog."""
    return any(isinstance(node, ast.Attribute) and node.attr == "tables" for node in ast.walk(tree))


def test_tables_of_objects_are_touched_only_where_it_is_known_why() -> None:
    reaching = {
        name
        for name, tree in modules()
        if not name.startswith(f"{DOOR}.") and reaches_for_tables(tree)
    }
    assert reaching - REASONS.keys() == set()
    assert REASONS.keys() - reaching == set()
