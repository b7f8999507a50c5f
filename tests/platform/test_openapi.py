"""The OpenAPI document: valid, true, and without a word of what the caller may not see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.platform.acting import change_element
from tests.platform.test_api import Client, call
from trellis.api.openapi import path_of, routes_of
from trellis.runtime import Platform

__all__ = ["call"]


def document_of(call: Client, username: str, language: str = "en") -> dict[str, Any]:
    answer = call(username, "GET", "openapi.json", headers={"Accept-Language": language})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize("username", ["admin", "rita"])
def test_it_is_valid_and_so_are_its_examples(call: Client, username: str) -> None:
    document = document_of(call, username)
    OpenAPIV31SpecValidator(document).validate()
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:api", resource)
    examples = 0
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            reference = {"$ref": f"urn:api#/components/schemas/{name}"}
            Draft202012Validator(reference, registry=registry).validate(example)
            examples += 1
    assert examples >= (8 if username == "admin" else 3)


def texts(node: object) -> set[str]:
    """Gives every key and text of a document."""
    if isinstance(node, dict):
        return {str(key) for key in node}.union(*map(texts, node.values()))
    if isinstance(node, list):
        return set().union(*map(texts, node))
    return {node} if isinstance(node, str) else set()


def test_sec_01_what_is_hidden_is_not_in_it(call: Client, platform: Platform) -> None:
    def narrow(body: dict[str, Any]) -> None:
        lead = {**body["grants"]["lead"], "fields": {"budget": "hidden", "email": "masked"}}
        body["grants"]["lead"] = lead
        body["grants"] |= {"quote": {"read": "none"}, "quote_line": {"read": "none"}}

    assert {"lead.record", "quote.record"} <= texts(document_of(call, "rita"))
    change_element(platform, "role", "sales_rep", narrow)
    document = document_of(call, "rita")
    said = json.dumps(document)
    assert [name for name in ("budget", "Budget", "quote", "Quote") if name in said] == []
    lead = document["components"]["schemas"]["lead.record"]["properties"]
    assert lead["email"] == {"title": "Email", "type": ["string", "null"], "readOnly": True}
    assert "email" not in document["components"]["schemas"]["lead.change"]["properties"]
    assert "budget" in json.dumps(document_of(call, "admin"))


def test_it_tells_what_one_may_do_and_nothing_else(call: Client, platform: Platform) -> None:
    def only_look(body: dict[str, Any]) -> None:
        body["grants"]["lead"] = {"read": "own"}

    change_element(platform, "role", "sales_rep", only_look)
    paths = document_of(call, "rita")["paths"]
    assert set(paths["/api/v1/lead"]) == {"get"}
    assert set(paths["/api/v1/lead/{record_id}"]) == {"get"}
    assert set(paths["/api/v1/account"]) == {"get", "post"}
    assert not [path for path in paths if path.startswith(("/api/v1/meta", "/api/v1/packages"))]
    assert "/api/v1/meta/publish" in document_of(call, "admin")["paths"]


def test_it_names_every_status_with_its_body(call: Client) -> None:
    paths = document_of(call, "rita")["paths"]
    patch = paths["/api/v1/lead/{record_id}"]["patch"]
    assert sorted(patch["responses"]) == [
        *("200", "400", "401", "403", "404", "409", "412", "413", "415", "422", "428", "429"),
        "503",
    ]
    assert patch["responses"]["200"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/lead.record"
    }
    document = document_of(call, "rita")
    known = document["components"]["responses"]
    used = {
        answer["$ref"].rpartition("/")[2]
        for path in paths.values()
        for operation in path.values()
        for answer in operation["responses"].values()
        if "$ref" in answer
    }
    assert used == set(known)


def test_it_speaks_the_readers_language(call: Client) -> None:
    english, chinese = (document_of(call, "admin", language) for language in ("en", "zh"))
    assert english["components"]["schemas"]["lead.record"]["title"] == "Lead"
    assert chinese["components"]["schemas"]["lead.record"]["title"] == "线索"
    same = [
        operation["summary"]
        for path in chinese["paths"].values()
        for operation in path.values()
        if operation["summary"].isascii()
    ]
    assert sorted(set(same)) == []
    stage = english["components"]["schemas"]["lead.record"]["properties"]["status"]
    assert stage["x-enum-titles"]["new"] == "New"


def test_every_route_of_the_api_is_in_it(app: Flask, call: Client) -> None:
    paths = document_of(call, "admin")["paths"]
    lost = [
        route.rule
        for route in routes_of(app)
        if route.operation.variants is None
        and not any(
            path_of(route.rule).replace("{object_name}", name) in paths
            for name in ("lead", "territory")
        )
    ]
    assert lost == []
