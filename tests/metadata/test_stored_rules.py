"""Compiled rules beside their texts: read where they fit, parsed again where they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from metadata.elements import Element
from metadata.migrate import publish
from metadata.store import META_PROGRAM, create_store, keep_program, load_catalog
from rule_engine import Program, compile_program, parse
from tests.metadata.databases import element, engine_for, object_body

RULES = 'ruleset r "R"\nvalidate v "V" on thing {\nrequire name is not empty message "Name it"\n}'
THING = element("thing", object_body({"name": {"type": "string"}}))


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    with engine_for(database_url) as engine, engine.begin() as made:
        create_store(made)
        yield made


def rules(text: str = RULES) -> Element:
    return element("local/r.rules", {"text": text}, "rules")


def parsed(connection: sa.Connection, text: str = RULES) -> Program:
    schema = load_catalog(connection).schema
    return compile_program([parse(text, source="local/r.rules")], schema)


def kept(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(META_PROGRAM.c.version)))


def test_publishing_keeps_the_compiled_rules(connection: sa.Connection) -> None:
    publish(connection, [THING, rules()], by="ann")
    catalog = load_catalog(connection)
    assert catalog.stored_program is not None
    assert catalog.program.validations == parsed(connection).validations


def test_only_the_version_in_force_is_kept(connection: sa.Connection) -> None:
    publish(connection, [THING, rules()], by="ann")
    changed = RULES.replace("Name it", "A name, please")
    publish(connection, [THING, rules(changed)], by="ann")
    assert kept(connection) == [2]
    assert load_catalog(connection).program.validations[0].checks[0].message == "A name, please"
    publish(connection, [THING], by="ann", confirm=["local/r.rules"])
    assert kept(connection) == []
    assert load_catalog(connection).program.validations == ()


@pytest.mark.parametrize(
    "values", [{"document": "{}"}, {"document": "no JSON"}, {"engine": "another"}]
)
def test_what_cannot_be_read_is_parsed_again(
    connection: sa.Connection, values: dict[str, str]
) -> None:
    publish(connection, [THING, rules()], by="ann")
    connection.execute(META_PROGRAM.update().values(values))
    catalog = load_catalog(connection)
    assert catalog.program.validations == parsed(connection).validations


def test_a_new_engine_keeps_them_anew(connection: sa.Connection) -> None:
    publish(connection, [THING, rules()], by="ann")
    connection.execute(META_PROGRAM.update().values(engine="another"))
    keep_program(connection, load_catalog(connection))
    assert kept(connection) == [1]
    assert load_catalog(connection).stored_program is not None
