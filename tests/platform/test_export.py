"""Exports: what is in the file, for whom, and that nothing in it runs or gets lost."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from tests.platform.acting import acting, make, restrict_field, stored, system
from tests.platform.importing import export, json_lines, run, table, upload
from tests.platform.nested_world import publish_orders, read
from trellis.audit.tables import audit_event
from trellis.errors import Missing, NotAllowed, Refused
from trellis.jobs.running_loop import drain_jobs
from trellis.records.delete import delete_record
from trellis.runtime import Platform
from trellis.transfer import export_steps, exports
from trellis.transfer.exports import file_of, read_question, start_export

EVIL = (
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'),
    *("＝1+1", "＋1", "－1", "＠SUM(A1)"),
)


@pytest.fixture
def source(platform: Platform) -> str:
    with system(platform) as unit:
        return unit.catalog.objects["lead"].fields["lead_source"].options[0].value


def lead(platform: Platform, source: str, **values: Any) -> str:
    return make(platform, "diana", "lead", lead_source=source, **values)


@pytest.mark.parametrize("mode", ["spreadsheet", "exact"])
def test_sec_13_no_text_of_a_csv_file_is_a_formula(
    platform: Platform, source: str, mode: str
) -> None:
    for text in EVIL:
        lead(platform, source, name="N", company=text)
    rows = table(export(platform, "diana", "lead", mode=mode, fields=["company"]))[1:]
    kept = {text.strip() for text in EVIL}
    if mode == "exact":
        assert {row[0] for row in rows} == kept
    else:
        assert {row[0] for row in rows} == {f"'{text}" for text in kept}


def test_sec_13_all_texts_of_a_workbook_are_texts(platform: Platform, source: str) -> None:
    for text in EVIL:
        lead(platform, source, name="N", company=text)
    content = export(platform, "diana", "lead", format="xlsx", fields=["company"])
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    cells = [row[0] for row in page.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} == {text.strip() for text in EVIL}
    assert [cell.hyperlink for cell in cells] == [None] * len(cells)


def test_the_question_of_a_list_says_which_rows_and_columns(
    platform: Platform, source: str
) -> None:
    for name in ("Ada", "Bob", "Cy"):
        lead(platform, source, name=name, company="Acme")
    content = export(
        platform, "diana", "lead", fields=["name", "lead_source"], filter='name != "Bob"',
        sort=["-name"],
    )  # fmt: skip
    label = stored_label(platform, source)
    assert table(content) == [["Name", "Source"], ["Cy", label], ["Ada", label]]
    exact = export(platform, "diana", "lead", mode="exact", fields=["name", "lead_source"],
                   filter='name = "Bob"')  # fmt: skip
    assert table(exact) == [["name", "lead_source"], ["Bob", source]]


def stored_label(platform: Platform, source: str) -> str:
    with system(platform) as unit:
        option = unit.catalog.objects["lead"].fields["lead_source"].option(source)
        assert option is not None
        return option.labels["en"]


def test_only_rows_and_fields_of_who_asks_and_masked_ones_masked(
    platform: Platform, source: str
) -> None:
    lead(platform, source, name="Hers", email="someone@example.com", notes="secret")
    make(platform, "mark", "lead", name="His", lead_source=source, email="mark@example.com")
    restrict_field(platform, "sales_manager", "lead", "notes", "hidden")
    restrict_field(platform, "sales_manager", "lead", "email", "masked")
    (record,) = json_lines(export(platform, "mark", "lead", format="jsonl"))
    assert record["name"] == "His"
    assert "notes" not in record
    assert record["email"] != "mark@example.com"
    with acting(platform, "mark") as unit, pytest.raises(Refused) as refused:
        read_question(unit, "lead", {"fields": ["notes"], "size": 1}, "en")
    assert [(p.path, p.code) for p in refused.value.problems] == [("/size", "unknown_key")]
    with acting(platform, "mark") as unit, pytest.raises(Refused) as refused:
        read_question(unit, "lead", {"fields": ["notes"], "filter": 'notes = "x"'}, "en")
    assert {p.path for p in refused.value.problems} == {"fields", "filter"}


def test_rights_are_those_of_the_moment_in_which_the_job_runs(
    platform: Platform, source: str
) -> None:
    lead(platform, source, name="Ada", notes="secret")
    with acting(platform, "diana") as unit:
        question = read_question(unit, "lead", {"fields": ["name", "notes"]}, "en")
        run_id = start_export(unit, "lead", question)
    restrict_field(platform, "sales_director", "lead", "notes", "hidden")
    drain_jobs(platform)
    with acting(platform, "diana") as unit, pytest.raises(Missing):
        file_of(unit, "lead", run_id)


def test_who_may_not_export_gets_nothing(platform: Platform) -> None:
    with acting(platform, "rita") as unit, pytest.raises(NotAllowed):
        read_question(unit, "lead", {}, "en")
    with acting(platform, "fay") as unit, pytest.raises(Missing):
        read_question(unit, "lead", {}, "en")


def test_what_was_exported_exactly_comes_back_and_changes_nothing(
    platform: Platform, source: str
) -> None:
    ids = [
        lead(
            platform, source, name=f"=Ada {n}", company="a, \"b\"\nc", email=f"a{n}@example.com",
            budget={"amount": "12.50", "currency": "USD"}, do_not_contact=True,
            last_contacted_at="2026-01-02T03:04:05.678Z", notes="x\n\ny;z|\t'",
        )
        for n in range(3)
    ]  # fmt: skip
    before = [stored(platform, "lead", one) for one in ids]
    content = export(platform, "diana", "lead", mode="exact")
    started = upload(platform, "diana", "lead", content)
    assert started.settings.match == "id"
    assert run(platform, "diana", started, blank="clear") == {"update": 3}
    assert [stored(platform, "lead", one) for one in ids] == before


def test_a_large_export_is_made_in_steps_and_keeps_its_order(
    platform: Platform, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_steps, "PART_ROWS", 2)
    monkeypatch.setattr(export_steps, "PARTS_AT_ONCE", 1)
    names = [f"L{n}" for n in range(7)]
    for name in reversed(names):
        lead(platform, source, name=name)
    content = export(platform, "diana", "lead", mode="exact", fields=["name"], sort=["name"])
    assert [row[0] for row in table(content)] == ["name", *names]


def test_some_records_are_filtered_searched_and_sorted_like_a_list(
    platform: Platform, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_LIMIT", 2)
    monkeypatch.setattr(export_steps, "PAGES_AT_ONCE", 1)
    ids = {
        name: lead(platform, source, name=name, company=company)
        for name, company in zip(
            ("Ada", "Bob", "Cy", "Dee", "Eve"), ("X", "Y", "X", "X", "X"), strict=True
        )
    }
    theirs = make(platform, "mark", "lead", name="His", lead_source=source)
    some = [ids[name] for name in ("Dee", "Bob", "Ada", "Cy", "Ada")]

    def names(username: str = "diana", **asked: Any) -> list[str]:
        content = export(platform, username, "lead", mode="exact", fields=["name"], **asked)
        return [row[0] for row in table(content)[1:]]

    assert names(ids=some) == ["Ada", "Bob", "Cy", "Dee"]
    assert names(ids=some, sort=["-name"]) == ["Dee", "Cy", "Bob", "Ada"]
    assert names(ids=some, filter='company = "X"', sort=["-name"]) == ["Dee", "Cy", "Ada"]
    assert names(ids=some, search="Cy") == ["Cy"]
    assert names(ids=some, search="Cy", filter='company = "Y"') == []
    assert names(ids=[]) == []
    assert names("mark", ids=[theirs, *some]) == ["His"]


def test_the_audit_tells_what_an_export_was_asked_for(platform: Platform, source: str) -> None:
    record = lead(platform, source, name="Ada")
    asked = {"filter": 'name = "Ada"', "search": "ad", "fields": ["name"]}
    export(platform, "diana", "lead", ids=[record], **asked)
    with platform.database.read() as connection:
        found = connection.execute(sa.select(audit_event).where(audit_event.c.kind == "export"))
        (event,) = found.mappings()
    assert event["record_ids"] == [record]
    assert {name: event["values"][name] for name in asked} == asked


@pytest.mark.parametrize("format_", ["csv", "jsonl", "xlsx"])
def test_rows_and_links_come_back_as_they_were(platform: Platform, format_: str) -> None:
    """Records with rows, links that have fields, and plain links: exported, deleted, imported."""
    publish_orders(platform)
    firms = [make(platform, "admin", "account", name=name) for name in ("Ö; & co", "B")]
    tags = [make(platform, "admin", "tag", name=name) for name in ("late", "eilig")]
    rows = [
        {"product": 'A "b", c;\n=1+1', "quantity": 2, "price": 3, "code": "x"},
        {"product": "船", "price": 0},
    ]
    partners = [{"id": firms[1], "part": "carrier", "share": 40}, {"id": firms[0]}]
    made = {"factor": 2, "lines": rows, "partners": partners, "tags": tags[::-1]}
    ids = [make(platform, "admin", "order", name="first", **made)]
    ids.append(make(platform, "admin", "order", name="second"))
    fields = ["name", "factor", "sum", "lines", "partners", "tags"]
    asked = {"format": format_, "mode": "exact", "fields": fields}
    before = [read(platform, "admin", "order", one, "lines", "partners", "tags") for one in ids]
    content = export(platform, "admin", "order", **asked)
    with acting(platform, "admin") as unit:
        for one in ids:
            delete_record(unit, "order", one, channel="api")
    started = upload(platform, "admin", "order", content, f"orders.{format_}")
    assert run(platform, "admin", started) == {"create": 2}
    assert comparable(export(platform, "admin", "order", **asked), format_) == comparable(
        content, format_
    )
    with acting(platform, "admin") as unit:
        new = [str(one["id"]) for one in unit.records().list("order", fields=["name"]).items]
    after = [read(platform, "admin", "order", one, "lines", "partners", "tags") for one in new]
    assert [links(one) for one in after] == [links(one) for one in before]


def comparable(content: bytes, format_: str) -> object:
    """Gives the content of a file; the bytes of a workbook tell when it was made."""
    if format_ != "xlsx":
        return content
    return list(openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].values)


def links(record: dict[str, Any]) -> object:
    """Gives what stands in lists, without the ids of rows, which are new ones."""
    lines = [{k: v for k, v in one.items() if k != "id"} for one in record["lines"] or ()]
    return lines, record["partners"], record["tags"]
