"""What the doors do about duplicates: say that there are some, or refuse the new record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from metadata.coerce import coerce
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.duplicates.check import Finding, find_duplicates, find_each
from trellis.duplicates.holding import hold_new
from trellis.duplicates.index import Record
from trellis.errors import Conflict, Refused
from trellis.records.incoming import read_incoming, resolve_references
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.records.save import Saved
from trellis.unit import Unit


class DuplicatesFound(Conflict):
    """A record is there already; `findings` say where, as far as the asker may know."""

    def __init__(self, unit: Unit, findings: Sequence[Finding]) -> None:
        super().__init__(problem_of(unit, finding) for finding in findings)
        self.findings = tuple(findings)


def problem_of(unit: Unit, finding: Finding) -> Problem:
    """Words a finding: by the rule's own message, or by what was found."""
    rule, catalog = finding.rule, unit.catalog
    if rule.message is not None:
        return Problem("", "duplicate_said", {"message": catalog.rule_text(rule.message)})
    is_shown = finding.candidates or finding.rows
    code = "duplicate" if is_shown else "duplicate_hidden"
    return Problem("", code, {"rule": catalog.rule_text(rule.title)})


def guard_new(
    unit: Unit, object_name: str, saved: Saved, *, accepts_warnings: bool = True
) -> list[Finding]:
    """Gives what the rules find for a record that was just made.

    Raises DuplicatesFound when a rule blocks it, and, unless `accepts_warnings`, for any finding:
    whoever catches that rolls the transaction back.
    """
    definition = unit.catalog.objects[object_name]
    if not definition.duplicates:
        return []
    hold_new(unit, definition, [saved.record])
    found = find_duplicates(unit, definition, saved.record, besides=(saved.id,))
    stopping = [one for one in found if one.blocks or not accepts_warnings]
    if stopping:
        raise DuplicatesFound(unit, stopping)
    return found


def guard_many(
    unit: Unit, object_name: str, sent: Mapping[int, Record]
) -> dict[int, DuplicatesFound]:
    """Gives the new records (by their place) that a rule blocks, before they are made.

    `sent` is in wire form. Of two that are one the later is blocked.
    """
    definition = definition_of(unit, object_name)
    if not sent or not any(rule.on_create == "block" for rule in definition.duplicates):
        return {}
    places = list(sent)
    records = [readable_values(unit, definition, sent[place]) for place in places]
    hold_new(unit, definition, records)
    found = find_each(unit, definition, records, door="create")
    blocked = {}
    for place, findings in zip(places, found, strict=True):
        stopping = [one for one in findings if one.blocks]
        if stopping:
            blocked[place] = DuplicatesFound(unit, stopping)
    return blocked


def readable_values(unit: Unit, definition: ObjectDefinition, sent: Record) -> Record:
    """Gives values as they can be read; what cannot be read has its problem when it is saved."""
    access = unit.principal.access(definition.name)
    known = [name for name in definition.fields if access.reads(name)]
    kept = {name: value for name, value in sent.items() if name in known}
    values, _ = coerce(definition, kept, partial=True, zone=unit.moment.zone, known=known)
    return values


def check_values(unit: Unit, object_name: str, sent: Record) -> list[Finding]:
    """Gives what all rules find for values in wire form, before anything is saved.

    Raises Missing for an unknown object, Refused for values that no record could have, and
    NotAllowed for fields that the principal may not write.
    """
    definition = definition_of(unit, object_name)
    incoming = resolve_references(unit, definition, read_incoming(unit, definition, sent), None)
    if incoming.problems:
        raise Refused(incoming.problems)
    return find_duplicates(unit, definition, incoming.values, every=True)


def check_record(unit: Unit, object_name: str, record_id: str) -> list[Finding]:
    """Gives what all rules find for a record that is there. Raises Missing."""
    record = read_record(unit, object_name, record_id)
    definition = unit.catalog.objects[object_name]
    return find_duplicates(unit, definition, record, besides=(record_id,), every=True)


def candidate_ids(findings: Iterable[Finding]) -> list[str]:
    """Gives the records that were found, each once."""
    return list(dict.fromkeys(one.id for finding in findings for one in finding.candidates))
