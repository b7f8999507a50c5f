"""Lists of records as pages."""

from __future__ import annotations

import pytest

from tests.platform.acting import acting, counted, make
from tests.platform.pages import HTMX, get, hrefs, read, select, text, texts
from tests.platform.world import Login
from trellis.records.save import save_record
from trellis.runtime import Platform

LEADS = "/o/lead/?view=all"


@pytest.fixture
def leads(platform: Platform) -> None:
    """35 leads of rita, one of ron."""
    with acting(platform, "rita") as unit:
        for number in range(35):
            values = {
                "name": f"Lead {number:02}",
                "company": "Acme" if number % 2 else "Zenith",
                "lead_source": "web",
                "employees": number,
            }
            save_record(unit, "lead", None, values, channel="import")
    make(platform, "ron", "lead", name="Another's", lead_source="web")


@pytest.mark.usefixtures("leads")
def test_a_list_takes_at_most_six_statements(platform: Platform, login: Login) -> None:
    client = login("rita")
    get(client, LEADS)  # the first request loads the account
    with counted(platform) as statements:
        get(client, LEADS)
    assert len(statements) <= 6, statements


@pytest.mark.usefixtures("leads")
def test_pages_follow_one_another(login: Login) -> None:
    client = login("rita")
    page = get(client, f"{LEADS}&sort=name")
    names = texts(page, "tbody a.name")
    assert text(page, ".statusbar") == "35 records"
    more = client.get(hrefs(page, ".more a")[0], headers=HTMX)
    rest = read(more)
    assert names + texts(rest, "a.name") == [f"Lead {number:02}" for number in range(35)]
    assert b"<html" not in more.data


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter=employees+%3E%3D+33&sort=-employees", ["Lead 34", "Lead 33"]),
        ("filter=name+%3D+%22Lead+07%22", ["Lead 07"]),
        ("search=lead+12", ["Lead 12"]),
        ("filter=employees+%3C+3+and+company+%3D+%22Zenith%22&sort=name", ["Lead 00", "Lead 02"]),
        ("filter=name+contains+%22Another%22", []),
    ],
)
def test_filter_search_and_sort(login: Login, query: str, names: list[str]) -> None:
    assert texts(get(login("rita"), f"{LEADS}&{query}"), "tbody a.name") == names


@pytest.mark.usefixtures("leads")
def test_a_comment_cannot_end_the_filter_of_a_view(platform: Platform, login: Login) -> None:
    page = get(login("rita"), "/o/lead/?view=open&filter=employees+%3C+2+%23+x")
    assert sorted(texts(page, "tbody a.name")) == ["Lead 00", "Lead 01"]


def test_conditions_are_chips_that_can_be_taken_away(login: Login) -> None:
    page = get(login("rita"), f"{LEADS}&filter=employees+%3E+3+and+lead_source+%3D+%22web%22")
    assert texts(page, ".chip") == ["Employees above 3", "Source is Website"]
    assert hrefs(page, ".chip a")[0] == "/o/lead/?view=all&filter=lead_source+%3D+%22web%22"


def test_a_wrong_filter_says_where_and_what(login: Login) -> None:
    page = get(login("rita"), f"{LEADS}&filter=employees+%3E+3+and+emplyees+%3C+9", 422)
    error = text(page, "#filter-error p")
    assert error.startswith("Line 1, column 19:")
    assert 'did you mean "employees"?' in error
    assert text(page, "#filter-error mark") == "emplyees"


def test_a_filter_of_ten_thousand_characters_is_answered(login: Login) -> None:
    long = "+or+".join(["employees+%3D+1"] * 900)
    client = login("rita")
    assert client.get(f"{LEADS}&filter={long}").status_code in {200, 422}


def test_hidden_and_unknown_objects_are_alike(login: Login) -> None:
    client = login("fay")
    answers = [client.get(f"/o/{name}/") for name in ("lead", "nothing")]
    assert [answer.status_code for answer in answers] == [404, 404]
    pages = [texts(read(answer), "main") for answer in answers]
    assert pages[0] == pages[1]


def test_an_empty_list_says_what_to_do(login: Login) -> None:
    page = get(login("rita"), LEADS)
    assert text(page, ".empty h2") == "No leads yet"
    assert hrefs(page, ".empty a") == ["/o/lead/new"]


def test_names_are_text(platform: Platform, login: Login) -> None:
    make(platform, "rita", "lead", name="<script>alert(1)</script>", lead_source="web")
    page = get(login("rita"), LEADS)
    assert texts(page, "tbody a.name") == ["<script>alert(1)</script>"]
    assert not [s for s in select(page, "script") if "alert" in (s.text or "")]
