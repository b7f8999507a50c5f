"""Encrypted fields: sealed in the database, compared by blind index, never ordered or searched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from metadata.access import SYSTEM, Access, FieldRight, Principal, Rows
from metadata.catalog import Catalog
from metadata.columns import to_columns
from metadata.diff import plan
from metadata.elements import Element
from metadata.encryption import Cipher, EncryptionError, Place, Sealed, engine_options
from metadata.fields.encrypted import Encrypted, encrypted
from metadata.fields.registry import offered_types
from metadata.migrate import publish
from metadata.parse import parse_object
from metadata.problems import sentence
from metadata.query import Moment, QueryProblem, Records
from metadata.store import create_store, load_catalog
from tests.metadata.databases import JsonObject, element, make_engine, object_body

KEY, NEWER = "k" * 40, "n" * 40
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
MOMENT = Moment(NOW, ZoneInfo("UTC"))
TEXT: JsonObject = {"type": "string"}
CODE: JsonObject = {"type": "string", "crm": {"encrypted": True, "mask": "last4", "unique": True}}
NOTE: JsonObject = {"type": "string", "crm": {"encrypted": True, "field": "long_text"}}
CANARY, OTHER = "CANARY110101199003071234", "CANARY440101198001010000"


def body() -> list[Element]:
    patient = object_body({"name": TEXT, "code": CODE, "note": NOTE}, owner=False)
    visit = object_body(
        {
            "title": TEXT,
            "patient": {"type": "string", "crm": {"field": "reference", "to": "patient"}},
        },
        owner=False,
    )
    return [element("patient", patient), element("visit", visit)]


@dataclass
class Clinic:
    """A database with encrypted fields."""

    engine: sa.Engine
    catalog: Catalog

    def add(
        self, connection: sa.Connection, object_name: str, record_id: str, **values: object
    ) -> None:
        definition = self.catalog.objects[object_name]
        row = {"id": record_id, "version": 1, "created_at": NOW, "updated_at": NOW, **values}
        columns = to_columns(connection, definition, record_id, row)
        connection.execute(self.catalog.tables[object_name].insert().values(columns))

    def records(self, connection: sa.Connection, principal: Principal = SYSTEM) -> Records:
        return Records(self.catalog, connection, principal, MOMENT)


def with_keys(engine: sa.Engine, *keys: str) -> sa.Engine:
    return engine.execution_options(**engine_options(Cipher(keys)))


@pytest.fixture
def clinic(database_url: str) -> Iterator[Clinic]:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        create_store(connection)
        publish(connection, body(), by="test")
        catalog = load_catalog(connection)
    made = Clinic(with_keys(engine, KEY), catalog)
    with made.engine.begin() as connection:
        made.add(connection, "patient", "p1", name="Li", code=CANARY, note="Line\nCANARY")
        made.add(connection, "patient", "p2", name="Wu", code=OTHER)
        made.add(connection, "patient", "p3", name="No")
        made.add(connection, "visit", "v1", title="First", patient="p1")
        made.add(connection, "visit", "v2", title="Lost")
    yield made
    engine.dispose()


def test_values_come_back_and_stand_nowhere_in_plain_text(clinic: Clinic) -> None:
    with clinic.engine.connect() as connection:
        record = clinic.records(connection).get("patient", "p1")
        assert record is not None
        assert (record["code"], record["note"]) == (CANARY, "Line\nCANARY")
        raw = connection.exec_driver_sql("SELECT * FROM o_patient").fetchall()
    assert "CANARY" not in repr(raw)
    visited = clinic.engine.connect()
    with visited as connection:
        page = clinic.records(connection).list("visit", fields=["title", "patient.code"])
        assert [one["patient.code"] for one in page.items] == [CANARY, None]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f'code = "{CANARY}"', ["p1"]),
        (f'"{CANARY}" = code', ["p1"]),
        (f'code != "{CANARY}"', ["p2", "p3"]),
        (f'code in ["{CANARY}", "{OTHER}"]', ["p1", "p2"]),
        (f'code not in ["{CANARY}"]', ["p2", "p3"]),
        ("code is empty", ["p3"]),
        ('code is not empty and name = "Wu"', ["p2"]),
        (f'name = "Li" or code = "{OTHER}"', ["p1", "p2"]),
        (f'not (code = "{OTHER}")', ["p1", "p3"]),
    ],
)
def test_equality_works_through_the_blind_index(clinic: Clinic, text: str, ids: list[str]) -> None:
    with clinic.engine.connect() as connection:
        page = clinic.records(connection).list("patient", filter=text)
        assert [one["id"] for one in page.items] == ids
        rotated = with_keys(clinic.engine, NEWER, KEY)
    fresh = Clinic(rotated, clinic.catalog)
    clinic.catalog.__dict__.pop("queries", None)
    with fresh.engine.connect() as connection:
        page = fresh.records(connection).list("patient", filter=text)
        assert [one["id"] for one in page.items] == ids


def test_equality_reaches_over_references(clinic: Clinic) -> None:
    with clinic.engine.connect() as connection:
        found = clinic.records(connection).list("visit", filter=f'patient.code = "{CANARY}"')
        assert [one["id"] for one in found.items] == ["v1"]
        matched = clinic.records(connection).list("patient", match={"code": OTHER})
        assert [one["id"] for one in matched.items] == ["p2"]


@pytest.mark.parametrize(
    "text",
    [
        'code contains "CAN"',
        'code starts with "CAN"',
        "code = name",
        "length(code) > 3",
        'lower(code) = "x"',
        'code = "a" or concat(code, name) = "b"',
    ],
)
def test_all_other_operators_are_refused_when_checked(clinic: Clinic, text: str) -> None:
    with clinic.engine.connect() as connection:
        (problem,) = clinic.records(connection).check("patient", filter=text)
    assert sentence(problem) == (
        '"code" is encrypted: it can only be compared with a constant by =, !=, in, '
        "or tested by is empty"
    )
    assert sentence(problem, "zh") == ("“code”已加密：只能用 =、!=、in 与常量比较，或判断是否为空")


def test_sorting_is_refused_and_search_does_not_look_inside(clinic: Clinic) -> None:
    with clinic.engine.connect() as connection:
        records = clinic.records(connection)
        (problem,) = records.check("patient", sort=["-code"])
        assert sentence(problem) == '"code" is encrypted and has no order'
        assert records.list("patient", search="CANARY").items == ()


def test_masked_readers_see_the_end_and_can_ask_for_nothing(clinic: Clinic) -> None:
    access = Access(
        "patient",
        rows={"read": Rows(all=True)},
        fields={"code": FieldRight.MASKED},
        default_field=FieldRight.READ,
    )
    masked = Principal("u1", {"id": "u1"}, grants={"patient": access})
    with clinic.engine.connect() as connection:
        records = clinic.records(connection, masked)
        record = records.get("patient", "p1")
        assert record is not None
        assert record["code"] == "•••1234"
        with pytest.raises(QueryProblem):
            records.list("patient", filter=f'code = "{CANARY}"')


def test_a_write_without_a_cipher_fails(clinic: Clinic) -> None:
    bare = clinic.engine.execution_options(trellis_cipher=None)
    with bare.connect() as connection:
        with pytest.raises(EncryptionError):
            clinic.add(connection, "patient", "p9", code=CANARY)
        with pytest.raises(sa.exc.StatementError, match="takes only Sealed"):
            connection.execute(clinic.catalog.tables["patient"].update().values(code=CANARY))
        field = clinic.catalog.objects["patient"].fields["code"]
        with pytest.raises(TypeError, match="write it through metadata"):
            field.type.to_parts(CANARY, field)
        with pytest.raises(EncryptionError):
            clinic.records(connection).get("patient", "p1")


def test_two_records_cannot_share_a_unique_value(clinic: Clinic) -> None:
    with clinic.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        clinic.add(connection, "patient", "p9", code=CANARY)


def test_a_value_does_not_open_in_another_row_or_with_another_key(clinic: Clinic) -> None:
    with clinic.engine.begin() as connection:
        table = clinic.catalog.tables["patient"]
        taken = connection.scalar(sa.select(table.c.code).where(table.c.id == "p1"))
        connection.execute(table.update().where(table.c.id == "p3").values(code=taken))
    with (
        clinic.engine.connect() as connection,
        pytest.raises(EncryptionError, match="damaged or moved"),
    ):
        clinic.records(connection).get("patient", "p3")
    stranger = Clinic(with_keys(clinic.engine, NEWER), clinic.catalog)
    with (
        stranger.engine.connect() as connection,
        pytest.raises(EncryptionError, match="is not among the encryption keys"),
    ):
        stranger.records(connection).get("patient", "p1")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    cipher, place = Cipher([KEY]), Place("o_patient", "p1", "code")
    first, second = (cipher.seal("x", place) for _ in range(2))
    assert first != second
    assert cipher.open(first, place) == cipher.open(second, place) == "x"
    newer = Cipher([NEWER, KEY])
    assert newer.open(first, place) == "x"
    assert not newer.is_current(first)
    assert newer.is_current(newer.seal("x", place))
    assert cipher.index("x", "a.b") != cipher.index("x", "a.c")
    with pytest.raises(EncryptionError):
        cipher.open(Sealed(first[:-4] + "AAA="), place)


@pytest.mark.parametrize(
    ("crm", "default", "said"),
    [
        (
            {"encrypted": True},
            "x",
            '"a" is encrypted: a default would stand in the definition in plain text; leave it out',
        ),
    ],
)
def test_definitions_that_cannot_be_kept_secret(crm: JsonObject, default: str, said: str) -> None:
    document = object_body({"a": {"type": "string", "default": default, "crm": crm}})
    _, problems = parse_object("thing", document)
    assert [sentence(one) for one in problems] == [said]


def test_types_that_cannot_be_encrypted_say_so() -> None:
    document = object_body({"a": {"type": "boolean", "crm": {"encrypted": True}}})
    _, (problem,) = parse_object("thing", document)
    assert problem.code == "not_encryptable"
    assert sentence(problem).startswith(
        "A field of the type boolean cannot be encrypted; these can: "
    )


def published(connection: sa.Connection, **crm: object) -> Catalog:
    """Publishes an object whose field `code` has these keywords."""
    code = {"type": "string", "crm": crm} if crm else TEXT
    thing = element("thing", object_body({"name": TEXT, "code": code}, owner=False))
    publish(connection, [thing], by="test", confirm=["thing.code"])
    return load_catalog(connection)


def test_a_field_becomes_encrypted_and_plain_again_with_its_values(database_url: str) -> None:
    engine = make_engine(database_url)
    sealed = with_keys(engine, KEY)
    with sealed.begin() as connection:
        create_store(connection)
        clinic = Clinic(sealed, published(connection))
        clinic.add(connection, "thing", "t1", name="A", code=CANARY)
    for crm in ({"encrypted": True}, {"encrypted": True, "unique": True}, {}):
        with sealed.begin() as connection:
            clinic = Clinic(sealed, published(connection, **crm))
            (thing,) = clinic.records(connection).list("thing").items
            assert thing["code"] == CANARY
            raw = repr(connection.exec_driver_sql("SELECT * FROM o_thing").fetchall())
            assert ("CANARY" in raw) == (not crm)
    with pytest.raises(EncryptionError), engine.begin() as connection:
        published(connection, encrypted=True)
    engine.dispose()


def test_every_type_that_can_be_encrypted_keeps_its_values() -> None:
    cipher, place = Cipher([KEY]), Place("o_thing", "t1", "it")
    kinds = {name: kind for name, kind in offered_types().items() if kind.encryptable}
    assert {"text", "email", "phone", "date"} <= set(kinds)
    for name, kind in kinds.items():
        sealing = encrypted(kind)
        assert isinstance(sealing, Encrypted)
        for sample in kind.samples:
            crm = {**sample.document.get("crm", {}), "field": name, "encrypted": True}  # type: ignore[dict-item]  # an object
            document = object_body({"it": {**sample.document, "crm": crm}})
            definition, problems = parse_object("thing", document)
            assert definition is not None, problems
            field = definition.fields["it"]
            for given, _ in sample.good:
                value = field.type.coerce(given, field)
                if value is None:
                    continue
                parts = sealing.seal(value, field, cipher, place)
                text = cipher.open(str(parts[""]), place)
                assert sealing.open(Sealed(parts[""]), field, lambda text=text: text) == value, name  # type: ignore[misc]  # the text of this turn


VIEW = {"title": "V", "type": "list", "columns": ["name", "code"]}
PLACES: list[tuple[str, str, JsonObject, list[tuple[str, str]]]] = [
    ("view", "patient/v", {**VIEW, "filter": f'code = "{CANARY}"'}, []),
    (
        "view",
        "patient/v",
        {**VIEW, "filter": 'code contains "1"', "sort": ["-code"]},
        [
            ("/views/patient/v/filter", "sealed_operator"),
            ("/views/patient/v/sort/0", "sealed_sort"),
        ],
    ),
    (
        "role",
        "nurse",
        {
            "title": "Nurse",
            "grants": {
                "patient": {
                    "read": "none",
                    "share": [{"read": "length(code) = 3", "because": "short"}],
                }
            },
        },
        [("/roles/nurse/grants/patient/share/0/read", "sealed_operator")],
    ),
]


@pytest.mark.parametrize(("kind", "name", "document", "found"), PLACES)
def test_what_sql_cannot_do_is_refused_before_it_is_published(
    kind: str, name: str, document: JsonObject, found: list[tuple[str, str]]
) -> None:
    made = plan([], [*body(), element(name, document, kind=kind)])
    assert [(one.path, one.code) for one in made.problems] == found


def test_a_grant_compares_encrypted_values_too(clinic: Clinic) -> None:
    shared = Rows(conditions=(f'code = "{CANARY}"',))
    access = Access("patient", rows={"read": shared}, default_field=FieldRight.READ)
    nurse = Principal("u1", {"id": "u1"}, grants={"patient": access})
    with clinic.engine.connect() as connection:
        page = clinic.records(connection, nurse).list("patient", fields=["name"])
    assert [one["name"] for one in page.items] == ["Li"]
