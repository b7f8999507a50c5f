"""`/api/v1/openapi.json`: OpenAPI 3.1 of what the caller may do, and of nothing else.

Made from the operations beside the routes, the definitions and the caller's rights; those with
rights of the same shape get the same text, which is kept for as long as the definitions last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Flask, Response, current_app
from werkzeug.routing import Rule

from metadata.access import Principal
from metadata.catalog import Catalog
from metadata.objects import ObjectDefinition
from trellis.api.components import COMPONENTS
from trellis.api.login_operations import LOGIN_OPERATIONS
from trellis.api.meta import KINDS
from trellis.api.openapi_records import object_schemas, unique_fields
from trellis.api.operations import (
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Parameter,
    Schema,
    common_route,
    operation_of,
)
from trellis.api.requests import read_parameters
from trellis.declared import ANY_OBJECT, Declaration, declaration_of
from trellis.phrases import Sentence
from trellis.problem_json import PROBLEM_JSON, language
from trellis.work import reading

VERSION: Final = "1"
PREFIX: Final = "/api/v1"
VARIABLE: Final = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
MOVED: Final = "308"
USUAL: Final = (401, 422, 429, 503)
"""What every route may refuse: no login, a parameter, too many requests, a busy database."""

OPENAPI = Operation(
    Sentence("What you may do, as OpenAPI 3.1"),
    {200: Answer(Sentence("The document."), OBJECT)},
)


@common_route("/openapi.json", "GET", operation=OPENAPI)
def show_openapi() -> Response:
    """Answers the document of who asks."""
    read_parameters(())
    unit, reader = reading(), language()
    catalog, principal = unit.catalog, unit.principal
    key = ("openapi", principal.profile, principal.may_administer, reader)
    text = catalog.queries.get(
        key, bytes, lambda: msgspec.json.encode(build(current_app, catalog, principal, reader))
    )
    answer = Response(text, content_type="application/json")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a document is made: what she may do, and the language of texts."""

    catalog: Catalog
    principal: Principal
    language: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """Those of queries and headers that are told of so far, by the name they have."""

    def parameter(self, one: Parameter) -> dict[str, object]:
        """Gives a reference to a parameter, which is told of once."""
        name, place = one.name, 1
        while self.parameters.setdefault(name, one) != one:
            place += 1
            name = f"{one.name}.{place}"
        return {"$ref": f"#/components/parameters/{name}"}

    def objects(self, action: str) -> Iterator[ObjectDefinition]:
        """Gives the objects on which she may do something."""
        for name, definition in self.catalog.objects.items():
            access = self.principal.access(name)
            if access.exists and (not action or self.may(name, action)):
                yield definition

    def unique_fields(self, definition: ObjectDefinition) -> list[str]:
        """Gives the fields by which she may name one record."""
        return unique_fields(definition, self.principal.access(definition.name))

    def may(self, object_name: str, action: str) -> bool:
        """Says whether she may do something with records of an object."""
        if action == "administer":
            return self.principal.may_administer
        return self.principal.access(object_name).may(action)


@dataclass(frozen=True, slots=True)
class Route:
    """A rule of the application with what it is about and what it does."""

    rule: str
    method: str
    endpoint: str
    declaration: Declaration
    operation: Operation

    @property
    def is_open(self) -> bool:
        """Says whether one calls it without having a token."""
        return self.endpoint == "SecurityApi.login"


def build(app: Flask, catalog: Catalog, principal: Principal, reader: str) -> dict[str, object]:
    """Gives the document."""
    who = Reader(catalog, principal, reader)
    paths: dict[str, dict[str, object]] = {}
    for route in routes_of(app):
        for path, told in told_of(route, who):
            paths.setdefault(path, {})[route.method.lower()] = told
    schemas: dict[str, Schema] = dict(COMPONENTS)
    for definition in who.objects(""):
        schemas |= object_schemas(catalog, definition, principal, reader)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trellis",
            "version": VERSION,
            "x-definitions": catalog.version,
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}],
        "tags": [{"name": one.name, "description": one.label(reader)} for one in who.objects("")],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "parameters": {name: parameter_of(one) for name, one in who.parameters.items()},
            "responses": {
                MOVED: {
                    "description": Sentence(
                        "The record now has another id: it was merged into that one."
                    ),
                    "headers": {"Location": {"schema": TEXT}},
                },
                **{str(status): refusal(status) for status in REFUSALS},
            },
            "securitySchemes": SECURITY,
        },
    }
    worded: dict[str, object] = plain(document, reader)
    return worded


def routes_of(app: Flask) -> list[Route]:
    """Gives the routes of the API that say what they do."""
    found = (route_of(app, rule) for rule in app.url_map.iter_rules())
    return sorted((one for one in found if one is not None), key=lambda one: (one.rule, one.method))


def route_of(app: Flask, rule: Rule) -> Route | None:
    """Gives what a rule does; None for pages, and for what says nothing."""
    view = app.view_functions[rule.endpoint]
    operation = operation_of(view) or LOGIN_OPERATIONS.get(rule.endpoint)
    if operation is None or not rule.rule.startswith(PREFIX):
        return None
    declaration = declaration_of(view) or Declaration("", "")
    (method,) = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    return Route(rule.rule, method, rule.endpoint, declaration, operation)


