"""The API does what its OpenAPI document says, whatever is sent (schemathesis, in process).

No 5xx, no status and no content type that is not told of, bodies that fit their schemas, and
nothing that is there after it was deleted. More of it in the soak.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from tests.platform.world import Bearer
from trellis.runtime import Platform

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ONES_OWN = r"^/api/v1/(changes|files|meta|packages|search|security|openapi|profile)"
ALL_OF = "lead|quote"
QUIET = list(HealthCheck)


def schema_of(app: Flask, headers: dict[str, str], paths: str) -> Any:
    document = app.test_client().get("/api/v1/openapi.json", headers=headers).get_json()
    schema = schemathesis.openapi.from_dict(document).include(path_regex=paths)
    schema.app = app
    # Who asks is not drawn: a caller without a token learns the same everywhere.
    schema.config.generation.with_security_parameters = False
    return schema


def flaws_of(operation: Any, headers: dict[str, str], examples: int) -> list[str]:
    """Gives what is wrong with the answers of an operation to generated requests."""
    found: dict[str, str] = {}

    def ask(case: Case[Any]) -> None:
        answer = case.call(headers=headers)
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseExceptionGroup as group:
            for one in group.exceptions:
                found.setdefault(type(one).__name__, f"{case.as_curl_command()}: {one}")

    usual = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=QUIET,
    )
    checked: Any = usual(given(operation.as_strategy())(ask))  # type: ignore[no-untyped-call]  # of Hypothesis
    checked()
    return [f"{operation.label} {told}" for told in found.values()]


@pytest.mark.parametrize(
    ("paths", "examples"),
    [
        (ONES_OWN, 4),
        (rf"^/api/v1/({ALL_OF})(/|$)", 4),
        pytest.param(r"^/api/v1/", 60, marks=pytest.mark.soak_only),
    ],
    ids=["ones own", "records", "everything"],
)
def test_answers_are_those_of_the_document(
    app: Flask, bearer: Bearer, paths: str, examples: int
) -> None:
    headers = bearer("admin")
    operations = [found.ok() for found in schema_of(app, headers, paths).get_all_operations()]
    assert len(operations) > 20
    flaws = [told for one in operations for told in flaws_of(one, headers, examples)]
    assert flaws == []


@pytest.mark.parametrize(
    "examples", [6, pytest.param(200, marks=pytest.mark.soak_only)], ids=["few", "many"]
)
def test_what_is_deleted_is_gone(
    app: Flask, platform: Platform, bearer: Bearer, examples: int
) -> None:
    headers = bearer("admin")
    schema = schema_of(app, headers, r"^/api/v1/lead(/\{record_id\}(/history)?)?$")
    reached: set[tuple[str, int]] = set()

    class Life(schema.as_state_machine()):  # type: ignore[misc]  # made while it runs
        def setup(self) -> None:
            # What a life meets must not hang on those before it: Hypothesis lives some again.
            with platform.database.write() as connection:
                leads = platform.catalogs.current(connection).tables["lead"]
                connection.execute(sa.delete(leads))
            super().setup()

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            more = {"If-Match": "*"} if case.method in ("PATCH", "DELETE") else {}
            return {"headers": {**headers, **more}}

        def validate_response(self, response: Any, case: Case[Any], **_more: Any) -> None:
            reached.add((case.method, response.status_code))
            case.validate_response(response, checks=[*CHECKS, use_after_free])

    Life.run(
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=QUIET,
        )
    )
    assert {("POST", 201), ("GET", 200), ("DELETE", 204)} <= reached, reached
