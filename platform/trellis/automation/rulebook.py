"""The rules a running request was submitted under: kept as texts, compiled when needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.programs import make_program
from rule_engine.errors import RuleError
from rule_engine.program import Approval, Program
from trellis.automation.requests import rule_snapshot
from trellis.db import insert_into


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of kept texts."""

    program: Program | None


def program_of(connection: sa.Connection, catalog: Catalog, digest: str) -> Program | None:
    """Gives the program of kept texts; None when they do not fit the schema any more."""
    if digest == present_digest(catalog):
        return catalog.written

    def compiled() -> Kept:
        return Kept(compile_snapshot(connection, catalog, digest))

    return catalog.queries.get(("kept rules", digest), Kept, compiled).program


def present_digest(catalog: Catalog) -> str:
    """Gives the name under which the rules in force are kept."""
    return catalog.queries.get(("digest of rules",), str, lambda: digest_of(catalog.rules))


def digest_of(texts: Mapping[str, str]) -> str:
    """Gives the name under which rule texts are kept."""
    canonical = json.dumps(dict(texts), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep_rules(connection: sa.Connection, texts: Mapping[str, str]) -> str:
    """Keeps the rule texts in force, once, and gives their digest."""
    digest = digest_of(texts)
    statement = insert_into(connection, rule_snapshot).values(digest=digest, texts=dict(texts))
    connection.execute(statement.on_conflict_do_nothing())
    return digest


def compile_snapshot(connection: sa.Connection, catalog: Catalog, digest: str) -> Program | None:
    """Compiles kept texts against the present schema."""
    texts = connection.execute(
        sa.select(rule_snapshot.c.texts).where(rule_snapshot.c.digest == digest)
    ).scalar_one()
    try:
        return make_program(texts, catalog.schema, catalog.rule_packages)
    except RuleError:
        return None


def approval_named(program: Program, object_name: str, name: str) -> Approval | None:
    """Gives an approval of an object."""
    found = program.for_object(object_name).approvals
    return next((approval for approval in found if approval.name == name), None)
