"""The rules a running request was submitted under: kept as texts, compiled when needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.objects import ObjectDefinition
from metadata.programs import make_fitting
from rule_engine.program import Approval, Parallel, Program
from trellis.automation.requests import rule_snapshot
from trellis.db import insert_into


def program_of(connection: sa.Connection, catalog: Catalog, digest: str) -> Program:
    """Gives the program of kept texts: of those statements that fit the present schema."""
    return program_under(catalog, digest, lambda: kept_texts(connection, digest))


def program_under(
    catalog: Catalog, digest: str, read_texts: Callable[[], Mapping[str, str]]
) -> Program:
    """Gives what `program_of` does, of texts that are only read where they are needed."""
    if digest == present_digest(catalog):
        return catalog.written

    def compiled() -> Program:
        return make_fitting(read_texts(), catalog.schema, catalog.rule_packages)

    return catalog.queries.get(("kept rules", digest), Program, compiled)


def present_digest(catalog: Catalog) -> str:
    """Gives the name under which the rules in force are kept."""
    return catalog.queries.get(("digest of rules",), str, lambda: digest_of(catalog.rules))


def digest_of(texts: Mapping[str, str]) -> str:
    """Gives the name under which rule texts are kept."""
    canonical = json.dumps(dict(texts), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep_rules(connection: sa.Connection, texts: Mapping[str, str]) -> str:
    """Keeps rule texts, once, and gives their digest."""
    digest = digest_of(texts)
    statement = insert_into(connection, rule_snapshot).values(digest=digest, texts=dict(texts))
    connection.execute(statement.on_conflict_do_nothing())
    return digest


def compile_snapshot(connection: sa.Connection, catalog: Catalog, digest: str) -> Program:
    """Compiles those statements of kept texts that fit the present schema."""
    texts = kept_texts(connection, digest)
    return make_fitting(texts, catalog.schema, catalog.rule_packages)


def kept_texts(connection: sa.Connection, digest: str) -> Mapping[str, str]:
    """Gives kept texts, by file."""
    kept = sa.select(rule_snapshot.c.texts).where(rule_snapshot.c.digest == digest)
    texts: dict[str, str] = connection.execute(kept).scalar_one()
    return texts


def approval_of(
    connection: sa.Connection,
    catalog: Catalog,
    definition: ObjectDefinition,
    request: Mapping[str, Any],
) -> Approval | None:
    """Gives the rules of a request, a row: those it was submitted under, which follow new names
    (`trellis.automation.pinned`).

    Where they have lost what they need, what is written under the same name now takes their place,
    if it has the same steps. Else None.
    """
    kept = program_of(connection, catalog, str(request["rules"]))
    path = [(step["name"], step["stage"]) for step in request["state"]["path"]]
    return approval_among(kept, catalog, definition.name, str(request["approval"]), path)


def approval_among(
    kept: Program, catalog: Catalog, object_name: str, name: str, path: Sequence[tuple[str, int]]
) -> Approval | None:
    """Gives an approval of kept rules, else the one of its name in a catalog if it has the same
    steps."""
    found = approval_named(kept, object_name, name)
    if found is not None:
        return found
    written = approval_named(catalog.written, object_name, name)
    return written if written is not None and places_of(written) == path else None


def places_of(approval: Approval) -> list[tuple[str, int]]:
    """Gives the steps of an approval in their order, with the number of their stage."""
    return [
        (step.name, number)
        for number, stage in enumerate(approval.stages)
        for step in (stage.steps if isinstance(stage, Parallel) else (stage,))
    ]


def approval_named(program: Program, object_name: str, name: str) -> Approval | None:
    """Gives an approval of an object."""
    found = program.for_object(object_name).approvals
    return next((approval for approval in found if approval.name == name), None)
