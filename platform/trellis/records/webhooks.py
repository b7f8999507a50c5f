"""Records of webhooks and of their sources: what they name must be there, or nothing would happen.

One that is not active may say what it likes; it is asked when it is switched on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from metadata.json_text import nearest
from metadata.objects import ObjectDefinition
from metadata.parse import unknown_field
from metadata.problems import Problem
from metadata.query import QueryProblem
from metadata.query.answers import MAX_LIMIT
from trellis.net.outbound import flaws_of
from trellis.unit import Unit

Record = Mapping[str, object]

WEBHOOK: Final = "webhook"
SOURCE: Final = "webhook_source"
USER: Final = "user"

ADDRESS_CODES: Final = {
    "url": "webhook_address",
    "port": "webhook_port",
    "denied": "webhook_inner",
    "plain": "webhook_plain",
}


def webhook_problems(unit: Unit, definition: ObjectDefinition, record: Record) -> Iterator[Problem]:
    """Finds what keeps an active webhook or source from ever doing what it is there for."""
    if definition.name not in (WEBHOOK, SOURCE) or record.get("active") is not True:
        return
    name = str(record.get("object") or "")
    target = unit.catalog.objects.get(name)
    if name and target is None:
        known = sorted(unit.catalog.objects)
        values = {"name": name, "nearest": nearest(name, known), "known": known}
        yield Problem("/object", "unknown_object", values)
    if record.get("acts_as") and not acts(unit, str(record["acts_as"])):
        yield Problem("/acts_as", "webhook_nobody_acts")
    if definition.name == WEBHOOK:
        yield from address_problems(unit, str(record.get("url") or ""))
        if not (record.get("call_name") or (name and record.get("events"))):
            yield Problem("/events" if name else "/object", "webhook_tells_nothing")
        if target is not None:
            yield from choice_problems(unit, target, record)


def acts(unit: Unit, user_id: str) -> bool:
    """Says whether somebody works here, so that a webhook may act as her."""
    user = unit.as_automation().records().get(USER, user_id, ["active"])
    return user is not None and user["active"] is True


def address_problems(unit: Unit, url: str) -> Iterator[Problem]:
    """Finds an address that is never spoken to; what a name leads to is asked at each delivery."""
    for code in flaws_of(url, unit.own_networks) if url else ():
        yield Problem("/url", ADDRESS_CODES[code])


def choice_problems(unit: Unit, target: ObjectDefinition, record: Record) -> Iterator[Problem]:
    """Finds fields that an object does not have, and a condition that cannot be asked of it."""
    for name in chosen_fields(record):
        if name not in target.fields:
            yield unknown_field("/fields", name, target)
    if record.get("filter"):
        asked = unit.as_automation().records()
        mine, text = {"id": str(record["id"])}, str(record["filter"])
        try:
            asked.list(target.name, fields=["id"], filter=text, match=mine, limit=1)
        except QueryProblem as error:
            yield from (replace(problem, path="/filter") for problem in error.problems)


def chosen_fields(record: Record) -> tuple[str, ...]:
    """Gives the fields that a webhook's messages are kept to; none: all."""
    names = (one.strip() for one in str(record.get("fields") or "").split(","))
    return tuple(one for one in names if one)


def active_webhooks(unit: Unit, name: str, match: Record | None = None) -> Iterator[Record]:
    """Gives the active webhooks (or sources, by the object's `name`) among which `match` holds."""
    return webhooks_where(unit, name, "active = true", match)


def webhooks_where(
    unit: Unit, name: str, condition: str, match: Record | None = None
) -> Iterator[Record]:
    """Gives the webhooks (or sources) that fulfil a condition, of those for which `match` holds."""
    after = None
    while name in unit.catalog.objects:
        page = unit.records().list(
            name, filter=condition, match=match, after=after, limit=MAX_LIMIT
        )
        yield from page.items
        after = page.next
        if after is None:
            return


def acting_as(unit: Unit, user_id: str) -> dict[str, list[Record]]:
    """Gives by object the active webhooks and sources that act as somebody."""
    mine = {"acts_as": user_id}
    found = {name: list(active_webhooks(unit, name, mine)) for name in (WEBHOOK, SOURCE)}
    return {name: records for name, records in found.items() if records}