def told_of(route: Route, who: Reader) -> Iterator[tuple[str, dict[str, object]]]:
    """Gives the addresses of a route that the caller may use, each with what is told of it."""
    declared = route.declaration
    if declared.object != ANY_OBJECT:
        if declared.action != "administer" or who.principal.may_administer:
            yield path_of(route.rule), told(route, route.operation, who, None)
        return
    if route.operation.variants is None:
        for definition in who.objects(declared.action):
            if "<field>" in route.rule and not who.unique_fields(definition):
                continue
            path = path_of(route.rule).replace("{object_name}", definition.name)
            yield path, told(route, route.operation, who, definition)
        return
    for definition in who.objects("read"):
        last = list(VARIABLE.finditer(route.rule))[-1]["name"]
        for name, operation in route.operation.variants(definition).items():
            if operation.right and not who.may(definition.name, operation.right):
                continue
            path = path_of(route.rule).replace("{object_name}", definition.name)
            yield path.replace(f"{{{last}}}", name), told(route, operation, who, definition, name)


def path_of(rule: str) -> str:
    """Gives a rule as a path of OpenAPI."""
    return VARIABLE.sub(lambda found: f"{{{found['name']}}}", rule)


def told(
    route: Route,
    operation: Operation,
    who: Reader,
    definition: ObjectDefinition | None,
    variant: str = "",
) -> dict[str, object]:
    """Gives what OpenAPI tells of one route, on one object where it is about any."""
    about = "" if definition is None else definition.name
    view = route.endpoint.rpartition(".")[2]
    parameters = [*path_parameters(route, who, definition, variant)]
    parameters += [who.parameter(one) for one in operation.parameters]
    answers = {str(status): answer_of(one) for status, one in operation.answers.items()}
    if definition is not None and route.method == "GET" and "<record_id>" in route.rule:
        answers[MOVED] = {"$ref": f"#/components/responses/{MOVED}"}
    refused = {str(status): response(status) for status in refusals(route, operation)}
    found: dict[str, object] = {
        "operationId": "-".join(part for part in (view, about, variant) if part),
        "tags": [about or route.rule.removeprefix(PREFIX).split("/")[1]],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {**answers, **dict(sorted(refused.items()))},
    }
    if operation.body is not None:
        body: dict[str, object] = {"schema": operation.body.schema}
        if operation.body.example is not None:
            body["example"] = operation.body.example
        content = {operation.body.media_type: body}
        found["requestBody"] = {"content": content, "required": operation.body.required}
    if route.is_open:
        found["security"] = []
    placed: dict[str, object] = plain(found, who.language, about)
    return placed


def refusals(route: Route, operation: Operation) -> set[int]:
    """Gives the statuses of problems that a route may answer with."""
    found = {*USUAL, *operation.refuses}
    if route.declaration.object == ANY_OBJECT:
        found |= {403, 404}
    if "<" in route.rule:
        found |= {404}
    if route.declaration.action == "administer":
        found |= {403}
    if route.method not in SAFE:
        found |= {400}
    return found | {400, 413, 415} if operation.body is not None else found


def path_parameters(
    route: Route, who: Reader, definition: ObjectDefinition | None, variant: str
) -> Iterator[dict[str, object]]:
    """Gives the parameters of the path, but those that the object and the variant stand for."""
    names = [(found["name"], found["kind"]) for found in VARIABLE.finditer(route.rule)]
    for name, kind in names[:-1] if variant else names:
        if name == "object_name":
            continue
        schema: Schema = WHOLE if kind == "int" else {"type": "string", "minLength": 1}
        if name == "kinds":
            schema = {"enum": list(KINDS)}
        if name == "field" and definition is not None:
            schema = {"enum": who.unique_fields(definition)}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def parameter_of(one: Parameter) -> dict[str, object]:
    """Gives a parameter of the query or a header."""
    example = {} if one.example is None else {"example": one.example}
    return {
        "name": one.name,
        "in": one.place,
        "description": one.description,
        "required": one.required,
        "schema": one.schema,
        **example,
    }


def answer_of(one: Answer) -> dict[str, object]:
    """Gives what is answered when all goes well."""
    found: dict[str, object] = {"description": one.description}
    if one.schema is not None:
        found["content"] = {kind: {"schema": one.schema} for kind in one.media_types}
    if one.headers:
        found["headers"] = {name: {"schema": TEXT} for name in one.headers}
    return found


def response(status: int) -> Schema:
    """Gives a reference to what is answered with a problem."""
    return {"$ref": f"#/components/responses/{status}"}


REFUSALS: Final = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503)


def refusal(status: int) -> dict[str, object]:
    """Gives what is answered with the problems of a status."""
    name = "Stale" if status == HTTPStatus.PRECONDITION_FAILED else "Problem"
    schema = {"$ref": f"#/components/schemas/{name}"}
    headers = {"Retry-After": {"schema": WHOLE}} if status in (429, 503) else {}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_JSON: {"schema": schema}},
        **({"headers": headers} if headers else {}),
    }


SECURITY: Final[Mapping[str, object]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": Sentence("A token of /api/v1/security/login, or an API key."),
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "trellis",
        "description": Sentence("A browser's session; writes need the header X-CSRFToken too."),
    },
}


def plain(node: object, reader: str, object_name: str = "") -> Any:
    """Gives a part of the document as JSON: sentences in the reader's language, references to
    `{object}` leading to the schemas of one."""
    match node:
        case Sentence():
            return node.in_language(reader)
        case Mapping():
            return {str(key): plain(value, reader, object_name) for key, value in node.items()}
        case list() | tuple():
            return [plain(value, reader, object_name) for value in node]
        case str():
            return node.replace("{object}", object_name) if object_name else node
        case _:
            return node
