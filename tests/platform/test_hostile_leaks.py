"""Nothing tells of records and values that somebody may not see, however she asks (SEC-03, 07)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.metadata.databases import object_body
from tests.platform.acting import change_element, make, system
from tests.platform.conditional_world import publish_more
from tests.platform.nested_world import TAG, reference, save
from tests.platform.world import Bearer, Login
from trellis.audit.sequencer import sequence
from trellis.records.save import save_record
from trellis.runtime import Platform

pytestmark = pytest.mark.usefixtures("people")

OWN = {"create": True, "read": "own", "update": "own", "delete": "own"}
VAULT = object_body(
    {
        "name": {"type": "string"},
        "code": {"type": "integer"},
        "hidden": {"type": "string"},
        "sealed": {"type": "string", "crm": {"encrypted": True, "mask": "last4"}},
        "token": {"type": "string", "crm": {"field": "secret"}},
        "place": {"type": "object", "crm": {"field": "address"}},
        "double": {"type": "number", "readOnly": True, "crm": {"formula": "code * 2"}},
        "visits": {
            "type": "integer",
            "readOnly": True,
            "crm": {"rollup": "count(keys)", "as": "user"},
        },
    },
    plural="Vaults",
)
KEY = object_body(
    {
        "name": {"type": "string"},
        "vault": reference("vault", reverse="keys", on_delete="cascade"),
        "secret_of": {"type": "string", "readOnly": True, "crm": {"through": "vault.hidden"}},
        "about": {
            "type": "object",
            "crm": {"field": "any_reference", "to": ["vault", "tag"], "reverse": "mentions"},
        },
        "note": {"type": "string", "crm": {"visible_when": "vault.code > 100"}},
        "tags": {
            "type": "array",
            "crm": {"field": "many_to_many", "to": "tag", "reverse": "tagged_keys"},
        },
    },
    plural="Keys",
)


@pytest.fixture
def vaults(platform: Platform) -> Platform:
    publish_more(platform, {"vault": VAULT, "key": KEY, "tag": TAG})

    def narrow(body: dict[str, Any]) -> None:
        hidden = dict.fromkeys(("code", "hidden", "sealed", "token", "place", "double"), "hidden")
        body["grants"]["vault"] = {**OWN, "fields": hidden}
        body["grants"]["tag"] = OWN
        body["grants"]["key"]["fields"] = {"secret_of": "hidden"}

    change_element(platform, "role", "sales_rep", narrow)
    return platform


def test_sec_07_a_form_does_not_ask_about_records_out_of_sight(
    vaults: Platform, login: Login
) -> None:
    with system(vaults) as unit:
        rich, poor = (
            save_record(unit, "vault", None, {"name": "X-secret", "code": code}, channel="api").id
            for code in (1_000, 1)
        )
    ron = login("ron")
    answers = [
        ron.post("/o/key/live", data={"name": "K", "vault": key}).get_json()
        for key in (rich, poor, "nothing")
    ]
    assert answers[0] == answers[1] == answers[2]
    pages = [
        ron.get(f"/o/key/new?vault={key}&about=vault:{key}").get_data(as_text=True)
        for key in (rich, poor)
    ]
    assert not any("X-secret" in page for page in pages)


HIDDEN_VALUES: tuple[dict[str, Any], ...] = (
    {"code": 7_777, "hidden": "secret-a", "sealed": "4111-1111", "token": "token-one"},
    {"code": 8_888, "hidden": "secret-b", "sealed": "4222-2222", "token": "token-two"},
)
NAMES = ("code", "hidden", "sealed", "token", "place", "double")


def questions(vault: str, key: str) -> Iterator[str]:
    yield from ("openapi.json", "vault/aggregate", "key/aggregate?group=vault.name")
    yield from ("vault?count=estimate", "key?count=estimate&filter=vault is not empty")
    yield from ("vault", "key", "tag", "key_tags", f"vault/{vault}", f"key/{key}")
    yield from (f"key/{key}/score_history", f"vault/{vault}/score_history")
    yield from (f"key/{key}/history", f"vault/{vault}/history", "vault?count=exact")
    yield from ("changes", "changes?object=vault", "changes?object=key&limit=1")
    yield from (f"{at}/as_of?at=2100-01-01T00:00:00Z" for at in (f"key/{key}", f"vault/{vault}"))
    yield from (
        f"key/{key}/readers",
        f"vault/{vault}/readers",
        f"vault/{vault}/explain?what=access",
    )
    yield f"key/{key}?expand=vault,tags&fields=vault.name,about,tags"
    for name in (*NAMES, "secret_of", "place.city", "visits", "about", "tags", "keys"):
        for place in (name, f"vault.{name}", f"about.{name}", f"tags.{name}", f"keys.{name}"):
            for what in ("vault", "key"):
                yield f"{what}?sort={place}"
                yield f"{what}?sort=-{place}"
                yield f"{what}?fields={place}"
                yield f"{what}/aggregate?group={place}&measure=count(),count({place})"
                yield f"{what}/aggregate?group=month({place})&measure=max({place})"
                yield f"{what}?filter={place} is empty"
                yield f"{what}?filter={place} > 7777"
                yield f'{what}?filter={place} = "secret-a"'
                yield f'{what}?filter=any(keys where {place} = "secret-a")'
                yield f"{what}?filter=count(keys where vault.{name} is empty) > 0"
                yield f"{what}?filter=max(keys.{place}) > 1"
    for word in ("secret", "4111", "v", "k", "x"):
        yield from (f"{what}?search={word}&count=exact" for what in ("vault", "key"))
        yield from (f"search?q={word}", f"search?q={word}&objects=key,vault&limit=1")


def test_sec_01_hidden_values_change_no_answer(
    vaults: Platform, app: Any, bearer: Bearer, login: Login
) -> None:
    vault = make(vaults, "ron", "vault", name="V")
    key = make(vaults, "ron", "key", name="K", vault=vault, about={"object": "vault", "id": vault})
    with system(vaults) as unit:
        other = save_record(unit, "vault", None, {"name": "X"}, channel="api").id
    save(vaults, "ron", "key", name="L")
    client, headers, pages = app.test_client(), bearer("ron"), login("ron")
    shown = [f"/o/{o}{e}" for o in ("vault", "key") for e in ("", "/lookup?q=", "/new")]
    shown += [f"{at}?q={word}" for at in ("/search", "/palette") for word in ("secret", "v", "x")]
    shown += [f"/o/vault/{vault}", f"/o/vault/{vault}/edit", f"/o/key/{key}", f"/o/key/{key}/edit"]
    told: list[dict[str, str]] = []
    for values in HIDDEN_VALUES:
        for record_id in (vault, other):
            with system(vaults) as unit:
                table = unit.catalog.tables["vault"]
                stamps = unit.connection.execute(
                    table.select()
                    .with_only_columns(table.c.version, table.c.updated_at)
                    .where(table.c.id == record_id)
                ).one()
                sent = {**values, "place": {"city": values["hidden"], "country": "CN"}}
                save_record(unit, "vault", record_id, sent, channel="api")
                was = {"version": stamps.version, "updated_at": stamps.updated_at}
                unit.connection.execute(
                    table.update().where(table.c.id == record_id).values(**was, updated_by=None)
                )
        found = {}
        sequence(vaults.database)
        for question in questions(vault, key):
            path, _, asked = question.partition("?")
            query = dict(part.split("=", 1) for part in asked.split("&")) if asked else {}
            answer = client.get(f"/api/v1/{path}", query_string=query, headers=headers)
            assert answer.status_code in (200, 404, 422), question
            found[question] = answer.get_data(as_text=True)
        for address in shown:
            text = pages.get(address).get_data(as_text=True)
            found[address] = "\n".join(
                line for line in text.splitlines() if "csrf" not in line and "nonce" not in line
            )
        told.append(found)
    assert [question for question in told[0] if told[0][question] != told[1][question]] == []
    for value in ("secret-a", "secret-b", "4111", "token-one", "7777", "15554"):
        assert [q for q, text in told[0].items() if value in text and value not in q] == []
