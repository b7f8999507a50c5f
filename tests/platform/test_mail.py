"""Mail: handed to a real SMTP server with its faults, each letter once, or shown as unknown."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from metadata.migrate import publish
from metadata.store import load_elements
from tests.conftest import free_port
from tests.metadata.databases import element
from tests.platform.acting import acting, make, system
from tests.platform.serving import wait_until
from tests.platform.test_worker import environment
from tests.platform.world import Login, People
from trellis.approvals import submit
from trellis.automation import outbox
from trellis.mail.postman import RETRIES, Postman
from trellis.mail.server import MailServer, read_server
from trellis.mail.tables import DEAD, DONE, LEFT_OUT, UNKNOWN, WAITING, mail_message
from trellis.records.save import save_record
from trellis.runtime import Platform
from trellis.worker import make_dispatcher


@dataclass
class PostOffice:
    """A mail server on loopback. Each of `answers` is given once, by the word after which it is
    given: MAIL, RCPT, DATA (before the text) or END (after it); "cut" closes the connection, and
    "hang" never answers. Else it takes every letter."""

    port: int = 0
    answers: list[tuple[str, str]] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)
    bytes_taken: list[bytes] = field(default_factory=list)
    hanging: bool = False

    def fault(self, word: str) -> str | None:
        if self.answers and self.answers[0][0] == word:
            return self.answers.pop(0)[1]
        return None

    async def answer(self, server: SMTP, word: str, usual: str) -> str:
        fault = self.fault(word)
        if fault == "cut":
            cast("asyncio.Transport", server.transport).abort()
            await asyncio.sleep(0)
            raise ConnectionAbortedError
        if fault == "hang":
            self.hanging = True
            await asyncio.sleep(60)
        return fault or usual

    async def handle_MAIL(  # noqa: N802  # the library's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        said = await self.answer(server, "MAIL", "250 OK")
        envelope.mail_from = address
        return said

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _o: list[str]
    ) -> str:
        said = await self.answer(server, "RCPT", "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802  # the library's name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        # What is said here comes after the text: then the server has it or not.
        letter = message_from_bytes(cast("bytes", envelope.content), policy=default)
        if not self.answers or self.answers[0] not in (("END", "451 later"), ("END", "554 no")):
            self.taken.append(letter)
            self.bytes_taken.append(cast("bytes", envelope.content))
        return await self.answer(server, "END", "250 taken")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    office = PostOffice(port=free_port())
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    yield office
    controller.stop()


@pytest.fixture
def here(platform: Platform, office: PostOffice) -> Platform:
    """The platform with a mail server and an address of its own."""
    settings = replace(
        platform.settings,
        mail_server=MailServer("127.0.0.1", office.port, "none"),
        mail_from="Trellis <crm@trellis.example>",
        public_url="https://crm.example/",
    )
    return replace(platform, settings=settings)


def tell(here: Platform, key: str = "k", /, **payload: Any) -> None:
    """Has people told, and the outbox run."""
    about = payload.pop("about", {})
    with here.database.write() as connection:
        outbox.add(connection, "notify", {"kind": "new_lead", **payload}, key, **about)
    assert make_dispatcher(here).drain() == 1


def letters(here: Platform) -> list[tuple[str, int, str | None]]:
    """Gives what became of the letters."""
    query = sa.select(mail_message).order_by(mail_message.c.id)
    with here.database.read() as connection:
        rows = connection.execute(query).all()
    return [(row.state, row.attempts, row.answer) for row in rows]


def let_time_pass(here: Platform, seconds: int) -> None:
    """Makes everything that waits, or is leased, so much older."""
    table = mail_message.c
    back = timedelta(seconds=seconds)
    with here.database.write() as connection:
        for row in connection.execute(sa.select(mail_message)).all():
            until = row.lease_until
            values = {"available_at": row.available_at - back}
            if until is not None:
                values["lease_until"] = until - back
            connection.execute(sa.update(mail_message).where(table.id == row.id).values(values))


def text_of(letter: EmailMessage) -> str:
    return str(letter.get_content()).replace("\r\n", "\n")


def test_a_phase_of_an_approval_writes_to_somebody_without_a_login(
    here: Platform, office: PostOffice, people: People
) -> None:
    approval = """
    approval deal on opportunity {
        on submit { notify contact using "welcome" }
        step boss { approvers manager of owner }
    }
    """
    with here.database.write(publishing=True) as connection:
        rules = element("local/deal", {"text": approval}, kind="rules")
        publish(connection, [*load_elements(connection), rules], by="test")
    words = {"subject": "{{ name }}", "body": "{{ recipient }}"}
    make(here, "admin", "mail_template", name="welcome", **words)
    account = make(here, "rita", "account", name="Acme")
    contact = make(here, "rita", "contact", name="王伟", account=account, email="wang@example.cn")
    values = {"account": account, "contact": contact, "stage": "qualify"}
    deal = make(here, "rita", "opportunity", name="Big", close_date="2046-03-01", **values)
    with acting(here, "rita") as unit:
        submit(unit, "opportunity", deal)
    make_dispatcher(here).drain()
    assert Postman(here).drain() == 1
    (letter,) = office.taken
    assert (letter["To"], letter["Subject"]) == ("王伟 <wang@example.cn>", "Big")
    assert text_of(letter).startswith("王伟\n")


def lead(here: Platform, **values: object) -> str:
    with acting(here, "diana") as unit:
        source = unit.catalog.objects["lead"].fields["lead_source"].options[0].value
        given = {"name": "王伟", "email": "wang@example.cn", "lead_source": source, **values}
        return save_record(unit, "lead", None, given, channel="api").id


def test_somebody_without_a_login_gets_what_the_template_says(
    here: Platform, office: PostOffice, people: People
) -> None:
    for language, subject in (("en", "Hello"), (None, "{{ name }}，您好")):
        body = "{{recipient}}: {{ email }} by {{ owner }}\n.\n{{ link }}"
        values = {"name": "welcome", "language": language, "subject": subject, "body": body}
        make(here, "admin", "mail_template", **values)
    mine = lead(here)
    about = {"object_name": "lead", "record_id": mine}
    mail_from = f"crm@{'x' * 60}.example"
    zh = replace(here, settings=replace(here.settings, language="zh", mail_from=mail_from))
    tell(zh, kind="welcome", addressees=[["lead", mine]], about=about)
    assert (Postman(zh).drain(), letters(here)) == (1, [(DONE, 1, "250 taken")])
    (letter,) = office.taken
    assert (letter["To"], letter["Subject"]) == ("王伟 <wang@example.cn>", "王伟，您好")
    assert text_of(letter).splitlines()[:3] == [
        "王伟: wang@example.cn by Diana",
        ".",
        f"https://crm.example/o/lead/{mine}",
    ]
    assert str(letter["Message-ID"]).endswith("xx.example>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    lines = office.bytes_taken[0].split(b"\r\n")
    (leave,) = (line for line in lines if line.startswith(b"List-Unsubscribe: "))
    assert re.fullmatch(rb".*: <https://crm\.example/mail/unsubscribe/[\w.-]{40,}>", leave)
    assert f"Message-ID: {letter['Message-ID']}".encode() in lines
    assert max(map(len, lines)) <= 998


def test_users_are_told_by_mail_as_they_wish_and_read_what_they_may(
    here: Platform, office: PostOffice, people: People
) -> None:
    mine = lead(here)
    with system(here) as unit:
        for name in ("diana", "mark"):
            save_record(unit, "user", people[name], {"notify_by": "email"}, channel="api")
    values = {"name": "new_lead", "subject": "{{ name }}", "body": "{{ email }}"}
    make(here, "admin", "mail_template", **values)
    users = [people[name] for name in ("diana", "mark", "rita")]
    tell(here, recipients=users, about={"object_name": "lead", "record_id": mine})
    Postman(here).drain()
    told = {str(one["To"]): (one["Subject"], text_of(one).splitlines()[0]) for one in office.taken}
    with acting(here, "mark") as unit:
        seen = unit.records().get("lead", mine, ["name"])
    assert told["Diana <diana@example.com>"] == ("王伟", "wang@example.cn")
    assert seen is None
    assert told["Mark <mark@example.com>"] == ("–", "–")
    assert len(told) == 2
    with here.database.read() as connection:
        bells = connection.exec_driver_sql("SELECT user_id FROM notification").scalars().all()
    assert sorted(bells) == sorted(users)


def test_without_a_template_a_letter_says_what_the_bell_says(
    here: Platform, office: PostOffice, people: People
) -> None:
    mine = lead(here)
    values = {"approval": "Discount"}
    about = {"object_name": "lead", "record_id": mine}
    payload = {"kind": "approval_waiting", "channel": "email", "values": values}
    tell(here, recipients=[people["diana"]], about=about, **payload)
    Postman(here).drain()
    (letter,) = office.taken
    assert letter["Subject"] == "Discount for 王伟 waits for you"
    assert text_of(letter).startswith(f"https://crm.example/o/lead/{mine}\n")


FAULTS = [
    pytest.param([("MAIL", "421 busy")], WAITING, "421 busy", 1, id="421"),
    pytest.param([("RCPT", "450 grey")], WAITING, "450 grey", 1, id="450"),
    pytest.param([("RCPT", "cut")], WAITING, "Connection unexpectedly closed", 1, id="cut before"),
    pytest.param([("END", "451 later")], WAITING, "451 later", 1, id="451 after the text"),
    pytest.param([("RCPT", "550 unknown")], DEAD, "550 unknown", 0, id="550"),
    pytest.param([("END", "554 no")], DEAD, "554 no", 0, id="554 after the text"),
    pytest.param([("END", "cut")], UNKNOWN, "Connection unexpectedly closed", 1, id="cut after"),
]


@pytest.mark.parametrize(("faults", "state", "said", "arrived"), FAULTS)
def test_a_server_with_faults_has_each_letter_once_at_most(
    here: Platform,
    office: PostOffice,
    people: People,
    faults: list[tuple[str, str]],
    state: str,
    said: str,
    arrived: int,
) -> None:
    office.answers = list(faults)
    tell(here, recipients=[people["rita"]], channel="email")
    Postman(here).drain()
    assert letters(here) == [(state, 1, said)]
    assert Postman(here).drain() == 0
    let_time_pass(here, RETRIES[0] + 1)
    assert Postman(here).drain() == (1 if state == WAITING else 0)
    if state == WAITING:
        assert letters(here) == [(DONE, 2, "250 taken")]
    assert len(office.taken) == arrived


def test_a_letter_that_is_never_taken_is_given_up(here: Platform, people: People) -> None:
    away = replace(
        here, settings=replace(here.settings, mail_server=MailServer("127.0.0.1", 1, "none"))
    )
    tell(away, recipients=[people["rita"]], channel="email")
    for pause in (0, *RETRIES):
        let_time_pass(away, pause + 1)
        assert Postman(away).drain() == 1
    assert letters(away) == [(DEAD, len(RETRIES) + 1, "Connection refused")]


NOBODY = [
    pytest.param({"addressees": [["team", "?"]]}, "team has no field for an e-mail address"),
    pytest.param({"addressees": [["lead", "?"]]}, "the record of the recipient is gone"),
    pytest.param({"addressees": [["crane", "?"]]}, "there is no object crane"),
    pytest.param({"recipients": ["?"], "channel": "email"}, "the user may not log in any more"),
]


@pytest.mark.parametrize(("payload", "said"), NOBODY)
def test_what_cannot_be_written_is_given_up_with_the_reason(
    here: Platform, payload: Mapping[str, Any], said: str
) -> None:
    tell(here, **payload)
    Postman(here).drain()
    assert letters(here) == [(DEAD, 1, said)]


def test_a_template_that_asks_for_what_is_not_there_says_so(
    here: Platform, office: PostOffice
) -> None:
    values = {"name": "new_lead", "subject": "{{ nmae }}", "body": "x"}
    make(here, "admin", "mail_template", **values)
    mine = lead(here)
    tell(here, addressees=[["lead", mine]], about={"object_name": "lead", "record_id": mine})
    Postman(here).drain()
    said = "the template asks for 'nmae', which lead does not have"
    assert (letters(here), office.taken) == ([(DEAD, 1, said)], [])


def test_who_leaves_gets_no_more_mail_until_she_asks_for_it(
    here: Platform, office: PostOffice, people: People, app: Flask, login: Login
) -> None:
    tell(here, recipients=[people["rita"]], channel="email")
    Postman(here).drain()
    address = (
        str(office.taken[0]["List-Unsubscribe"]).strip("<>").removeprefix("https://crm.example")
    )
    stranger = app.test_client()
    page = stranger.get(address)
    assert (page.status_code, "rita@example.com" in page.text) == (200, True)
    assert stranger.post(address[:-1] + "!").status_code == 404
    tell(here, "asked only", recipients=[people["rita"]], channel="email")
    Postman(here).drain()
    one_click = stranger.post(address, data={"List-Unsubscribe": "One-Click"})
    assert one_click.status_code == 200
    tell(here, "left", recipients=[people["rita"]], channel="email")
    Postman(here).drain()
    assert [one[0] for one in letters(here)] == [DONE, DONE, LEFT_OUT]
    assert login("rita").post("/profile/channel", data={"channel": "email"}).status_code == 302
    tell(here, "back", recipients=[people["rita"]])
    Postman(here).drain()
    assert [one[0] for one in letters(here)] == [DONE, DONE, LEFT_OUT, DONE]


def test_two_postmen_hand_over_each_letter_once(
    here: Platform, office: PostOffice, people: People
) -> None:
    for number in range(12):
        tell(
            here,
            f"k{number}",
            title=f"Letter {number}",
            recipients=[people["rita"]],
            channel="email",
        )
    postmen = [threading.Thread(target=Postman(here).drain) for _ in range(2)]
    for postman in postmen:
        postman.start()
    for postman in postmen:
        postman.join()
    subjects = sorted(str(one["Subject"]) for one in office.taken)
    assert subjects == sorted(f"Letter {number}" for number in range(12))
    assert {one[0] for one in letters(here)} == {DONE}


def test_without_a_server_letters_wait(here: Platform, office: PostOffice, people: People) -> None:
    without = replace(here, settings=replace(here.settings, mail_server=None))
    tell(without, recipients=[people["rita"]], channel="email")
    assert (Postman(without).drain(), letters(here)) == (0, [(WAITING, 0, None)])
    assert (Postman(here).drain(), len(office.taken)) == (1, 1)


KILLED = """
from trellis.config import load_settings
from trellis.mail.postman import Postman
from trellis.runtime import open_platform
Postman(open_platform(load_settings())).drain()
"""


@contextmanager
def postman(here: Platform, office: PostOffice) -> Iterator[subprocess.Popen[bytes]]:
    more = {
        "TRELLIS_SMTP_URL": f"smtp://127.0.0.1:{office.port}?tls=none",
        "TRELLIS_MAIL_FROM": "crm@trellis.example",
    }
    variables = {**os.environ, **environment(here.settings), **more}
    with subprocess.Popen([sys.executable, "-c", KILLED], env=variables) as process:
        try:
            yield process
        finally:
            process.kill()


KILLS = [
    pytest.param("RCPT", [(DONE, 2, "250 taken")], 1, id="before the text"),
    pytest.param(
        "END", [(UNKNOWN, 1, "the process ended before the server answered")], 1, id="after it"
    ),
]


@pytest.mark.parametrize(("word", "after", "arrived"), KILLS)
def test_kill_9_neither_loses_a_letter_nor_sends_it_twice(
    here: Platform,
    office: PostOffice,
    people: People,
    word: str,
    after: list[tuple[str, int, str | None]],
    arrived: int,
) -> None:
    office.answers = [(word, "hang")]
    tell(here, recipients=[people["rita"]], channel="email")
    with postman(here, office) as process:
        wait_until(lambda: office.hanging, "the server is spoken to")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert Postman(here).drain() == 0
    let_time_pass(here, 1_000)
    Postman(here).drain()
    assert (letters(here), len(office.taken)) == (after, arrived)


ADDRESSES: list[tuple[str, MailServer | str]] = [
    ("smtp://mail.example", MailServer("mail.example", 587, "starttls")),
    ("smtps://a%40b:p%2Fw@mail.example", MailServer("mail.example", 465, "tls", "a@b", "p/w")),
    ("smtp://localhost:25?tls=none", MailServer("localhost", 25, "none")),
    ("mail.example", "an address of a mail server is smtps://user:password@host or smtp://…"),
    ("smtps://mail.example?tls=none", "the only setting is ?tls=none, of smtp://; not ?tls=none"),
]


@pytest.mark.parametrize(("url", "found"), ADDRESSES)
def test_addresses_of_mail_servers(url: str, found: MailServer | str) -> None:
    read: Callable[[str], MailServer] = read_server
    if isinstance(found, MailServer):
        assert read(url) == found
        return
    with pytest.raises(ValueError, match=f"^{re.escape(found)}$"):
        read(url)
