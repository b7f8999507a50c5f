"""What a letter says, written when it is sent: by a template of the organisation, or in the words
that the bell has.

A template is a record of `mail_template`; `{{ path }}` in it is a field of the record that the
letter is about, `{{ recipient }}` the name of who gets it, `{{ link }}` the record's address and
`{{ decide }}` where an approver decides without logging in. A user reads what she may read, and
an approver what being asked shows her; to people without a login goes what the template names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any, Final
from zoneinfo import ZoneInfo

from metadata.query import QueryProblem
from metadata.wire import find_field
from trellis.approvals.inbox import Pending, pending_one
from trellis.config import Settings
from trellis.mail.decisions import DECISIONS, decision_token
from trellis.mail.optout import PATH, token_for
from trellis.phrases import Sentence
from trellis.records.read import sees
from trellis.unit import Unit
from trellis.web.addresses import APPROVALS, record_address
from trellis.wording import TOLD, sentence_of

TEMPLATE: Final = "mail_template"
PLACE: Final = re.compile(r"\{\{\s*([a-z][a-z0-9_.]*)\s*\}\}")
OWN: Final = frozenset({"recipient", "link", "decide"})
HIDDEN: Final = "–"
ASKING: Final = frozenset(TOLD.values())
DECIDE: Final = Sentence("Decide here, without logging in:")

Message = Mapping[str, Any]


class CannotWriteError(Exception):
    """A letter that cannot be written, for a reason that trying again does not change."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a letter; `unit` sees what may be told."""

    address: str
    name: str
    language: str
    zone: ZoneInfo
    unit: Unit


def write_letter(settings: Settings, message: Message, recipient: Recipient) -> EmailMessage:
    """Gives the letter, with the same Message-ID however often it is tried.

    Raises CannotWriteError for a template that asks for what is not there.
    """
    link, decide = link_of(settings, message, recipient), decision_of(settings, message)
    template = template_for(recipient, str(message["kind"]))
    if template is None:
        lines = [link, *(f"{DECIDE.in_language(recipient.language)} {one}" for one in decide)]
        subject, body = plain_words(message, recipient), "\n".join(lines)
    else:
        texts = (str(template["subject"]), str(template["body"]))
        own = {"recipient": recipient.name, "link": link, "decide": "".join(decide)}
        subject, body = filled(message, recipient, own, *texts)
    leave = f"{base(settings)}{PATH}/{token_for(settings.secret_key, recipient.address)}"
    letter = EmailMessage()
    letter["From"] = settings.mail_from
    letter["To"] = formataddr((recipient.name, recipient.address))
    letter["Subject"] = " ".join(subject.split())
    letter["Date"] = format_datetime(message["created_at"])
    letter["Message-ID"] = f"<{message['id']}@{domain_of(settings)}>"
    letter["Auto-Submitted"] = "auto-generated"
    if settings.public_url:
        letter["List-Unsubscribe"] = f"<{leave}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        words = {"zh": "不想再收到邮件？", "en": "No more mail like this?"}
        body = f"{body}\n\n-- \n{words.get(recipient.language, words['en'])} {leave}"
    letter.set_content(body.strip() + "\n")
    return letter


def template_for(recipient: Recipient, kind: str) -> Mapping[str, Any] | None:
    """Gives the organisation's template of a name: in the reader's language, else in any."""
    unit = recipient.unit.as_automation()
    if TEMPLATE not in unit.catalog.objects:
        return None
    page = unit.records().list(
        TEMPLATE,
        fields=["language", "subject", "body"],
        filter="active = true",
        match={"name": kind},
        sort=["language"],
        limit=10,
    )
    ranked = sorted(page.items, key=lambda one: rank(one["language"], recipient.language))
    return ranked[0] if ranked else None


def rank(language: object, wanted: str) -> int:
    """Gives how well a template's language fits: best the reader's own, then none."""
    return 0 if language == wanted else 1 if language is None else 2


def plain_words(message: Message, recipient: Recipient) -> str:
    """Gives what the bell says of a message."""
    return sentence_of(
        recipient.unit.catalog,
        recipient.language,
        str(message["kind"]),
        str(message["title"]),
        message["values"],
        name_for(message, recipient),
    )


def name_for(message: Message, recipient: Recipient) -> str:
    """Gives the name of the record that a letter is about, "" for one that is not to be named."""
    name, record_id = str(message["object"] or ""), str(message["record_id"] or "")
    unit = recipient.unit
    if record_id and unit.principal.access(name).exists:
        found = unit.records().names(name, [record_id])
        if record_id in found:
            return found[record_id]
    waiting = asked_in(message, recipient)
    return "" if waiting is None else waiting.record_name


