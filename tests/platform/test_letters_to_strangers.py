"""Letters and notifications about records that their readers do not see: they arrive, say what may
be said, and no letter that cannot be written keeps another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from flask import Flask

from metadata.migrate import publish
from metadata.store import load_elements
from tests.conftest import free_port
from tests.metadata.databases import element, object_body
from tests.platform.acting import acting, make, stored, system
from tests.platform.computed_world import TEXT, rules
from tests.platform.test_mail import PostOffice, let_time_pass, letters, tell, text_of
from tests.platform.world import Login, People
from trellis.approvals import decide, submit
from trellis.channels.in_app import notification
from trellis.errors import Conflict
from trellis.mail.postman import LEFT_OFTEN, RETRIES, Postman
from trellis.mail.server import MailServer
from trellis.mail.tables import DEAD, DONE, RUNNING, WAITING, mail_message
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.worker import make_dispatcher

ASKED = """
approval big "Big" on parcel {
    step one "One" { approvers role "finance" }
    step two "Two" { approvers role "sales_director" }
}
"""


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice(port=free_port())
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    yield office
    controller.stop()


@pytest.fixture
def here(platform: Platform, office: PostOffice) -> Platform:
    fields = {"name": TEXT, "note": TEXT, "reference": TEXT}
    mine = [element("parcel", object_body(fields)), rules(ASKED)]
    with platform.database.write(publishing=True) as connection:
        publish(connection, [*load_elements(connection), *mine], by="test")
    server = MailServer("127.0.0.1", office.port, "none")
    settings = replace(
        platform.settings,
        mail_server=server,
        mail_from="crm@trellis.example",
        public_url="https://crm.example/",
    )
    return replace(platform, settings=settings)


@pytest.fixture
def parcel(here: Platform) -> str:
    with system(here) as unit:
        values = {"name": "Big one", "note": "secret"}
        return save_record(unit, "parcel", None, values, channel="api").id


def template(here: Platform, name: str, body: str) -> None:
    subject = "{{ name }}"
    make(here, "admin", "mail_template", name=name, subject=subject, body=body)


def asked(here: Platform, parcel: str, people: People) -> str:
    """Has the parcel submitted, and its approver told by mail."""
    with system(here) as unit:
        save_record(unit, "user", people["fay"], {"notify_by": "email"}, channel="api")
    with acting(here, "admin") as unit:
        request = submit(unit, "parcel", parcel).id
    make_dispatcher(here).drain()
    return request


def test_who_does_not_see_the_object_reads_a_dash_and_all_others_get_their_letters(
    here: Platform, office: PostOffice, people: People, parcel: str
) -> None:
    template(here, "parcel_mail", "{{ recipient }}: {{ note }} {{ created_by.name }}")
    users = [people[name] for name in ("fay", "ron", "admin")]
    about = {"object_name": "parcel", "record_id": parcel}
    tell(here, kind="parcel_mail", recipients=users, channel="email", about=about)
    assert Postman(here).drain() == 3
    told = {str(one["To"]).split()[0]: one for one in office.taken}
    assert {one: told[one]["Subject"] for one in ("Fay", "Ron")} == {"Fay": "–", "Ron": "–"}
    assert text_of(told["Fay"]).startswith("Fay: – –\n")
    assert "secret" in "".join(text_of(one) for one in office.taken if one["Subject"] == "Big one")
    assert [one[0] for one in letters(here)] == [DONE] * 3


@pytest.mark.parametrize("by", ["a template", "the product"])
def test_an_approver_without_the_object_decides_by_her_letter(
    here: Platform, office: PostOffice, people: People, app: Flask, parcel: str, by: str
) -> None:
    if by == "a template":
        template(here, "approval_waiting", "{{ note }} {{ link }} {{ decide }}")
    asked(here, parcel, people)
    assert Postman(here).drain() == 1
    (letter,) = office.taken
    text = text_of(letter)
    named = {"a template": "Big one", "the product": "Big for Big one waits for you"}
    assert letter["Subject"] == named[by]
    assert "secret" not in text
    assert "https://crm.example/approvals" in text
    (path,) = re.findall(r"https://crm\.example(/decide/\S+)", text)
    stranger = app.test_client()
    page = stranger.get(path).text
    assert "Big one" in page
    (revision,) = re.findall(r'name="revision" value="(\d+)"', page)
    done = stranger.post(path, data={"verdict": "approve", "revision": revision})
    assert (done.status_code, "Approved" in done.text) == (200, True)


def test_a_letter_that_was_written_too_late_names_nothing(
    here: Platform, office: PostOffice, people: People, parcel: str
) -> None:
    template(here, "approval_waiting", "{{ note }} {{ decide }}")
    request = asked(here, parcel, people)
    with acting(here, "fay") as unit:
        decide(unit, request, "approve")
    Postman(here).drain()
    assert [one["Subject"] for one in office.taken] == ["–"]


def break_name_of(here: Platform, user_id: str) -> None:
    """Gives a user a name that no letter can have."""
    with here.database.write() as connection:
        users = here.catalogs.current(connection).tables["user"]
        named = sa.update(users).where(users.c.id == user_id)
        connection.execute(named.values(name="Ron\nBcc: x@example.com"))


def test_whatever_goes_wrong_with_a_letter_is_a_failed_try_of_that_letter(
    here: Platform, office: PostOffice, people: People
) -> None:
    before = stored(here, "user", people["ron"])["name"]
    break_name_of(here, people["ron"])
    users = [people[name] for name in ("ron", "fay", "rita")]
    tell(here, recipients=users, channel="email")
    assert Postman(here).drain() == 3
    assert len(office.taken) == 2
    (broken,) = (one for one in letters(here) if one[0] != DONE)
    assert broken[:2] == (WAITING, 1)
    assert str(broken[2]).startswith("the letter could not be written: ValueError: ")
    for pause in RETRIES:
        let_time_pass(here, pause + 1)
        assert Postman(here).drain() == 1
    assert [one[:2] for one in letters(here) if one[0] != DONE] == [(DEAD, len(RETRIES) + 1)]
    with here.database.write() as connection:
        users_table = here.catalogs.current(connection).tables["user"]
        named = sa.update(users_table).where(users_table.c.id == people["ron"])
        connection.execute(named.values(name=before))
        again = {"state": WAITING, "attempts": 0}
        connection.execute(
            sa.update(mail_message).where(mail_message.c.state == DEAD).values(again)
        )
    assert Postman(here).drain() == 1
    assert {one[0] for one in letters(here)} == {DONE}


def test_a_letter_whose_postmen_die_is_given_up_at_last(
    here: Platform, office: PostOffice, people: People
) -> None:
    tell(here, recipients=[people["rita"]], channel="email")
    for attempts, state in ((len(RETRIES), DONE), (len(RETRIES) + 1, DEAD)):
        with here.database.write() as connection:
            left = {"state": RUNNING, "lease": "gone", "attempts": attempts, "handed_over": False}
            row = connection.execute(sa.select(mail_message)).one()
            until = row.created_at - timedelta(hours=1)
            connection.execute(sa.update(mail_message).values(**left, lease_until=until))
        assert Postman(here).drain() == (1 if state == DONE else 0)
        assert letters(here)[0][0] == state
    assert letters(here) == [(DEAD, len(RETRIES) + 1, LEFT_OFTEN)]
    assert len(office.taken) == 1


def test_the_bell_of_an_approver_without_the_object_leads_to_what_waits_for_her(
    here: Platform, people: People, parcel: str, login: Login
) -> None:
    request = asked(here, parcel, people)
    with here.database.read() as connection:
        mine = sa.select(notification.c.id).where(notification.c.user_id == people["fay"])
        notice = connection.execute(mine).scalar_one()
    client = login("fay")
    led = client.get(f"/notifications/{notice}")
    assert (led.status_code, led.headers["Location"]) == (302, "/approvals")
    assert client.get("/approvals").status_code == 200
    with acting(here, "fay") as unit:
        decide(unit, request, "approve")
    assert client.get(f"/notifications/{notice}").headers["Location"] == "/approvals"
    with pytest.raises(Conflict) as late, acting(here, "fay") as unit:
        decide(unit, request, "approve")
    said = "The request does not wait for you now: you have decided, or others are asked"
    assert str(late.value) == said
