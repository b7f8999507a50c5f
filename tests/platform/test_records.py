"""Saving, deleting and restoring: rights, rules, versions, and how much SQL it takes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from metadata.problems import sentence
from rule_engine.values import Money
from tests.platform.acting import (
    acting,
    counted,
    database_hash,
    make,
    restrict_field,
    stored,
    system,
)
from tests.platform.world import People
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused, Stale
from trellis.records.delete import delete_record, restore_record
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.unit import MAX_DEPTH

pytestmark = pytest.mark.usefixtures("people")


def refusal(
    platform: Platform,
    username: str,
    object_name: str,
    values: Mapping[str, object],
    record_id: str | None = None,
    **more: Any,
) -> RecordError:
    """Gives the error a save ends with, and sees to it that nothing was written."""
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught, acting(platform, username) as unit:
        save_record(unit, object_name, record_id, values, channel="api", **more)
    assert database_hash(platform) == before
    return caught.value


def places(error: RecordError) -> list[tuple[str, str]]:
    return sorted((problem.path, problem.code) for problem in error.problems)


def test_a_new_record_belongs_to_who_makes_it(platform: Platform, people: People) -> None:
    lead = make(platform, "rita", "lead", name="Li Na", email="li@acme.cn", lead_source="web")
    row = stored(platform, "lead", lead)
    assert row["owner"] == row["created_by"] == row["updated_by"] == people["rita"]
    assert (row["version"], row["status"], row["deleted_at"]) == (1, "new", None)
    assert row["created_at"] == row["updated_at"]


def test_all_problems_come_at_once(platform: Platform) -> None:
    wrong = {"email": "no", "employees": "many", "statu": "new", "score": 99, "owner": "x"}
    error = refusal(platform, "rita", "lead", wrong)
    assert isinstance(error, Refused)
    assert places(error) == [
        ("/email", "email"),
        ("/employees", "number_expected"),
        ("/name", "required"),
        ("/owner", "read_only"),
        ("/score", "read_only"),
        ("/statu", "unknown_field"),
    ]
    for language in ("en", "zh"):
        assert all(sentence(problem, language) for problem in error.problems)


def test_hidden_fields_are_answered_like_unknown_ones(platform: Platform) -> None:
    restrict_field(platform, "sales_rep", "account", "annual_revenue", "read")
    restrict_field(platform, "sales_rep", "contact", "birthday", "hidden")
    account = make(platform, "rita", "account", name="Acme")
    hidden = refusal(platform, "rita", "contact", {"name": "A", "birthday": "1990-01-01"})
    unknown = refusal(platform, "rita", "contact", {"name": "A", "birthdax": "1990-01-01"})
    shown = [sentence(error.problems[0]) for error in (hidden, unknown)]
    assert shown[0].replace("birthday", "x") == shown[1].replace("birthdax", "x")
    seen = refusal(platform, "rita", "account", {"annual_revenue": "5"}, account)
    assert isinstance(seen, NotAllowed)
    assert places(seen) == [("/annual_revenue", "field_forbidden")]


@pytest.mark.parametrize(
    ("username", "error"), [("ron", Missing), ("fay", Missing), ("mark", None), ("diana", None)]
)
def test_rows_out_of_reach_do_not_exist(
    platform: Platform, username: str, error: type[RecordError] | None
) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    if error is None:
        with acting(platform, username) as unit:
            assert save_record(unit, "lead", lead, {"title": "CEO"}, channel="api").version == 2
    else:
        assert isinstance(refusal(platform, username, "lead", {"title": "CEO"}, lead), error)


def test_what_is_only_seen_may_not_be_changed(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    assert isinstance(refusal(platform, "ron", "account", {"name": "B"}, account), NotAllowed)
    assert isinstance(refusal(platform, "fay", "account", {"name": "B"}), NotAllowed)


def test_the_second_of_two_writers_learns_of_the_first(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with acting(platform, "mark") as unit:
        save_record(unit, "lead", lead, {"title": "CEO"}, channel="api", expected_version=1)
    error = refusal(platform, "rita", "lead", {"title": "CTO"}, lead, expected_version=1)
    assert isinstance(error, Stale)
    assert (error.current["title"], error.current["version"]) == ("CEO", 2)


def test_a_save_without_a_change_writes_nothing(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    before = database_hash(platform)
    with acting(platform, "rita") as unit:
        assert save_record(unit, "lead", lead, {"name": " Li "}, channel="page").version == 1
    assert database_hash(platform) == before


def test_steps_between_options_are_guarded(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account, amount="5")
    error = refusal(platform, "rita", "quote", {"status": "accepted"}, quote)
    assert places(error) == [("/status", "transition")]
    with acting(platform, "rita") as unit:
        save_record(
            unit, "quote", quote, {"status": "sent", "valid_until": "2099-01-01"}, channel="api"
        )


def test_rules_refuse_with_their_own_words(platform: Platform) -> None:
    wrong = {"name": "Li", "lead_source": "web", "status": "working"}
    error = refusal(platform, "rita", "lead", wrong)
    assert places(error) == [("/email", "rule")]
    assert sentence(error.problems[0]) == (
        "A lead that is worked on needs an email address or a phone number"
    )


def test_references_lead_only_to_what_is_visible(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "ron", "quote", name="Ron's", account=account)
    line = {"quote": quote, "product": "A", "quantity": "1", "unit_price": "5"}
    hidden = refusal(platform, "rita", "quote_line", line)
    missing = refusal(platform, "rita", "quote_line", {**line, "quote": quote[:-4] + "0000"})
    assert places(hidden) == places(missing) == [("/quote", "unknown_reference")]
    opportunity = make(
        platform, "rita", "opportunity", name="O", account=account, close_date="2099-01-01"
    )
    with acting(platform, "diana") as unit:
        save_record(unit, "quote", quote, {"opportunity": opportunity}, channel="api")
    with acting(platform, "ron") as unit:  # what stays as it is need not be visible
        save_record(unit, "quote", quote, {"name": "R", "opportunity": opportunity}, channel="api")


def test_a_reference_may_be_given_by_a_unique_value(platform: Platform, people: People) -> None:
    with acting(platform, "admin") as unit:
        team = save_record(unit, "team", None, {"name": "North", "manager": "mark"}, channel="api")
    assert stored(platform, "team", team.id)["manager"] == people["mark"]


def test_a_taken_unique_value_names_only_the_field(platform: Platform) -> None:
    make(platform, "admin", "team", name="North")
    error = refusal(platform, "admin", "team", {"name": "North"})
    assert places(error) == [("/name", "unique")]


def test_parents_follow_their_lines(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account)
    line = make(
        platform, "rita", "quote_line", quote=quote, product="A", quantity="2", unit_price="50.00"
    )
    make(platform, "rita", "quote_line", quote=quote, product="B", quantity="1", unit_price="7")
    row = stored(platform, "quote", quote)
    assert str(row["amount"].amount) == "107.00"
    assert row["version"] == 1  # computed writes leave the version alone
    other = make(platform, "rita", "quote", name="Other", account=account)
    with acting(platform, "rita") as unit:
        save_record(unit, "quote_line", line, {"quote": other}, channel="api")
    amounts = [stored(platform, "quote", key)["amount"] for key in (quote, other)]
    assert [str(amount.amount) for amount in amounts] == ["7.00", "100.00"]
    with acting(platform, "rita") as unit:
        delete_record(unit, "quote_line", line, channel="api")
    assert isinstance(stored(platform, "quote", other)["amount"], Money)  # no lines: rule is mute


def test_lines_saved_at_once_all_count(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account)
    gate = threading.Barrier(4)

    def add() -> None:
        own = open_platform(platform.settings)
        gate.wait()
        for _ in range(3):
            make(own, "rita", "quote_line", quote=quote, product="A", quantity="1", unit_price="5")
        own.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert str(stored(platform, "quote", quote)["amount"].amount) == "60.00"


def test_deleting_respects_what_refers(platform: Platform) -> None:
    account = make(platform, "diana", "account", name="Acme")
    opportunity = make(
        platform, "diana", "opportunity", name="O", account=account, close_date="2099-01-01"
    )
    quote = make(platform, "diana", "quote", name="Q", account=account, opportunity=opportunity)
    line = make(
        platform, "diana", "quote_line", quote=quote, product="A", quantity="1", unit_price="5"
    )
    with pytest.raises(Conflict) as held, acting(platform, "diana") as unit:
        delete_record(unit, "account", account, channel="api")
    assert places(held.value) == [("", "held_by")]
    with acting(platform, "diana") as unit:
        delete_record(unit, "opportunity", opportunity, channel="api")
    assert stored(platform, "quote", quote)["opportunity"] is None
    with acting(platform, "diana") as unit:
        delete_record(unit, "quote", quote, channel="api")
    assert stored(platform, "quote_line", line)["deleted_at"] is not None
    with pytest.raises(Missing), acting(platform, "diana") as unit:
        save_record(unit, "quote", quote, {"name": "X"}, channel="api")
    with acting(platform, "diana") as unit:
        restore_record(unit, "quote", quote, channel="api")
    assert stored(platform, "quote", quote)["deleted_at"] is None
    assert stored(platform, "quote_line", line)["deleted_at"] is None


def test_who_may_not_delete_changes_nothing(platform: Platform) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    before = database_hash(platform)
    for username, error in (("rita", NotAllowed), ("ron", Missing), ("fay", Missing)):
        with pytest.raises(error), acting(platform, username) as unit:
            delete_record(unit, "lead", lead, channel="api")
    assert database_hash(platform) == before


def test_how_many_statements_a_save_takes(platform: Platform) -> None:
    # PostgreSQL takes history and words along with the row.
    goes_along = platform.database.dialect == "postgresql"
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", lead_source="web")
    with acting(platform, "rita") as unit, counted(platform) as statements:
        save_record(unit, "lead", lead, {"title": "CEO"}, channel="api", expected_version=1)
    # The row, its lock, the activities that the score counts, the change, its history.
    assert len(statements) == (4 if goes_along else 5), statements
    with acting(platform, "rita") as unit, counted(platform) as statements:
        save_record(
            unit,
            "lead",
            None,
            {"name": "B", "email": "b@b.cn", "lead_source": "web"},
            channel="api",
        )
    # The row, its history, its words and its keys: nothing refers to a new record yet.
    assert len(statements) == (2 if goes_along else 4), statements


def test_rules_may_not_cause_each_other_for_ever(platform: Platform) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", account=account)
    line = {"quote": quote, "product": "A", "quantity": "1", "unit_price": "5"}
    with pytest.raises(Conflict) as caught, system(platform) as unit:
        save_record(replace(unit, depth=MAX_DEPTH), "quote_line", None, line, channel="rule")
    assert places(caught.value) == [("", "rule_depth")]
