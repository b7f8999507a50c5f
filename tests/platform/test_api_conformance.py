"""The API does what its OpenAPI document says, whatever is sent (schemathesis, in process).

No 5xx, no status and no content type that is not told of, bodies that fit their schemas, and
nothing that is there after it was deleted. What is sent fits the document, and then does not; it
is about records, imports, exports and keys that are there. More of it in the soak.
"""

from __future__ import annotations

import io
from contextlib import nullcontext, suppress
from typing import Any

import pytest
import schemathesis
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from tests.platform.importing import csv_bytes
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
ALL_OF = ("lead", "quote")
QUIET = list(HealthCheck)


def schema_of(app: Flask, headers: dict[str, str], paths: str) -> Any:
    document = app.test_client().get("/api/v1/openapi.json", headers=headers).get_json()
    schema = schemathesis.openapi.from_dict(document).include(path_regex=paths)
    schema.app = app
    # Who asks is not drawn: a caller without a token learns the same everywhere.
    schema.config.generation.with_security_parameters = False
    return schema


class Prepared:
    """Makes what addresses name, anew for each operation: the one before may have taken it away."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self.client = app.test_client()
        self.headers = headers

    def post(self, address: str, status: int = 201, **sent: Any) -> str:
        answer = self.client.post(f"/api/v1/{address}", headers=self.headers, **sent)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return str(answer.get_json()["id"])

    def parts(self, path: str) -> dict[str, str]:
        """Gives the parts of an operation's address that name something that is there."""
        object_name = path.split("/")[3]
        found = {}
        if "{record_id}" in path and object_name in ALL_OF:
            found["record_id"] = self.merged(object_name)
        if "{run_id}" in path:
            found["run_id"] = self.run(object_name, is_import="/import/" in path)
        if "{key_id}" in path:
            body = {"name": "Robot", "scopes": ["lead:read"]}
            found["key_id"] = self.post("security/api_keys", json=body)
        return found

    def merged(self, object_name: str) -> str:
        """Gives a record of which another one became a part."""
        values: dict[str, object] = {"name": "Ann", "lead_source": "web"}
        if object_name == "quote":
            account = self.post("account", json={"name": "Acme"})
            values = {"name": "Q", "account": account, "amount": 800, "discount": "0.25"}
        stays, goes = (self.post(object_name, json=values) for _ in range(2))
        return self.post(f"{object_name}/{stays}/actions/merge", 200, json={"records": [goes]})

    def run(self, object_name: str, *, is_import: bool) -> str:
        """Gives an import that is not run yet, or an export with its file."""
        if not is_import:
            return self.post(f"{object_name}/export", json={})
        content = io.BytesIO(csv_bytes([["name", "lead_source"], ["Bea", "web"]]))
        return self.post(f"{object_name}/import", data={"file": (content, "rows.csv")})


def flaws_of(
    operation: Any, prepared: Prepared, headers: dict[str, str], examples: int
) -> list[str]:
    """Gives what is wrong with the answers of an operation to generated requests."""
    found: dict[str, str] = {}

    def ask(case: Case[Any]) -> None:
        answer = case.call(headers=headers, buffered=True)  # a file is closed once it is read
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
    for mode in GenerationMode:
        there = prepared.parts(operation.path)
        cases = operation.as_strategy(mode, path_parameters=there)
        checked: Any = usual(given(cases)(ask))  # type: ignore[no-untyped-call]  # of Hypothesis
        # In some requests nothing can be wrong.
        with suppress(Unsatisfiable) if mode.is_negative else nullcontext():
            checked()
    return [f"{operation.label} {told}" for told in found.values()]


@pytest.mark.parametrize(
    ("paths", "examples"),
    [
        (ONES_OWN, 3),
        (rf"^/api/v1/({'|'.join(ALL_OF)})(/|$)", 4),
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
    prepared = Prepared(app, headers)
    flaws = [told for one in operations for told in flaws_of(one, prepared, headers, examples)]
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
