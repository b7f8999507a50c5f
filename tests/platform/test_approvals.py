"""Approvals as rows: submit, decide, recall; who may, who is asked, and of two clicks one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

import pytest
import sqlalchemy as sa

from metadata.problems import in_words, sentence
from rule_engine.services.approval_state import Verdict
from tests.platform.acting import (
    acting,
    change_element,
    database_hash,
    make,
    outbox_rows,
    restrict_field,
    set_tests_aside,
    stored,
)
from tests.platform.world import PASSWORD, People
from trellis.approvals import (
    Request,
    decide,
    of_record,
    pending_for,
    recall,
    submit,
)
from trellis.automation.outbox import outbox
from trellis.errors import Conflict, Missing, NotAllowed, RecordError, Refused
from trellis.records.delete import delete_record
from trellis.records.history import history_of
from trellis.records.save import Saved, save_record
from trellis.runtime import Platform, open_platform
from trellis.security.users import create_user
from trellis.unit import Unit

pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def quote(platform: Platform) -> str:
    """A quote of Rita's with a discount of 35 %, which takes three steps."""
    return quote_with(platform, discount="0.35")


def quote_with(platform: Platform, **values: object) -> str:
    account = make(platform, "rita", "account", name="Acme")
    return make(platform, "rita", "quote", name="Q", account=account, amount="800", **values)


def do(platform: Platform, username: str, what: Callable[[Unit], Request]) -> Request:
    with acting(platform, username) as unit:
        return what(unit)


def refusal(platform: Platform, username: str, what: Callable[[Unit], object]) -> RecordError:
    """Gives the error something ends with, and sees to it that nothing was written."""
    before = database_hash(platform)
    with pytest.raises(RecordError) as caught, acting(platform, username) as unit:
        what(unit)
    assert database_hash(platform) == before
    for language in ("en", "zh"):
        assert all(sentence(problem, language) for problem in caught.value.problems)
    return caught.value


def start(platform: Platform, quote: str) -> Request:
    return do(platform, "rita", lambda unit: submit(unit, "quote", quote))


def approve(platform: Platform, username: str, request: str) -> Request:
    return do(platform, username, lambda unit: decide(unit, request, "approve"))


def codes(error: RecordError) -> list[str]:
    return [problem.code for problem in error.problems]


def test_three_steps_to_an_approved_quote(platform: Platform, people: People, quote: str) -> None:
    request = start(platform, quote)
    assert (request.status, request.state.step) == ("open", "manager")
    assert request.state.approvers == (people["mark"],)
    assert stored(platform, "quote", quote)["status"] == "in_approval"
    for username, step in (("mark", "director"), ("diana", "finance"), ("fay", None)):
        with acting(platform, username) as unit:
            (waiting,) = pending_for(unit)
        assert (waiting.request.id, waiting.record_name) == (request.id, "Q")
        moved = approve(platform, username, request.id)
        assert moved.state.step == step
        with acting(platform, username) as unit:
            assert pending_for(unit) == ()
    assert (moved.status, moved.closed_at is not None) == ("approved", True)
    row = stored(platform, "quote", quote)
    assert row["status"] == "approved"
    assert row["approved_at"] is not None
    with acting(platform, "rita") as unit:
        (found,) = of_record(unit, "quote", quote)
        entries, _ = history_of(unit, "quote", quote)
    assert [step.status for step in found.state.path] == ["approved"] * 3
    assert (entries[0].by, entries[0].channel) == ("automation", "rule")
    assert entries[0].why == "Discount approval: approved"


def test_each_step_leaves_its_messages_once(platform: Platform, people: People, quote: str) -> None:
    request = start(platform, quote)
    for username in ("mark", "diana", "fay"):
        approve(platform, username, request.id)
    told = [(row["payload"]["kind"], row["payload"]["recipients"]) for row in payloads(platform)]
    assert told == [
        ("approval_waiting", [people["mark"]]),
        ("approval_waiting", [people["diana"]]),
        ("approval_waiting", [people["fay"]]),
        ("quote_approved", [people["rita"]]),
    ]
    keys = [row["effect_key"] for row in outbox_rows(platform)]
    assert len(set(keys)) == len(keys)


def payloads(platform: Platform) -> list[dict[str, dict[str, object]]]:
    with platform.database.read() as connection:
        rows = connection.execute(sa.select(outbox.c.payload).order_by(outbox.c.id))
        return [{"payload": row.payload} for row in rows]


def test_steps_that_are_not_needed_are_passed_over(platform: Platform) -> None:
    quote = quote_with(platform, discount="0.12")
    request = start(platform, quote)
    assert [step.needed for step in request.state.path] == [True, False, False]
    assert approve(platform, "mark", request.id).status == "approved"


