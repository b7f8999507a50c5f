"""Imports: what a file becomes, row by row, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.problems import Problem
from tests.platform.acting import acting, database_hash, make, stored, system
from tests.platform.importing import csv_bytes, problems, run, undo, upload
from tests.platform.world import People
from trellis.audit.tables import audit_event
from trellis.errors import Conflict, Missing, NotAllowed, Refused
from trellis.jobs.running import FAILED
from trellis.jobs.running_loop import MAX_ATTEMPTS, JobRunner
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.transfer import import_steps
from trellis.transfer.errors_file import errors_file
from trellis.transfer.imports import (
    Import,
    cancel_import,
    clean_imports,
    configure,
    read_import,
    start_import,
)
from trellis.transfer.tables import import_row, import_run
from trellis.worker import Worker

LEADS = [
    ["Lead name", "Company", "E-Mail", "来源", "Notes", "Shoe size"],
    ["Ada", "Acme", "ada@example.com", "Web form", "new", "41"],
    ["Bob", "", "bob@example.com", "referral", "", ""],
]


@pytest.fixture
def options(platform: Platform) -> list[str]:
    with system(platform) as unit:
        return [one.value for one in unit.catalog.objects["lead"].fields["lead_source"].options]


def targets(platform: Platform, started: Import) -> dict[str, str | None]:
    with acting(platform, "diana") as unit:
        found = read_import(unit, started.object, started.id)
    pairs = zip(found.layout.headers, found.settings.columns, strict=True)
    return {header: None if one.target is None else str(one.target) for header, one in pairs}


def leads(platform: Platform) -> dict[str, Mapping[str, Any]]:
    with system(platform) as unit:
        fields = ["name", "company", "email", "notes", "lead_source", "version"]
        page = unit.records().list("lead", fields=fields, limit=200)
        return {str(item["name"]): item for item in page.items}


def table(*rows: Sequence[object]) -> bytes:
    return csv_bytes([["name", "lead_source", "email", "company"], *rows])


def test_columns_are_known_by_name_label_and_similarity(platform: Platform) -> None:
    started = upload(platform, "diana", "lead", csv_bytes(LEADS))
    assert targets(platform, started) == {
        "Lead name": "name",
        "Company": "company",
        "E-Mail": "email",
        "来源": "lead_source",
        "Notes": "notes",
        "Shoe size": None,
    }


def test_columns_are_known_by_words_that_files_use(platform: Platform) -> None:
    headers = ["Full name", "Company name", "Telephone", "电子邮件"]
    started = upload(platform, "diana", "lead", csv_bytes([headers, ["Ada", "Acme", "", ""]]))
    assert list(targets(platform, started).values()) == ["name", "company", "phone", "email"]


def test_a_mapping_that_was_kept_is_used_again(platform: Platform) -> None:
    first = upload(platform, "diana", "lead", csv_bytes([["A", "B", "C"], ["Ada", "web", "x"]]))
    assert targets(platform, first) == {"A": None, "B": None, "C": None}
    chosen = {"A": "name", "B": "lead_source", "C": None}
    with acting(platform, "diana") as unit:
        configure(unit, "lead", first.id, {"columns": chosen, "save_as": "Fair"})
    again = upload(platform, "diana", "lead", csv_bytes([["C", "B", "A"], ["x", "web", "Eve"]]))
    assert targets(platform, again) == {"C": None, "B": "lead_source", "A": "name"}


def test_what_does_not_fit_is_said_at_once(platform: Platform) -> None:
    started = upload(platform, "diana", "lead", csv_bytes([["name", "x"], ["Ada", "1"]]))
    body = {
        "columns": {"x": "nmae", "y": "name", "name": {"field": "name", "date": "year"}},
        "policy": "replace",
        "match": "email",
        "defaults": {"id_number": 1},
        "dryness": 1,
    }
    with acting(platform, "diana") as unit, pytest.raises(Refused) as refused:
        configure(unit, "lead", started.id, body)
    assert [(one.path, one.code) for one in refused.value.problems] == [
        ("/dryness", "unknown_key"),
        ("/policy", "not_known"),
        ("/columns/x/field", "unknown_field"),
        ("/columns/y", "import_unknown_column"),
        ("/columns/name/date", "not_known"),
        ("/defaults/id_number", "unknown_field"),
        ("/match", "not_known"),
    ]


def test_a_dry_run_says_everything_and_writes_nothing(
    platform: Platform, options: list[str]
) -> None:
    content = table(
        ["Ada", options[0], "ada@example.com", ""],
        ["", "nowhere", "no address", ""],
        ["Cy", options[1], "", "", "too much"],
    )
    started = upload(platform, "diana", "lead", content)
    outside = leads(platform)
    assert run(platform, "diana", started, dry=True) == {"create": 1, "error": 2}
    assert problems(platform, "diana", started) == {
        3: [("/lead_source", "not_option"), ("/email", "email"), ("/name", "required")],
        4: [("", "import_beyond")],
    }
    assert leads(platform) == outside


def test_a_run_makes_records_with_rules_and_tells_the_rest(
    platform: Platform, options: list[str]
) -> None:
    content = table(["Ada", options[0], "ada@example.com", ""], ["Bob", "nowhere", "", ""])
    started = upload(platform, "diana", "lead", content)
    assert run(platform, "diana", started) == {"create": 1, "error": 1}
    assert leads(platform)["Ada"]["email"] == "ada@example.com"
    with acting(platform, "diana") as unit:
        done = read_import(unit, "lead", started.id)
        lines = b"".join(errors_file(unit, done, "en")).decode("utf-8-sig").splitlines()
    assert lines[0] == "name,lead_source,email,company,Row,Why it was not imported"
    assert lines[1].startswith(
        'Bob,nowhere,,,3,"Source: ""nowhere"" is not an option; there are: Website,'
    )
    assert len(lines) == 2
    with acting(platform, "diana") as unit, pytest.raises(Conflict):
        start_import(unit, "lead", started.id, {}, dry=False)


@pytest.mark.parametrize(
    ("policy", "told", "companies"),
    [
        ("create", {"create": 1, "error": 1}, {"Ada": "Old", "Bob": "B"}),
        ("update", {"update": 1, "error": 1}, {"Ada": "New"}),
        ("upsert", {"update": 1, "create": 1}, {"Ada": "New", "Bob": "B"}),
        ("skip", {"skip": 1, "create": 1}, {"Ada": "Old", "Bob": "B"}),
    ],
)
def test_policies(
    platform: Platform,
    options: list[str],
    policy: str,
    told: dict[str, int],
    companies: dict[str, str],
) -> None:
    make(platform, "diana", "lead", name="Ada", lead_source=options[0], company="Old")
    content = table(["Ada", options[0], "", "New"], ["Bob", options[0], "", "B"])
    started = upload(platform, "diana", "lead", content)
    settings = {"policy": policy, "match": "name", "duplicates": "none"}
    assert run(platform, "diana", started, dry=True, **settings) == told
    assert run(platform, "diana", started) == told
    assert {name: one["company"] for name, one in leads(platform).items()} == companies


def test_a_key_that_is_twice_in_the_file_changes_what_it_made(
    platform: Platform, options: list[str]
) -> None:
    rows = [["Ada", options[0], "", "One"], ["Ada", options[0], "", "Two"]]
    started = upload(platform, "diana", "lead", table(*rows))
    settings = {"policy": "upsert", "match": "name", "duplicates": "none"}
    assert run(platform, "diana", started, dry=True, **settings) == {"create": 1, "update": 1}
    assert run(platform, "diana", started) == {"create": 1, "update": 1}
    assert leads(platform)["Ada"]["company"] == "Two"
    assert undo(platform, "diana", started) == {"undone": 2}
    assert leads(platform) == {}


def test_references_are_found_by_name_and_by_a_named_field(platform: Platform) -> None:
    acme = make(platform, "diana", "account", name="Acme", website="https://acme.example")
    for _ in range(2):
        make(platform, "diana", "account", name="Twice")
    content = csv_bytes(
        [["Name", "account.name", "Email"], ["Ann", "Acme", ""], ["Ben", "Twice", ""],
         ["Cid", "Nobody", ""]]
    )  # fmt: skip
    started = upload(platform, "diana", "contact", content)
    assert targets(platform, started)["account.name"] == "account.by.name"
    counts = run(platform, "diana", started)
    assert counts == {"create": 1, "error": 2}
    assert problems(platform, "diana", started) == {
        3: [("/account", "ambiguous_reference")],
        4: [("/account", "unknown_reference")],
    }
    with system(platform) as unit:
        page = unit.records().list("contact", fields=["name", "account"])
    assert [(one["name"], one["account"]) for one in page.items] == [("Ann", acme)]


def test_texts_are_read_as_the_columns_say(platform: Platform, options: list[str]) -> None:
    content = csv_bytes(
        [
            ["name", "Where from", "budget", "last_contacted_at", "do_not_contact"],
            ["Ada", "friend", "1.234,50", "31.12.2025 14:30", "是"],
        ]
    )
    started = upload(platform, "diana", "lead", content)
    with acting(platform, "diana") as unit:
        found = read_import(unit, "lead", started.id).settings.columns
    assert [(one.date, one.decimal) for one in found[2:4]] == [("ymd", ","), ("dmy", None)]
    columns = {
        "Where from": {"field": "lead_source", "values": {"friend": options[0]}},
        "budget": {"decimal": ","},
        "last_contacted_at": {"date": "dmy"},
    }
    assert run(platform, "diana", started, columns=columns) == {"create": 1}
    with system(platform) as unit:
        (made,) = unit.records().list("lead").items
    assert made["lead_source"] == options[0]
    assert str(getattr(made["budget"], "amount", "")) == "1234.50"
    assert str(made["last_contacted_at"])[:16] in ("2025-12-31 14:30", "2025-12-31 06:30")
    assert made["do_not_contact"] is True


def test_undo_brings_values_back_unless_somebody_changed_them_since(
    platform: Platform, options: list[str]
) -> None:
    ada = make(
        platform, "diana", "lead", name="Ada", lead_source=options[0], company="Old", notes="n"
    )
    content = csv_bytes(
        [["name", "lead_source", "company", "notes"], ["Ada", options[0], "New", "m"],
         ["Bob", options[0], "B", ""], ["Cy", options[0], "C", ""]]
    )  # fmt: skip
    started = upload(platform, "diana", "lead", content)
    run(platform, "diana", started, policy="upsert", match="name", duplicates="none")
    cy = str(leads(platform)["Cy"]["id"])
    with acting(platform, "diana") as unit:
        save_record(unit, "lead", ada, {"company": "Newer"}, channel="page")
        save_record(unit, "lead", cy, {"company": "Kept"}, channel="page")
    assert undo(platform, "diana", started) == {"kept": 2, "undone": 1}
    after = leads(platform)
    assert set(after) == {"Ada", "Cy"}
    assert (after["Ada"]["company"], after["Ada"]["notes"]) == ("Newer", "n")
    assert problems(platform, "diana", started) == {
        2: [("/company", "import_changed_since")],
        4: [("", "import_changed_since")],
    }
    with acting(platform, "diana") as unit, pytest.raises(Conflict):
        start_import(unit, "lead", started.id, {}, dry=False)


def test_undo_is_for_a_day(platform: Platform, options: list[str]) -> None:
    started = upload(platform, "diana", "lead", table(["Ada", options[0], "", ""]))
    run(platform, "diana", started)
    with platform.database.write() as connection:
        row = connection.execute(sa.select(import_run.c.ran_at)).scalar_one()
        connection.execute(sa.update(import_run).values(ran_at=row - timedelta(hours=25)))
    with pytest.raises(Conflict):
        undo(platform, "diana", started)
    assert set(leads(platform)) == {"Ada"}


def test_what_an_import_wrote_before_it_failed_is_undone(
    platform: Platform, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 2)
    ada = make(platform, "diana", "lead", name="Ada", lead_source=options[0], company="Old")
    names = ("Ada", "Bob", "Cy", "Dee")
    content = table(*([name, options[0], "", "New"] for name in names))
    started = upload(platform, "diana", "lead", content)
    settings = {"policy": "upsert", "match": "name", "duplicates": "none"}
    run(platform, "diana", started, dry=True, **settings)
    with platform.database.write() as connection:
        later = sa.update(import_row).where(import_row.c.number > 3)
        connection.execute(later.values(cells="broken"))
    wrote_at = (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0)
    for again in range(2):
        with acting(platform, "diana") as unit:
            start_import(unit, "lead", started.id, {}, dry=False)
        for attempt in range(MAX_ATTEMPTS + 1):
            at = wrote_at + timedelta(hours=again, minutes=2 * attempt)
            JobRunner(platform, lambda _connection, at=at: at).drain()
        assert set(leads(platform)) == {"Ada", "Bob"}
        with acting(platform, "diana") as unit, pytest.raises(Conflict):
            cancel_import(unit, "lead", started.id)
        with acting(platform, "diana") as unit:
            found = read_import(unit, "lead", started.id)
        assert found.job is not None
        assert found.job.state == FAILED
        assert found.undo_until() == wrote_at + timedelta(days=1)
    assert undo(platform, "diana", started) == {"undone": 2}
    assert [(str(one["id"]), one["company"]) for one in leads(platform).values()] == [(ada, "Old")]


def test_what_an_import_wrote_before_it_was_cancelled_is_undone(
    platform: Platform, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_steps, "ROWS_AT_ONCE", 2)
    for steps, written in ((0, set()), (1, {"Ada", "Bob"})):
        content = table(*([name, options[0], "", ""] for name in ("Ada", "Bob", "Cy")))
        started = upload(platform, "diana", "lead", content)
        run(platform, "diana", started, dry=True)
        with acting(platform, "diana") as unit:
            start_import(unit, "lead", started.id, {}, dry=False)
            job = read_import(unit, "lead", started.id).job
        assert job is not None
        for _ in range(steps):
            JobRunner(platform).run_now(job.id, 0)
        with acting(platform, "diana") as unit:
            cancel_import(unit, "lead", started.id)
        assert set(leads(platform)) == written
    assert undo(platform, "diana", started) == {"undone": 2}
    assert leads(platform) == {}


def test_duplicates_are_reported_or_left_out(platform: Platform, options: list[str]) -> None:
    make(platform, "diana", "lead", name="Ada King", lead_source=options[0], email="ada@x.example")
    rows = [["Ada King", options[0], "ada@x.example", ""], ["Bob", options[0], "", ""]]
    reported = upload(platform, "diana", "lead", table(*rows))
    assert run(platform, "diana", reported, dry=True) == {"create": 2}
    assert problems(platform, "diana", reported) == {2: [("", "import_duplicate")]}
    left = upload(platform, "diana", "lead", table(*rows))
    assert run(platform, "diana", left, duplicates="skip") == {"create": 1, "skip": 1}


def test_who_may_not_import_cannot_and_nothing_happens(platform: Platform, people: People) -> None:
    before = database_hash(platform)
    with pytest.raises(NotAllowed):
        upload(platform, "rita", "lead", csv_bytes(LEADS))
    with pytest.raises(Missing):
        upload(platform, "diana", "wallet", csv_bytes(LEADS))
    assert database_hash(platform) == before


def test_hidden_fields_are_unknown_and_forbidden_rows_are_errors(
    platform: Platform, options: list[str]
) -> None:
    """A manager imports what she could type: others' records are not hers to change."""
    theirs = make(platform, "diana", "lead", name="Ada", lead_source=options[0])
    started = upload(platform, "mark", "lead", csv_bytes([["id", "name"], [theirs, "Eve"]]))
    before = stored(platform, "lead", theirs)
    assert run(platform, "mark", started) == {"error": 1}
    assert problems(platform, "mark", started) == {2: [("/id", "import_not_found")]}
    assert stored(platform, "lead", theirs) == before


