"""What happened to an approval is worded for its reader, whoever or whatever decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from flask import Flask

from metadata.problems import sentence
from tests.platform.acting import acting, make, system
from tests.platform.pages import read, texts
from tests.platform.test_assignments import activate
from tests.platform.world import Bearer, Login, People
from trellis.approvals import submit
from trellis.automation.approval_effects import Word
from trellis.errors import Refused
from trellis.records.causes import DECIDED, worded
from trellis.runtime import Platform
from trellis.security.users import set_active
from trellis.worker import make_dispatcher

RULES = """
approval by_time "Discount approval" on lead {
    step boss "Boss" { approvers manager of owner due in 1 hour overdue approve }
    on approve { set title to "Approved" }
}
"""
SAID = {
    "en": ("The time approved", "It was not decided in time", "its time was over"),
    "zh": ("到期自动 已同意", "未在期限内审批", "折扣审批：已到期，自动处理"),
}


@pytest.mark.parametrize("word", get_args(Word))
def test_each_thing_that_happens_to_an_approval_has_words(platform: Platform, word: Word) -> None:
    with system(platform) as unit:
        english, chinese = (
            worded(unit, f"Discount approval: {word}", "rule", language) for language in SAID
        )
    assert english is not None
    assert english.startswith("Discount approval: ")
    assert chinese is not None
    assert chinese.startswith("折扣审批：")
    assert not chinese.isascii()
    assert word not in chinese
    assert set(DECIDED) == set(get_args(Word))


@pytest.mark.parametrize("language", SAID)
def test_what_the_time_decides_is_the_times(
    app: Flask, platform: Platform, people: People, login: Login, bearer: Bearer, language: str
) -> None:
    activate(platform, RULES)
    lead = make(platform, "rita", "lead", name="Li", lead_source="web")
    with acting(platform, "rita") as unit:
        submit(unit, "lead", lead, "by_time")
    later = datetime.now(UTC) + timedelta(hours=2)
    replace(make_dispatcher(platform), read_clock=lambda _connection: later).drain()
    person, comment, why = SAID[language]
    reader = {"Accept-Language": language}
    page = login("rita").get(f"/o/lead/{lead}", headers=reader)
    shown = page.get_data(as_text=True)
    assert person in " ".join(" ".join(texts(read(page), "body")).split())
    assert texts(read(page), "blockquote") == [comment]
    assert shown.count(comment) == 2  # in the path and in the timeline
    assert not {"Somebody", "某人"} & set(shown.split())
    answer = app.test_client().get(
        f"/api/v1/lead/{lead}/history", headers={**bearer("rita"), **reader}
    )
    found = [one["why"] for one in answer.get_json()["items"]]
    assert any(why in (one or "") for one in found), found


def test_refusals_name_approval_and_step_in_the_readers_language(
    platform: Platform, people: People
) -> None:
    account = make(platform, "rita", "account", name="Acme")
    values = {"name": "Q", "account": account, "amount": "800"}
    low, high = (
        make(platform, "rita", "quote", **values, discount=share) for share in ("0.01", "0.15")
    )
    said = []
    with acting(platform, "rita") as unit, pytest.raises(Refused) as caught:
        submit(unit, "quote", low)
    said += [sentence(one, language) for one in caught.value.problems for language in SAID]
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        for name in ("mark", "diana"):
            set_active(connection, catalog, people[name], active=False)
    with acting(platform, "rita") as unit, pytest.raises(Refused) as caught:
        submit(unit, "quote", high)
    said += [sentence(one, language) for one in caught.value.problems for language in SAID]
    assert said == [
        'The record does not meet the condition of "Discount approval"',
        "此记录不符合“折扣审批”的条件",
        'Nobody can be asked for the step "Sales manager": manager of owner gives nobody',
        "步骤“销售经理”找不到审批人：manager of owner 没有对应的人",
    ]