def test_a_rejection_needs_a_comment_and_frees_the_record(platform: Platform, quote: str) -> None:
    request = start(platform, quote)
    bare = refusal(platform, "mark", lambda unit: decide(unit, request.id, "reject", " "))
    assert isinstance(bare, Refused)
    assert codes(bare) == ["approval_comment_required"]
    done = do(platform, "mark", lambda unit: decide(unit, request.id, "reject", "Too much"))
    assert done.status == "returned"
    assert done.state.decisions[-1].comment == "Too much"
    assert stored(platform, "quote", quote)["status"] == "draft"
    with acting(platform, "rita") as unit:
        save_record(unit, "quote", quote, {"discount": "0.15"}, channel="page")
    again = start(platform, quote)
    assert [step.needed for step in again.state.path] == [True, False, False]


def test_only_the_submitter_recalls(platform: Platform, quote: str) -> None:
    request = start(platform, quote)
    stranger = refusal(platform, "mark", lambda unit: recall(unit, request.id))
    assert isinstance(stranger, NotAllowed)
    done = do(platform, "rita", lambda unit: recall(unit, request.id))
    assert done.status == "recalled"
    assert stored(platform, "quote", quote)["status"] == "draft"
    late = refusal(platform, "mark", lambda unit: decide(unit, request.id, "approve"))
    assert isinstance(late, Conflict)


def test_a_locked_record_is_left_alone(platform: Platform, quote: str) -> None:
    start(platform, quote)
    for username in ("rita", "mark", "diana", "admin"):
        error = refusal(
            platform,
            username,
            lambda unit: save_record(unit, "quote", quote, {"discount": "0.2"}, channel="api"),
        )
        assert isinstance(error, Conflict)
        assert [(problem.path, problem.code) for problem in error.problems] == [
            ("/discount", "locked")
        ]
        assert sentence(error.problems[0]) == "Locked by Discount approval"
        assert sentence(error.problems[0], "zh") == "已被“折扣审批”锁定"
    held = refusal(
        platform, "diana", lambda unit: delete_record(unit, "quote", quote, channel="api")
    )
    assert codes(held) == ["record_locked"]


@pytest.mark.parametrize(
    ("username", "error"), [("rita", NotAllowed), ("diana", NotAllowed), ("ron", Missing)]
)
def test_only_who_is_asked_decides(
    platform: Platform, quote: str, username: str, error: type[RecordError]
) -> None:
    request = start(platform, quote)
    found = refusal(platform, username, lambda unit: decide(unit, request.id, "approve"))
    assert isinstance(found, error)


def test_an_approver_needs_no_right_to_write(platform: Platform, people: People) -> None:
    request = start(platform, quote_with(platform, discount="0.35"))
    for username in ("mark", "diana"):
        approve(platform, username, request.id)
    with acting(platform, "fay") as unit:
        assert not unit.principal.access("quote").may("update")
    assert approve(platform, "fay", request.id).status == "approved"


def test_what_may_not_be_submitted_says_why(platform: Platform, quote: str) -> None:
    small = quote_with(platform, discount="0.05")
    error = refusal(platform, "rita", lambda unit: submit(unit, "quote", small))
    assert codes(error) == ["approval_does_not_qualify"]
    lead = make(platform, "rita", "lead", name="L", email="l@l.cn", lead_source="web")
    none = refusal(platform, "rita", lambda unit: submit(unit, "lead", lead))
    assert codes(none) == ["no_approval"]
    assert isinstance(
        refusal(platform, "fay", lambda unit: submit(unit, "quote", quote)), NotAllowed
    )
    assert isinstance(refusal(platform, "ron", lambda unit: submit(unit, "quote", quote)), Missing)
    start(platform, quote)
    twice = refusal(platform, "rita", lambda unit: submit(unit, "quote", quote))
    assert codes(twice) == ["already_submitted"]


def test_an_old_page_is_told_that_the_request_moved_on(platform: Platform, quote: str) -> None:
    request = start(platform, quote)
    approve(platform, "mark", request.id)
    again = refusal(platform, "mark", lambda unit: decide(unit, request.id, "approve"))
    old = refusal(
        platform,
        "diana",
        lambda unit: decide(unit, request.id, "approve", expected_revision=request.revision),
    )
    assert (codes(again), codes(old)) == (["not_asked_now"], ["request_moved"])
    assert str(again) == (
        "The request does not wait for you now: you have decided, or others are asked"
    )
    assert str(old) == "The request went on meanwhile: it is open for decisions now"
    assert in_words(old.problems, "zh") == "审批已有变化：现在等待审批"