def asked_in(message: Message, recipient: Recipient) -> Pending | None:
    """Gives the request that a letter asks to decide, while it waits for who reads it."""
    request_id = message["values"].get("request")
    if message["kind"] not in ASKING or request_id is None:
        return None
    return pending_one(recipient.unit, str(request_id))


def filled(
    message: Message, recipient: Recipient, own: Mapping[str, str], *texts: str
) -> list[str]:
    """Gives texts with their places filled. Raises CannotWriteError."""
    asked = {place for text in texts for place in PLACE.findall(text)}
    known = dict(own)
    known |= values_of(message, recipient, sorted(asked - OWN))
    return [PLACE.sub(lambda found: known[found[1]], text) for text in texts]


def values_of(message: Message, recipient: Recipient, paths: list[str]) -> dict[str, str]:
    """Gives a record's values by path as the recipient reads them, HIDDEN for what she may not."""
    if not paths:
        return {}
    unit, name = recipient.unit, str(message["object"] or "")
    whole = unit.as_automation().records()
    if name not in unit.catalog.objects:
        raise CannotWriteError(f"the template asks for {paths[0]!r}, and it is about no record")
    wrong = [path for path in paths if whole.check(name, fields=[path])]
    if wrong:
        raise CannotWriteError(f"the template asks for {wrong[0]!r}, which {name} does not have")
    shown = {path: named(unit, name, path) for path in paths}
    try:
        record = read_by(recipient, message, name, list(shown.values()))
    except QueryProblem as error:
        raise CannotWriteError("the template asks for too much") from error
    return {
        path: text_of(recipient, name, read, record) if read in record else HIDDEN
        for path, read in shown.items()
    }


def read_by(
    recipient: Recipient, message: Message, name: str, paths: Sequence[str]
) -> Mapping[str, object]:
    """Gives the values of a record that the recipient reads, by path: those that her rights show
    her, or else what being asked to decide on it does."""
    unit, record_id = recipient.unit, str(message["record_id"])
    if unit.principal.access(name).exists:
        records = unit.records()
        readable = [path for path in paths if not records.check(name, fields=[path])]
        record = records.get(name, record_id, readable)
        if record is not None:
            return {path: record.get(path) for path in readable}
    waiting = asked_in(message, recipient)
    if waiting is None:
        return {}
    shown = {unit.catalog.objects[name].name_field: waiting.record_name, **waiting.summary}
    return {path: shown[path] for path in paths if path in shown}


def named(unit: Unit, object_name: str, path: str) -> str:
    """Gives the path of what people call a value: of another record its name."""
    objects = unit.catalog.objects
    field = find_field(objects[object_name], path, objects)
    target = objects.get(field.target or "")
    return path if target is None else f"{path}.{target.name_field}"


def text_of(recipient: Recipient, object_name: str, path: str, record: Mapping[str, object]) -> str:
    """Gives one value as people read it."""
    value, objects = record.get(path), recipient.unit.catalog.objects
    if value is None:
        return ""
    field = find_field(objects[object_name], path, objects)
    here = object_name
    *steps, last = path.split(".")
    for step in steps:
        here = str(objects[here].fields[step].target)
    if not recipient.unit.principal.access(here).reads(last):
        return str(value)
    return field.type.display(value, field, recipient.language, recipient.zone)


def link_of(settings: Settings, message: Message, recipient: Recipient) -> str:
    """Gives the address of the record, and for who is asked about one that she does not see that of
    what waits for her; "" where there is none or we do not know our own."""
    if not (settings.public_url and message["object"] and message["record_id"]):
        return ""
    name, record_id = str(message["object"]), str(message["record_id"])
    if message["kind"] in ASKING and not sees(recipient.unit, name, record_id):
        return base(settings) + APPROVALS
    return base(settings) + record_address(name, record_id)


def decision_of(settings: Settings, message: Message) -> tuple[str, ...]:
    """Gives the address where a user who is asked decides; none for letters about other things."""
    request_id = message["values"].get("request")
    if not settings.public_url or message["kind"] not in ASKING or message["user_id"] is None:
        return ()
    token = decision_token(settings.secret_key, str(request_id), str(message["user_id"]))
    return (f"{base(settings)}{DECISIONS}/{token}",)


def base(settings: Settings) -> str:
    """Gives the address under which people reach us."""
    return (settings.public_url or "").rstrip("/")


def domain_of(settings: Settings) -> str:
    """Gives the domain of our letters."""
    return parseaddr(settings.mail_from)[1].rpartition("@")[2]
