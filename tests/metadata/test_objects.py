"""Objects from JSON documents: what they become, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.documents import document_problems, meta_schema
from metadata.fields.registry import offered_types
from metadata.links import find_links
from metadata.parse import parse_object
from metadata.problems import DefinitionError, Problem, sentence
from metadata.schema import schema_of
from rule_engine.types import Kind, Type

OPPORTUNITY: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "opportunity",
    "title": "Opportunity",
    "type": "object",
    "required": ["name", "account", "stage", "close_date"],
    "properties": {
        "name": {"type": "string", "maxLength": 120, "title": "Name"},
        "account": {
            "type": "string",
            "crm": {"field": "reference", "to": "account", "on_delete": "restrict"},
        },
        "stage": {
            "type": "string",
            "enum": ["new", "proposal", "won", "lost"],
            "default": "new",
            "crm": {
                "options": {
                    "new": {"title": "New", "hue": "blue", "probability": "10%"},
                    "won": {"hue": "green", "category": "won"},
                },
                "transitions": {"new": ["proposal", "lost"], "proposal": ["won", "lost"]},
            },
        },
        "amount": {"type": "number", "minimum": 0, "crm": {"field": "money", "currency": "CNY"}},
        "close_date": {"type": "string", "format": "date", "crm": {"index": True}},
        "discount": {
            "type": "number",
            "crm": {"field": "percent", "required_when": 'stage = "proposal"'},
        },
    },
    "crm": {
        "plural": "Opportunities",
        "icon": "target",
        "name_field": "name",
        "owner": True,
        "activities": True,
        "search": ["name", "account.name"],
        "unique": [["account", "name"]],
        "track": "all",
    },
}


def parse(document: dict[str, Any]) -> tuple[Any, list[Problem]]:
    return parse_object("opportunity", document)


def all_problems(document: dict[str, Any], name: str = "opportunity") -> list[str]:
    problems = [*document_problems("object", document), *parse_object(name, document)[1]]
    return [f"{problem.path}: {sentence(problem)}" for problem in problems]


def test_definition() -> None:
    definition, problems = parse(OPPORTUNITY)
    assert problems == []
    assert document_problems("object", OPPORTUNITY) == []
    assert [field.name for field in definition.own_fields] == list(OPPORTUNITY["properties"])
    assert definition.label() == "Opportunity"
    assert definition.plural() == "Opportunities"
    assert definition.unique == (("account", "name"),)
    stage = definition.fields["stage"]
    assert stage.required
    assert stage.transitions == {"new": ("proposal", "lost"), "proposal": ("won", "lost")}
    assert [option.labels["en"] for option in stage.options] == ["New", "Proposal", "Won", "Lost"]
    assert definition.fields["owner"].system
    assert definition.fields["close_date"].index
    assert not definition.fields["created_at"].writable


def test_object_without_owner() -> None:
    definition, _ = parse({**OPPORTUNITY, "crm": {"owner": False}})
    assert "owner" not in definition.fields
    assert "owner_team" not in definition.fields
    assert "id" in definition.fields


def test_retired_fields_are_apart() -> None:
    properties = {
        "name": {"type": "string"},
        "old_one": {"type": "string", "crm": {"retired": True}},
    }
    definition, problems = parse({"properties": properties})
    assert problems == []
    assert "old_one" not in definition.fields
    assert definition.retired_fields["old_one"].column == "old_one"


@pytest.mark.parametrize(
    ("prop", "message"),
    [
        (
            {"type": "number", "crm": {"field": "mony"}},
            '/properties/price/crm/field: no field type "mony"; there are: '
            + ", ".join(("money", *(name for name in offered_types() if name != "money"))),
        ),
        (
            {"type": "number", "crm": {"field": "money", "curency": "CNY"}},
            '/properties/price/crm/curency: unknown key "curency"; did you mean currency?',
        ),
        (
            {"type": "number", "crm": {"field": "money", "currency": "RMB"}},
            '/properties/price/crm/currency: No currency "RMB"; did you mean CNY?',
        ),
        (
            {"type": "string", "maxLenght": 5},
            '/properties/price/maxLenght: unknown key "maxLenght"; did you mean maxLength?',
        ),
        (
            {"type": "string", "format": "postcode"},
            '/properties/price/format: no format "postcode"; there are: date, email, ipv4, '
            "ipv6, regex, time, uuid",
        ),
        (
            {"type": "string", "maxLength": -1},
            "/properties/price/maxLength: Must be at least 0",
        ),
        (
            {"type": "string", "pattern": "a(?=b)"},
            "/properties/price/pattern: not an RE2 pattern: invalid perl operator: (?=",
        ),
        (
            {"type": "boolean", "crm": {"field": "money"}},
            "/properties/price/type: a field of type money cannot have the JSON type boolean; "
            "it has: number, object, string, integer",
        ),
        (
            {"type": "object"},
            "/properties/price/type: the field type cannot be told; give `type`, or crm.field, "
            f"one of: {', '.join(offered_types())}",
        ),
        (
            {"type": "integer", "default": "x"},
            '/properties/price/default: "x" is not a number',
        ),
        (
            {"type": "string", "crm": {"field": "reference"}},
            "/properties/price/crm/to: a reference needs the object it leads to; give crm.to",
        ),
        (
            {"enum": ["a"], "crm": {"transitions": {"a": ["b"]}}},
            '/properties/price/crm/transitions/a/0: "b" is not among the options: a',
        ),
        (
            {"enum": ["a"], "crm": {"options": {"a": {"hue": "bleu"}}}},
            '/properties/price/crm/options/a/hue: no "bleu"; did you mean blue?; there are: gray, '
            "red, orange, amber, green, teal, sky, blue, violet, pink",
        ),
    ],
)
def test_refused_properties(prop: dict[str, Any], message: str) -> None:
    assert message in all_problems({"properties": {"price": prop}})


@pytest.mark.parametrize(
    ("document", "messages"),
    [
        (
            {"properties": {"id": {"type": "string"}}},
            [
                '/properties/id: the name "id" is taken by a system field or a word of the rule '
                "language; choose another"
            ],
        ),
        (
            {"properties": {"Price": {"type": "number"}}},
            [
                '/properties/Price: "Price" is no API name: small letters, digits and _, a letter '
                "first, at most 40"
            ],
        ),
        (
            {"properties": {"a": {"type": "string"}}, "required": ["b"], "crm": {"plurral": "x"}},
            [
                '/crm/plurral: unknown key "plurral"; did you mean plural?',
                '/required/0: opportunity has no field "b"; there are: a',
            ],
        ),
        (
            {"properties": {"a": {"type": "string"}}, "crm": {"name_field": "nam"}},
            ['/crm/name_field: opportunity has no field "nam"; there are: a'],
        ),
        ({"title": "x"}, [
            ': the key "properties" is missing',
            "/properties: an object needs properties: its fields",
        ]),
    ],
)  # fmt: skip
def test_refused_objects(document: dict[str, Any], messages: list[str]) -> None:
    assert all_problems(document) == messages


@pytest.mark.parametrize("name", ["search", "meta", "user", "Quote", "x" * 41, "1a"])
def test_refused_names(name: str) -> None:
    assert len(all_problems(OPPORTUNITY, name)) == 1


def test_all_problems_are_collected() -> None:
    properties = {
        "a": {"type": "string", "crm": {"fild": "text"}},
        "b": {"type": "number", "crm": {"field": "mony"}},
        "c": {"enum": []},
    }
    assert len(all_problems({"properties": properties, "crm": {"x": 1}})) >= 5


def test_links() -> None:
    account, _ = parse_object("account", {"properties": {"name": {"type": "string"}}})
    child, _ = parse(OPPORTUNITY)
    assert account is not None
    links, problems = find_links({"account": account, "opportunity": child})
    assert problems == []
    link = links["account"]["opportunities"]
    assert (link.target, link.field, link.on_delete, link.many) == (
        "opportunity",
        "account",
        "restrict",
        True,
    )


def test_link_clash_and_unknown_target() -> None:
    reference = {"type": "string", "crm": {"field": "reference", "to": "account"}}
    lost = {"type": "string", "crm": {"field": "reference", "to": "acount"}}
    account, _ = parse_object("account", {"properties": {"name": {"type": "string"}}})
    child, _ = parse_object(
        "visit", {"properties": {"host": reference, "guest": reference, "other": lost}}
    )
    assert account is not None
    assert child is not None
    _, problems = find_links({"account": account, "visit": child})
    assert [f"{problem.path}: {sentence(problem)}" for problem in problems] == [
        '/visit/properties/guest/crm/reverse: the way back "visits" on account is taken by '
        "visit.host; give another as crm.reverse",
        '/visit/properties/other/crm/to: no object "acount"; there are: account, visit',
    ]


def test_schema_of() -> None:
    account = {"title": "Client", "properties": {"name": {"type": "string"}}}
    schema = schema_of({"account": account, "opportunity": OPPORTUNITY})
    opportunity = schema.objects["opportunity"]
    assert opportunity.fields["amount"].type == Type(Kind.MONEY)
    assert opportunity.fields["amount"].currency == "CNY"
    assert opportunity.fields["account"].type == Type(Kind.REFERENCE, target="account")
    assert opportunity.fields["stage"].type.options == ("new", "proposal", "won", "lost")
    assert opportunity.fields["owner"].target == "user"
    assert not opportunity.fields["created_at"].writable
    assert schema.object("Client") is schema.objects["account"]
    assert schema.object("Nobody") is None
    assert schema.objects["account"].links["opportunities"].field == "account"


def test_schema_of_broken_definitions() -> None:
    with pytest.raises(DefinitionError, match='no field type "mony"'):
        schema_of({"a": {"properties": {"b": {"crm": {"field": "mony"}}}}})


def test_published_schema_accepts_what_we_accept() -> None:
    from jsonschema import Draft202012Validator

    schema = meta_schema("object")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(OPPORTUNITY)) == []
    wrong = {"properties": {"a": {"crm": {"field": "date", "currency": "CNY"}}}}
    assert not validator.is_valid(wrong)
    assert set(schema["$defs"]["field"]["properties"]["field"]["enum"]) == set(offered_types())
