"""Who names a thing, and everything following a new name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metadata.catalog import build_catalog
from metadata.diff import Plan, plan
from metadata.documents import SCHEMA_OF, load_schema
from metadata.elements import Element, by_key
from metadata.fields.registry import offered_types
from metadata.mentions.find import find_mentions
from metadata.packages.read import read_package
from metadata.packages.upgrade import prepare
from metadata.problems import sentence
from rule_engine.check.mentions import Thing
from trellis.evaluation.definitions import system_catalog

JsonObject = dict[str, Any]
CRM = Path(__file__).parents[2] / "plugins" / "crm"


@pytest.fixture(scope="module")
def elements() -> tuple[Element, ...]:
    made = plan([], prepare(read_package(CRM), system_catalog().elements).elements)
    assert not made.problems, made.problems
    return made.elements


# Keywords whose texts name nothing that can be renamed.
PLAIN = frozenset(
    {"$schema", "$id", "name", "title", "description", "type", "plural", "icon", "$comment"}
    | {"format", "pattern", "help", "placeholder", "renamed_from", "id", "column", "table"}
    | {"package", "converted_from", "because", "message", "version", "requires", "help"}
    | {"text", "label", "reverse", "currency", "reset", "media_types", "mask", "messages"}
    | {"sections", "tabs", "examples", "category", "field"}
)


# Texts of translations, and the names of a link's own fields.
TITLES = frozenset(
    {"/translations/objects/fields/options", "/translations/views", "/translations/roles"}
    | {"/types/many_to_many/link/required", "/translations/objects/links"}
)


def texts(node: object, key: str, path: str) -> Iterator[tuple[str, str]]:
    """Gives keywords that take free text and do not say what it names."""
    if not isinstance(node, Mapping):
        return
    if node.get("type") == "string" and "x-names" not in node and "enum" not in node:
        yield path, key
    for name, inner in mapping_of(node.get("properties")).items():
        yield from texts(inner, name, f"{path}/{name}")
    for name, inner in mapping_of(node.get("$defs")).items():
        yield from texts(inner, name, f"{path}/{name}")
    for kind in ("items", "additionalProperties"):
        yield from texts(node.get(kind), key, path)
    for branch in node.get("anyOf", ()):
        yield from texts(branch, key, path)


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def test_every_keyword_says_what_it_names() -> None:
    """Otherwise a rename would leave it behind."""
    schemas = {name: load_schema(name) for name in SCHEMA_OF.values() if name != "manifest"}
    found = [one for name, schema in schemas.items() for one in texts(schema, "", f"/{name}")]
    for name, kind in offered_types().items():
        for keyword, schema in kind.parameters.items():
            found += texts(schema, keyword, f"/types/{name}/{keyword}")
    assert [path for path, key in found if key not in PLAIN and path not in TITLES] == []


# Thing → some places that name it, as `kind name path` with the line in rules.
MENTIONS = [
    (
        Thing("field", "opportunity", "stage"),
        {
            "layout account/record /related/1/columns/1",
            "layout opportunity/form /sections/0/fields/3",
            "object opportunity /required/2",
            "object opportunity /properties/lost_reason/crm/visible_when",
            "translations crm/zh /objects/opportunity/fields/stage",
            "view opportunity/open /filter",
            "rules crm/validations /text",
        },
    ),
    (
        Thing("option", "opportunity.stage", "won"),
        {
            "object opportunity /properties/stage/crm/transitions/negotiation/1",
            "translations crm/zh /objects/opportunity/fields/stage/options/won",
            "rules crm/amounts /text",
        },
    ),
    (
        Thing("object", "", "opportunity"),
        {
            "role sales_rep /grants/opportunity",
            "view opportunity/all ",
            "object quote /properties/opportunity/crm/to",
        },
    ),
    (Thing("link", "account", "opportunities"), {"layout account/record /related/1/name"}),
]


@pytest.mark.parametrize(
    ("thing", "expected"), MENTIONS, ids=[f"{thing.sort} {thing.name}" for thing, _ in MENTIONS]
)
def test_mentions(elements: tuple[Element, ...], thing: Thing, expected: set[str]) -> None:
    schema = build_catalog(1, elements).schema
    found = {f"{m.kind} {m.name} {m.path}" for m in find_mentions(elements, schema, thing)}
    assert expected <= found


def changed(
    elements: tuple[Element, ...], kind: str, name: str, change: Any, new_name: str = ""
) -> Plan:
    known = by_key(elements)[kind, name]
    body = {key: value for key, value in known.body.items()}
    body = change(body)
    wanted = [
        replace(one, body=body, name=new_name or one.name) if one is known else one
        for one in elements
    ]
    return plan(elements, wanted)


def renamed_property(was: str, name: str) -> Any:
    def change(body: JsonObject) -> JsonObject:
        properties = {
            name if key == was else key: value for key, value in body["properties"].items()
        }
        return {**body, "properties": properties}

    return change


def body_of(made: Plan, kind: str, name: str) -> JsonObject:
    return dict(by_key(made.elements)[kind, name].body)


def test_everything_follows_a_renamed_field(elements: tuple[Element, ...]) -> None:
    made = changed(elements, "object", "opportunity", renamed_property("stage", "phase"))
    assert [sentence(p) for p in made.problems] == []
    kinds = {operation.kind for operation in made.operations}
    assert {"rename_field", "rewrite_element"} <= kinds
    assert "change_element" not in kinds
    view = body_of(made, "view", "opportunity/open")
    assert view["filter"] == 'phase not in ["won", "lost"]'
    assert "phase" in view["columns"]
    assert body_of(made, "object", "opportunity")["required"][2] == "phase"
    lost = body_of(made, "object", "opportunity")["properties"]["lost_reason"]["crm"]
    assert lost["visible_when"] == 'phase = "lost"'
    assert "old.phase" in body_of(made, "rules", "crm/validations")["text"]
    assert "phase" in body_of(made, "translations", "crm/zh")["objects"]["opportunity"]["fields"]
    (rules,) = [
        o
        for o in made.operations
        if o.kind == "rewrite_element" and o.detail["name"] == "crm/amounts"
    ]
    assert rules.detail["changes"][0] == {  # type: ignore[index]  # JSON
        "path": "/text",
        "before": "set weighted_amount to amount * stage.probability",
        "after": "set weighted_amount to amount * phase.probability",
        "line": 18,
    }


def test_everything_follows_a_renamed_object(elements: tuple[Element, ...]) -> None:
    def change(body: JsonObject) -> JsonObject:
        return body

    made = changed(elements, "object", "opportunity", change, "deal")
    assert [sentence(p) for p in made.problems] == []
    known = by_key(made.elements)
    assert ("view", "deal/open") in known
    assert ("view", "opportunity/open") not in known
    assert "deal" in body_of(made, "role", "sales_rep")["grants"]
    assert body_of(made, "object", "quote")["properties"]["opportunity"]["crm"]["to"] == "deal"
    assert " on deal " in body_of(made, "rules", "crm/validations")["text"]


def test_everything_follows_a_renamed_option(elements: tuple[Element, ...]) -> None:
    def change(body: JsonObject) -> JsonObject:
        stage = dict(body["properties"]["stage"])
        stage["enum"] = ["victory" if one == "won" else one for one in stage["enum"]]
        options = dict(stage["crm"]["options"])
        options["victory"] = {**options.pop("won"), "renamed_from": "won"}
        stage["crm"] = {**stage["crm"], "options": options}
        return {**body, "properties": {**body["properties"], "stage": stage}}

    made = changed(elements, "object", "opportunity", change)
    assert [sentence(p) for p in made.problems] == []
    assert body_of(made, "view", "opportunity/open")["filter"] == 'stage not in ["victory", "lost"]'
    crm = body_of(made, "object", "opportunity")["properties"]["stage"]["crm"]
    assert "won" not in str(crm["transitions"])
    assert 'stage = "victory"' in body_of(made, "rules", "crm/amounts")["text"]
    assert [o.kind for o in made.operations].count("rename_option") == 1


def test_a_way_back_follows_its_plural(elements: tuple[Element, ...]) -> None:
    def change(body: JsonObject) -> JsonObject:
        return {**body, "crm": {**body["crm"], "plural": "Deals"}}

    made = changed(elements, "object", "opportunity", change)
    assert [sentence(p) for p in made.problems] == []
    related = body_of(made, "layout", "account/record")["related"]
    assert related[1]["name"] == "deals"


def test_two_fields_swap_their_names_everywhere(elements: tuple[Element, ...]) -> None:
    def change(body: JsonObject) -> JsonObject:
        swap = {"amount": "weighted_amount", "weighted_amount": "amount"}
        properties = {swap.get(key, key): value for key, value in body["properties"].items()}
        return {**body, "properties": properties}

    made = changed(elements, "object", "opportunity", change)
    assert [sentence(p) for p in made.problems] == []
    text = body_of(made, "rules", "crm/amounts")["text"]
    assert "set amount to weighted_amount * stage.probability" in text


def test_a_taken_name_that_something_mentions_is_refused(elements: tuple[Element, ...]) -> None:
    def change(body: JsonObject) -> JsonObject:
        properties = {
            "close_date" if key == "next_step" else key: value
            for key, value in body["properties"].items()
            if key != "close_date"
        }
        return {**body, "properties": properties}

    made = changed(elements, "object", "opportunity", change)
    assert "cannot_rewrite" in {problem.code for problem in made.problems}