def test_of_two_approvers_at_once_one_wins(platform: Platform) -> None:
    with platform.database.write() as connection:
        create_user(
            connection,
            platform.catalogs.current(connection),
            {"username": "dora", "name": "Dora", "email": "dora@example.com"},
            password=PASSWORD,
            roles=["sales_director"],
        )
    request = start(platform, quote_with(platform, discount="0.25"))
    approve(platform, "mark", request.id)
    answers: list[str] = []
    gate = threading.Barrier(2)

    def click(username: str, verdict: Verdict) -> None:
        own = open_platform(platform.settings)
        gate.wait()
        try:
            with acting(own, username) as unit:
                answers.append(decide(unit, request.id, verdict, "As I see it").status)
        except Conflict as error:
            answers.append(codes(error)[0])
        finally:
            own.close()

    clicks: list[tuple[str, Verdict]] = [("diana", "approve"), ("dora", "reject")]
    threads = [threading.Thread(target=click, args=one) for one in clicks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) in (["approved", "request_moved"], ["request_moved", "returned"])
    with acting(platform, "rita") as unit:
        (found,) = of_record(unit, "quote", request.record_id)
    assert len(found.state.decisions) == 2  # Mark's, and the winner's


def save_as(quote: str, values: Mapping[str, object], unit: Unit) -> Saved:
    return save_record(unit, "quote", quote, values, channel="page")


def change_rules(platform: Platform, *replacements: tuple[str, str]) -> None:
    """Publishes the discount approval with other words."""

    def change(body: dict[str, str]) -> None:
        for old, new in replacements:
            assert old in body["text"]
            body["text"] = body["text"].replace(old, new)

    set_tests_aside(platform, "crm/tests/discount_approval")
    change_element(platform, "rules", "crm/discount_approval", change)


def test_a_request_stays_on_its_rules(platform: Platform, quote: str) -> None:
    request = start(platform, quote)
    change_rules(platform, ("discount > 20%", "discount > 90%"))
    moved = approve(platform, "mark", request.id)
    assert moved.state.step == "director"  # the new rules would have left the director out
    with acting(platform, "rita") as unit:
        (found,) = of_record(unit, "quote", quote)
    assert found.label == "Discount approval"


def test_an_editable_field_may_change_and_can_start_the_path_anew(platform: Platform) -> None:
    change_rules(
        platform,
        ("self approval skipped", "restart when discount changed\n    self approval skipped"),
        ("approvers manager of owner", "approvers manager of owner\n        editable discount"),
    )
    quote = quote_with(platform, discount="0.12")
    request = start(platform, quote)
    assert [step.needed for step in request.state.path] == [True, False, False]
    with acting(platform, "mark") as unit:
        save_record(unit, "quote", quote, {"discount": "0.35"}, channel="page")
    for username, field in (("mark", "name"), ("rita", "discount"), ("diana", "discount")):
        values = {field: "0.3" if field == "discount" else "R"}
        what = partial(save_as, quote, values)
        assert codes(refusal(platform, username, what)) == ["locked"]
    with acting(platform, "mark") as unit:
        (waiting,) = pending_for(unit)
    assert [step.needed for step in waiting.request.state.path] == [True, True, True]
    assert waiting.request.revision == request.revision + 1
    late = refusal(
        platform,
        "mark",
        lambda unit: decide(unit, request.id, "approve", expected_revision=request.revision),
    )
    assert codes(late) == ["request_moved"]


def test_a_lock_is_not_got_round_by_lines(platform: Platform, quote: str) -> None:
    line = {"quote": quote, "product": "A", "quantity": "1", "unit_price": "900"}
    made = make(platform, "rita", "quote_line", **line)
    start(platform, quote)

    def add(unit: Unit) -> object:
        return save_record(unit, "quote_line", None, line, channel="api")

    def remove(unit: Unit) -> object:
        return save_record(unit, "quote_line", made, {"quantity": "2"}, channel="api")

    for attempt in (add, remove):
        error = refusal(platform, "rita", attempt)
        assert codes(error) == ["parent_locked"]
        assert sentence(error.problems[0], "zh").startswith("所属的 报价单 “Q” 已被“折扣审批”锁定")


def test_the_inbox_shows_what_the_approval_looks_at(platform: Platform, quote: str) -> None:
    start(platform, quote)
    with acting(platform, "mark") as unit:
        (waiting,) = pending_for(unit)
    assert set(waiting.summary) >= {"status", "discount", "amount"}
    assert waiting.step == "Sales manager"


def test_a_path_does_not_tell_why_where_the_reason_is_hidden(
    platform: Platform, quote: str
) -> None:
    restrict_field(platform, "finance", "quote", "margin", "hidden")
    start(platform, quote)
    reasons = {}
    for username in ("rita", "fay"):
        with acting(platform, username) as unit:
            (found,) = of_record(unit, "quote", quote)
        reasons[username] = [step.reason is not None for step in found.state.path]
    assert reasons == {"rita": [False, True, True], "fay": [False, True, False]}
