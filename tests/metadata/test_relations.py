"""What fields make of other objects: ways back, link objects, order of rows, and rights on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import EVERYTHING, SYSTEM, FieldRight, Principal, Rows
from metadata.catalog import Catalog, build_catalog
from metadata.checks import check_elements
from metadata.elements import Element
from metadata.fields.base import physical_name
from metadata.fields.nested import MAX_NESTED
from metadata.links import Links
from metadata.migrate import publish
from metadata.problems import DefinitionError, sentence
from metadata.query import QueryProblem, Records
from metadata.relation_rights import with_relations
from metadata.schema import schema_of
from metadata.store import create_store, load_catalog
from rule_engine.expression import Expression
from rule_engine.types import Kind
from tests.metadata.databases import JsonObject, element, engine_for, object_body
from tests.metadata.worlds import MOMENT, NOW, principal

TEXT: JsonObject = {"type": "string"}


def array(field: str, to: str, **crm: object) -> JsonObject:
    return {"type": "array", "crm": {"field": field, "to": to, **crm}}


def reference(to: str, **crm: object) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": to, **crm}}


def definitions(**changes: JsonObject) -> list[Element]:
    """Gives orders with lines and partners, groups in a tree; `changes` are other fields of
    orders."""
    share = {"share": {"type": "integer"}, "secret": TEXT}
    order = {
        "name": TEXT,
        "lines": array("child_table", "line"),
        "partners": array("many_to_many", "firm", link={"properties": share}),
        **changes,
    }
    return [
        element("firm", object_body({"name": TEXT, "region": TEXT}, plural="Firms")),
        element("order", object_body(order, plural="Orders")),
        element(
            "line",
            object_body(
                {"order": reference("order"), "product": TEXT, "cost": {"type": "integer"}},
                plural="Lines",
                name_field="product",
            ),
        ),
        element(
            "group",
            object_body(
                {
                    "name": TEXT,
                    "above": {"type": "string", "crm": {"field": "tree", "reverse": "below"}},
                },
                plural="Groups",
            ),
        ),
    ]


def said(elements: list[Element]) -> list[str]:
    found = check_elements(elements)
    return [f"{p.path}: {sentence(p)}" for problems in found.values() for p in problems]


def test_lists_are_ways_back_under_their_own_names() -> None:
    catalog = build_catalog(1, definitions())
    links = {name: list(found) for name, found in catalog.links.items() if found}
    assert links == {
        "order": ["lines", "partners"],
        "firm": ["orders"],
        "group": ["below"],
    }
    made = catalog.objects["order_partners"]
    assert next(iter(made.own_fields)).target == "order"
    assert [field.name for field in made.own_fields] == ["order", "firm", "share", "secret"]
    assert catalog.tables["order_partners"].name == "o_order$partners"
    assert "row_position" in catalog.objects["line"].fields
    assert "row_position" not in catalog.objects["order"].fields


@pytest.mark.parametrize(
    "text",
    [
        "count(lines where cost > 1) > 0",
        "sum(lines.cost) > 1",
        'any(partners where firm.region = "n" and share > 3)',
    ],
)
def test_rules_reach_rows_and_links_without_a_database(text: str) -> None:
    schema = schema_of({one.name: one.body for one in definitions()})
    node = Expression.parse(text).resolve(schema, "order", expect=Kind.BOOLEAN)
    assert node.type.kind is Kind.BOOLEAN


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"lines": array("child_table", "firm")},
            "/properties/lines/crm/reverse: firm has no reference to order; its rows need one",
        ),
        (
            {"lines": array("child_table", "lin")},
            '/properties/lines/crm/to: no object "lin"; there are: line, firm, order, group, '
            "order_partners",
        ),
        (
            {"more": array("many_to_many", "firm")},
            '/properties/more/crm/reverse: the way back "orders" on firm is taken by '
            "order_partners.firm; give another as crm.reverse",
        ),
        (
            {"partners": array("many_to_many", "firm", link={"properties": {"id": TEXT}})},
            '/properties/partners/crm/link/properties/id: the name "id" is taken by a system '
            "field or a word of the rule language; choose another",
        ),
        (
            {
                "partners": array(
                    "many_to_many", "firm", link={"properties": {"x": {"type": "mony"}}}
                )
            },
            None,
        ),
        (
            {"lines": array("child_table", "line", unique=True)},
            '/properties/lines/crm/unique: "unique" does not fit a field whose values are other '
            "records; leave it out",
        ),
        (
            {"up": {"type": "string", "crm": {"field": "tree", "to": "firm"}}},
            "/properties/up/crm/to: a tree is made of records of order itself; leave crm.to out",
        ),
    ],
)
def test_wrong_relations_are_named_with_a_way_out(
    changes: Mapping[str, JsonObject], problem: str | None
) -> None:
    found = said(definitions(**changes))
    if problem is None:
        assert [one.split(":")[0] for one in found] == [
            "/properties/partners/crm/link/properties/x/type"
        ]
    else:
        assert found == [problem]


def test_two_references_to_one_parent_need_a_name() -> None:
    elements = definitions()
    line = dict(elements[2].body)
    line["properties"] = {**line["properties"], "second": reference("order", reverse="others")}  # type: ignore[dict-item]
    elements[2] = element("line", line)
    assert said(elements) == [
        "/properties/lines/crm/reverse: line has several references to order: order, second; "
        "name one as crm.reverse"
    ]
    named = definitions(lines=array("child_table", "line", reverse="second"))
    named[2] = element("line", line)
    assert said(named) == []
    assert build_catalog(1, named).links["order"]["lines"].field == "second"


def test_ways_back_have_titles_of_their_own() -> None:
    words = {"objects": {"group": {"links": {"below": "下级"}}, "firm": {"links": {"x": "y"}}}}
    translation = Element("", "translations", "local/zh", "local", words)
    catalog = build_catalog(1, [*definitions(), translation])
    assert catalog.links["group"]["below"].label("zh") == "下级"
    assert said([*definitions(), translation])[0].startswith("/objects/firm/links/x: ")


# --- what a persona may see of rows and links ---------------------------------------------------

OWN = Rows(owners=frozenset({"u1"}))
HIDDEN = FieldRight.HIDDEN
PERSONAS: Mapping[str, Principal] = {
    "all": principal(reads={n: EVERYTHING for n in ("order", "firm", "line")}),
    "own firms": principal(reads={"order": EVERYTHING, "firm": OWN, "line": OWN}),
    "no firms": principal(reads={"order": EVERYTHING, "line": EVERYTHING}),
    "own orders": principal(reads={"order": OWN, "firm": EVERYTHING, "line": EVERYTHING}),
    "no costs": principal(
        reads={n: EVERYTHING for n in ("order", "firm", "line")},
        fields={"line": {"cost": HIDDEN}, "order": {"partners": HIDDEN}},
    ),
    "no way": principal(
        reads={n: EVERYTHING for n in ("order", "firm", "line")},
        fields={"line": {"order": HIDDEN}},
    ),
}
#: For each persona: rows and links of the orders a and b, and the firms that list an order.
SEEN: Mapping[str, tuple[object, object, object]] = {
    "all": ([("x", 1), ("y", 2), ("z", 3)], ["f", "g", "f"], ["f", "g"]),
    "own firms": ([("x", 1)], ["f", "f"], ["f"]),
    "no firms": ([("x", 1), ("y", 2), ("z", 3)], None, None),
    "own orders": ([("x", 1), ("y", 2)], ["f", "g"], ["f", "g"]),
    "no costs": ([("x", None), ("y", None), ("z", None)], None, None),
    "no way": (None, ["f", "g", "f"], ["f", "g"]),
}


def person(name: str, catalog: Catalog) -> Principal:
    """Gives a persona with the rights that follow on links."""
    found = PERSONAS[name]
    links: Links = catalog.links
    return replace(found, grants=with_relations(found.grants, catalog.objects, links))


@pytest.fixture(scope="module")
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    with engine_for(module_database_url) as engine, engine.connect() as made, made.begin():
        yield made


@pytest.fixture(scope="module")
def catalog(connection: sa.Connection) -> Catalog:
    create_store(connection)
    publish(connection, definitions(), by="test")
    made = load_catalog(connection)
    mine, other = {"owner": "u1"}, {"owner": "u2"}
    rows: dict[str, list[dict[str, Any]]] = {
        "firm": [{"id": "f", "name": "Firm", **mine}, {"id": "g", "name": "Gone", **other}],
        "order": [{"id": "a", "name": "A", **mine}, {"id": "b", "name": "B", **other}],
        "line": [
            {"id": "y", "order": "a", "product": "y", "cost": 2, "row_position": 1, **other},
            {"id": "x", "order": "a", "product": "x", "cost": 1, "row_position": 0, **mine},
            {"id": "z", "order": "b", "product": "z", "cost": 3, **other},
        ],
        "order_partners": [
            {"id": "1", "order": "a", "firm": "f", "share": 10},
            {"id": "2", "order": "a", "firm": "g", "share": 20},
            {"id": "3", "order": "b", "firm": "f", "share": 30},
        ],
    }
    for name, found in rows.items():
        fields = made.objects[name].fields
        for row in found:
            row.update({"version": 1, "created_at": NOW, "updated_at": NOW})
            stored = {
                physical_name(field.column, part): value
                for field in fields.values()
                for part, value in field.type.to_parts(row.get(field.name), field).items()
            }
            connection.execute(made.tables[name].insert().values(stored))
    return made


@pytest.mark.parametrize("persona", PERSONAS)
def test_rows_and_links_show_only_what_may_be_read(
    connection: sa.Connection, catalog: Catalog, persona: str
) -> None:
    records = Records(catalog, connection, person(persona, catalog), MOMENT)
    lines, partners, firms = SEEN[persona]
    answers = {
        name: answer(lambda name=name: values(records, name))  # type: ignore[misc]
        for name in ("lines", "partners")
    }
    rows = answers["lines"]
    shown = [(row["id"], row.get("cost")) for row in rows] if isinstance(rows, list) else None
    assert shown == lines
    links = answers["partners"]
    assert ([one["id"] for one in links] if isinstance(links, list) else None) == partners
    if isinstance(links, list):
        assert {one["name"] for one in links} <= {"Firm", "Gone"}
    found = answer(lambda: ids(records, "firm", "count(orders) > 0"))
    assert (found if isinstance(found, list) else None) == firms


def values(records: Records, name: str) -> list[Mapping[str, Any]]:
    page = records.list("order", fields=["name", name])
    whole = {
        str(one["id"]): records.get("order", str(one["id"]), nested=True) for one in page.items
    }
    for one in page.items:
        assert (whole[str(one["id"])] or {}).get(name) == one[name]
    return [row for one in page.items for row in one[name] or ()]  # type: ignore[attr-defined]


def ids(records: Records, object_name: str, condition: str) -> list[str]:
    return [str(one["id"]) for one in records.list(object_name, filter=condition).items]


def answer(ask: Any) -> Any:
    try:
        return ask()
    except QueryProblem as problem:
        return {found.code for found in problem.problems}


@pytest.mark.parametrize("persona", PERSONAS)
def test_filters_over_links_count_only_what_may_be_read(
    connection: sa.Connection, catalog: Catalog, persona: str
) -> None:
    """Hidden records behave as absent: also where only their number would tell of them."""
    records = Records(catalog, connection, person(persona, catalog), MOMENT)
    for name in ("lines", "partners"):
        seen = answer(lambda name=name: values(records, name))  # type: ignore[misc]
        for number in range(4):
            told = answer(lambda n=number, name=name: ids(records, "order", f"count({name}) = {n}"))  # type: ignore[misc]
            if isinstance(seen, list):
                by_order = {
                    str(one["id"]): len(one[name] or ())  # type: ignore[arg-type]
                    for one in records.list("order", fields=[name]).items
                }
                assert told == [key for key, count in by_order.items() if count == number]
            else:
                assert told == {"bad_filter"}


@pytest.mark.parametrize("persona", PERSONAS)
def test_links_are_written_by_their_field_alone(catalog: Catalog, persona: str) -> None:
    access = person(persona, catalog).access("order_partners")
    assert not access.create
    assert not any(access.may(action) for action in ("update", "delete", "assign", "share"))
    assert not any(access.edits(name) for name in catalog.objects["order_partners"].fields)


def test_a_value_shows_no_more_than_its_limit(connection: sa.Connection, catalog: Catalog) -> None:
    table = catalog.tables["line"]
    stamps = {"version": 1, "created_at": NOW, "updated_at": NOW, "order": "b"}
    with connection.begin_nested() as inner:
        many = [{"id": f"m{number:04}", **stamps} for number in range(MAX_NESTED + 20)]
        connection.execute(table.insert(), many)
        found = Records(catalog, connection, SYSTEM, MOMENT).nested("order", "lines", ["a", "b"])
        inner.rollback()
    assert [len(found["a"]), len(found["b"])] == [2, MAX_NESTED]


def test_fields_of_links_live_as_those_of_objects(
    catalog: Catalog, connection: sa.Connection
) -> None:
    """What is taken out of a link keeps its column and comes back; a rename keeps the table."""
    before = catalog.objects["order_partners"]
    with connection.begin_nested() as inner:
        for properties, names in (
            ({"share": {"type": "integer"}}, ["order", "firm", "share"]),
            ({"share": {"type": "integer"}, "secret": TEXT}, ["order", "firm", "share", "secret"]),
        ):
            wanted = array("many_to_many", "firm", link={"properties": properties})
            publish(connection, definitions(partners=wanted), by="test")
            made = load_catalog(connection).objects["order_partners"]
            assert [field.name for field in made.own_fields] == names
            assert made.fields["share"].id == before.fields["share"].id
        assert made.fields["secret"].id == before.fields["secret"].id
        renamed = array("many_to_many", "firm", link={"properties": {"share": {"type": "integer"}}})
        renamed["crm"]["renamed_from"] = "partners"
        elements = definitions(members=renamed)
        del elements[1].body["properties"]["partners"]  # type: ignore[attr-defined]
        publish(connection, elements, by="test", confirm=["order.partners"])
        after = load_catalog(connection)
        assert after.tables["order_members"].name == "o_order$partners"
        found = Records(after, connection, SYSTEM, MOMENT).nested("order", "members", ["a"])
        assert [(one["id"], one["share"]) for one in found["a"]] == [("f", 10), ("g", 20)]
        inner.rollback()


@pytest.mark.parametrize(
    "wanted",
    [array("many_to_many", "group"), array("child_table", "line"), TEXT],
    ids=["other object", "other type", "text"],
)
def test_links_do_not_become_something_else(
    catalog: Catalog, connection: sa.Connection, wanted: JsonObject
) -> None:
    elements = definitions(partners=wanted, lines=array("child_table", "line", reverse="order"))
    with connection.begin_nested() as inner, pytest.raises(DefinitionError) as caught:
        publish(connection, elements, by="test")
    inner.close()
    place = "/objects/order/properties/partners"
    assert (place, "cannot_convert") in [(p.path, p.code) for p in caught.value.problems]
