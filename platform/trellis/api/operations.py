"""What each route of the API takes and answers, said beside it: OpenAPI is made from this.

Whatever a route may refuse besides what all routes like it refuse (`openapi.refusals`) is named in
`Operation.refuses`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from flask import Blueprint, Response

from metadata.objects import ObjectDefinition
from trellis.api.blueprint import API, META, PACKAGES
from trellis.declared import ANY_OBJECT, declares
from trellis.phrases import Sentence

View = Callable[..., Response]
Schema = Mapping[str, object]

JSON: Final = "application/json"
TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
WHOLE: Final[Schema] = {"type": "integer"}
OBJECT: Final[Schema] = {"type": "object"}
FILE: Final[Schema] = {"type": "string", "contentMediaType": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a header; parameters of the path come from the rule."""

    name: str
    description: Sentence
    schema: Schema = field(default_factory=lambda: TEXT)
    place: Literal["query", "header"] = "query"
    required: bool = False
    example: object = None


@dataclass(frozen=True, slots=True)
class Body:
    """The body a request brings."""

    schema: Schema
    media_type: str = JSON
    required: bool = True
    example: object = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered when all goes well, in one of some forms; without a schema there is no
    body."""

    description: Sentence
    schema: Schema | None = None
    media_types: tuple[str, ...] = (JSON,)
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route does: its parameters, body and answers by status.

    `refuses` are the statuses of problems that other routes of its sort have not. `variants` gives
    the operations behind a rule about records by the value of its last variable, each with the
    `right` that it needs.
    """

    summary: Sentence
    answers: Mapping[int, Answer]
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    refuses: tuple[int, ...] = ()
    variants: Callable[[ObjectDefinition], Mapping[str, Operation]] | None = None
    right: str = ""


def of_object(kind: Literal["record", "create", "change", "page"]) -> Schema:
    """Gives a reference to a schema of the object that the address names."""
    return {"$ref": f"#/components/schemas/{{object}}.{kind}"}


def component(name: str) -> Schema:
    """Gives a reference to a schema that is the same for all objects."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """Gives the schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
    }


def made_of(properties: Mapping[str, Schema]) -> Schema:
    """Gives the schema of an answer that always has these keys and no others."""
    return closed(properties, tuple(properties))


def listed(items: Schema, more: Mapping[str, Schema] | None = None) -> Schema:
    """Gives the schema of a list with the cursor of the next page."""
    following: Schema = {"type": ["string", "null"]}
    return made_of({"items": {"type": "array", "items": items}, "next": following, **(more or {})})


def describes(operation: Operation) -> Callable[[View], View]:
    """Marks a view with its operation."""

    def mark(view: View) -> View:
        view.operation = operation  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def operation_of(view: Callable[..., object]) -> Operation | None:
    """Gives the operation that a view was marked with."""
    found: Operation | None = getattr(view, "operation", None)
    return found


def route(rule: str, method: str, *, action: str, operation: Operation) -> Callable[[View], View]:
    """Registers a view of records with the action it does on the object of its address."""
    return registered(API, rule, method, ANY_OBJECT, action, operation)


def common_route(
    rule: str, method: str, *, action: str = "", operation: Operation
) -> Callable[[View], View]:
    """Registers a view below /api/v1 that is about no single object: a search, the changes."""
    return registered(API, rule, method, "", action, operation)


def meta_route(rule: str, method: str, *, operation: Operation) -> Callable[[View], View]:
    """Registers a view of definitions; all of them need the right to administer."""
    return registered(META, rule, method, "", "administer", operation)


def package_route(rule: str, method: str, *, operation: Operation) -> Callable[[View], View]:
    """Registers a view of packages; all of them need the right to administer."""
    return registered(PACKAGES, rule, method, "", "administer", operation)


def registered(
    blueprint: Blueprint,
    rule: str,
    method: str,
    object_name: str,
    action: str,
    known: Operation,
    **options: Any,
) -> Callable[[View], View]:
    """Registers a view of a blueprint with what it is about and what it takes and answers.

    `options` are those of werkzeug's rules.
    """

    def register(view: View) -> View:
        marked = describes(known)(declares(object_name, action)(view))
        blueprint.add_url_rule(rule, view_func=marked, methods=[method], **options)
        return view

    return register
