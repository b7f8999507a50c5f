"""A catalog made with an older one at hand: equal to one made from nothing, and sooner made."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from rule_engine.errors import RuleError
from tests.metadata.databases import JsonObject, object_body

TEXT: JsonObject = {"type": "string"}
NAMES = ("team", "deal", "line", "note")
RULES = """ruleset checks "Checks"

validate named "Named" on {object} {{
    require name is not empty when name != "x"
        message "Give it a name" at name
}}
"""


def reference(target: str) -> JsonObject:
    return {"type": "string", "crm": {"field": "reference", "to": target}}


def starting_elements() -> list[Element]:
    """Gives objects that lead to each other, with all sorts of things about them."""
    bodies: dict[tuple[str, str], JsonObject] = {
        ("object", "team"): object_body({"name": TEXT}),
        ("object", "deal"): object_body({"name": TEXT, "team": reference("team")}),
        ("object", "line"): object_body(
            {
                "name": {**TEXT, "crm": {"required_when": 'deal.name = "x"'}},
                "deal": reference("deal"),
            }
        ),
        ("object", "note"): {
            **object_body({"name": TEXT}),
            "dependentRequired": {"name": ["name"]},
        },
        ("view", "deal/all"): {"title": "All", "columns": ["name"]},
        ("layout", "deal/form"): {"title": "Form", "kind": "form", "sections": []},
        ("role", "rep"): {"title": "Rep", "grants": {"deal": {"read": "all"}}},
        ("rules", "local/checks"): {"text": RULES.format(object="deal")},
        ("translations", "local/zh"): {"objects": {"deal": {"title": "商机"}}},
    }
    return [
        Element(f"{kind}-{name}", kind, name, "local", body)
        for (kind, name), body in bodies.items()
    ]


def edit(elements: list[Element], draw: random.Random, number: int) -> list[Element]:
    """Gives the elements after one change of some sort."""
    found = {element.key: element for element in elements}
    name = draw.choice([name for name in NAMES if ("object", name) in found])
    element = found["object", name]
    properties = dict(element.body["properties"])  # type: ignore[call-overload]  # a mapping
    match draw.randrange(8):
        case 0:
            properties[f"f{number}"] = TEXT
        case 1:
            properties["name"] = {**TEXT, "title": f"Name {number}"}
        case 2:
            properties[f"to{number}"] = {**reference(draw.choice(NAMES)), "title": str(number)}
            properties[f"to{number}"]["crm"]["reverse"] = f"back{number}"
        case 3:
            properties = {key: one for key, one in properties.items() if key in {"name", "deal"}}
        case 4:
            said = {
                "objects": {name: {"title": f"标题{number}"}},
                "views": {"deal": {"all": str(number)}},
            }
            key = ("translations", "local/zh")
            found[key] = replace(found[key], body=said)
        case 5:
            key = ("rules", "local/checks")
            found[key] = replace(found[key], body={"text": RULES.format(object=draw.choice(NAMES))})
        case 6:
            body = object_body({"name": TEXT, "deal": reference("deal")})
            new = Element(f"o{number}", "object", f"new{number}", "local", body)
            found[new.key] = new
        case _:
            key = draw.choice([("role", "rep"), ("view", "deal/all"), ("layout", "deal/form")])
            found[key] = replace(found[key], body={**found[key].body, "title": f"T{number}"})
    changed = replace(element, body={**element.body, "properties": properties})
    return [changed if one is element else one for one in found.values()]


def use(catalog: Catalog) -> tuple[object, ...]:
    """Makes everything that hangs off a catalog, and gives it in a form to compare."""
    try:
        program: object = catalog.program
    except RuleError as error:
        program = str(error)
    conditions: list[tuple[str, object]] = []
    for name in catalog.objects:
        try:
            found = catalog.conditions(name)
        except RuleError as error:
            conditions.append((name, str(error)))
        else:
            conditions.append((name, [(one.field, one.keyword) for one in found.fields]))
    tables = {
        name: (
            table.name,
            [repr(c) for c in table.columns],
            sorted(str(i.name) for i in table.indexes),
        )
        for name, table in catalog.tables.items()
    }
    checks = {name: catalog.keyword_problems(name, {"name": None}) for name in catalog.objects}
    return catalog, catalog.schema, program, conditions, tables, checks


@pytest.mark.parametrize("seed", range(25))
def test_made_from_an_older_one_is_the_same_as_made_from_nothing(seed: int) -> None:
    draw, elements = random.Random(seed), starting_elements()
    previous = build_catalog(1, elements)
    for number in range(2, 14):
        if draw.random() < 0.8:  # sometimes nobody asked for anything meanwhile
            use(previous)
        elements = edit(elements, draw, number)
        made = build_catalog(number, elements, previous=previous)
        assert use(made) == use(build_catalog(number, elements)), number
        previous = made


def test_what_did_not_change_is_not_made_again() -> None:
    elements = starting_elements()
    old = build_catalog(1, elements)
    use(old)
    body = object_body({"name": TEXT, "size": {"type": "integer"}})
    changed = [replace(one, body=body) if one.name == "note" else one for one in elements]
    new = build_catalog(2, changed, previous=old)
    kept = {name for name in NAMES if new.tables[name] is old.tables[name]}
    assert kept == {name for name in NAMES if new.objects[name] is old.objects[name]}
    assert kept == {name for name in NAMES if new.schema.objects[name] is old.schema.objects[name]}
    assert kept == {"team", "deal", "line"}
    more = [*elements, Element("x", "object", "extra", "local", object_body({"name": TEXT}))]
    grown = build_catalog(2, more, previous=old)
    assert grown.conditions("line") is old.conditions("line")
    assert grown.program.validations is old.program.validations