def test_imports_of_long_ago_are_forgotten(platform: Platform, options: list[str]) -> None:
    started = upload(platform, "diana", "lead", table(["Ada", options[0], "", ""]))
    run(platform, "diana", started)
    now = datetime.now(UTC)
    assert clean_imports(platform.database, now + timedelta(days=6)) == 0
    with platform.database.write() as connection:
        connection.execute(sa.update(import_run).values(created_at=now - timedelta(days=8)))
    for clean in Worker(platform).cleaning():
        clean()
    with platform.database.read() as connection:
        assert connection.execute(sa.select(import_run.c.id)).all() == []
        assert connection.execute(sa.select(import_row)).all() == []
    assert set(leads(platform)) == {"Ada"}


def test_a_silent_run_asks_no_rule_and_is_told_of(platform: Platform, options: list[str]) -> None:
    rows = [["name", "lead_source", "status"], ["Ada", options[0], "qualified"]]
    with_rules = upload(platform, "admin", "lead", csv_bytes(rows))
    assert run(platform, "admin", with_rules) == {"error": 1}
    assert problems(platform, "admin", with_rules) == {
        2: [("/email", "rule"), ("/company", "rule")]
    }
    wrong = csv_bytes([*rows, ["", options[0], "qualified"], ["Bob", "nowhere", "new"]])
    silent = upload(platform, "admin", "lead", wrong)
    assert run(platform, "admin", silent, silent=True) == {"create": 1, "error": 2}
    assert problems(platform, "admin", silent) == {
        3: [("/name", "required")],
        4: [("/lead_source", "not_option")],
    }
    with platform.database.read() as connection:
        kinds = connection.scalars(sa.select(audit_event.c.kind).order_by(audit_event.c.id)).all()
    assert [kind for kind in kinds if kind.startswith("import")] == ["import", "import_silent"]


def test_only_who_administers_may_leave_rules_out(platform: Platform, options: list[str]) -> None:
    started = upload(platform, "diana", "lead", table(["Ada", options[0], "", ""]))
    with acting(platform, "diana") as unit:
        with pytest.raises(NotAllowed) as refused:
            configure(unit, "lead", started.id, {"silent": True})
        assert refused.value.problems == (Problem("/silent", "administer_needed"),)
        with pytest.raises(Refused) as wrong:
            configure(unit, "lead", started.id, {"silent": "yes"})
        assert wrong.value.problems == (Problem("/silent", "boolean_expected"),)
