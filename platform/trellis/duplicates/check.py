"""Is this record there already? Asked of values before they are saved, with the asker's eyes.

Who asks learns nothing that she could not read: only fields that she may read count, and only
records that she may read are compared with. A rule with `reveal` says besides that somebody has
such a record, and nothing else of it: its authors have decided that this may be known, as it is of
a unique field. Without `reveal` a rule that blocks lets a second record be made where the first is
out of the asker's sight: the scan finds the two for somebody who sees both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from metadata.access import SYSTEM
from metadata.duplicates.compare import Agreement, Values, score
from metadata.duplicates.definitions import ALLOW, BLOCK, DuplicateRule
from metadata.objects import ObjectDefinition
from metadata.query import Records
from metadata.query.answers import MAX_LIMIT
from rule_engine.types import Environment
from trellis.automation.environment import RelatedRecords, environment_of
from trellis.duplicates.index import Record, candidates, digests, forms_of, holders
from trellis.unit import Unit

SHOWN = 5
"""Candidates that are shown of each rule, the most certain first."""

Door = Literal["create", "import"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be the same, with what says so; `record` is what the asker sees of it."""

    id: str
    certainty: float
    agreements: tuple[Agreement, ...]
    record: Record


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found for one record: candidates, and rows of the same batch by their place.

    `is_hidden` says that somebody has such a record which the asker may not read.
    """

    rule: DuplicateRule
    policy: str
    candidates: tuple[Candidate, ...] = ()
    is_hidden: bool = False
    rows: tuple[int, ...] = ()

    @property
    def blocks(self) -> bool:
        """Says whether the record must not be made."""
        return self.policy == BLOCK


def policy_of(rule: DuplicateRule, door: Door) -> str:
    """Gives what a rule does at a door."""
    return rule.on_import if door == "import" else rule.on_create


def usable_rules(
    unit: Unit, definition: ObjectDefinition
) -> Iterator[tuple[DuplicateRule, frozenset[str]]]:
    """Gives the rules that can be asked with somebody's eyes, with the fields that count then.

    A rule whose condition looks at what she may not read does not exist for her.
    """
    access = unit.principal.access(definition.name)
    records = unit.records()
    for rule in definition.duplicates:
        fields = frozenset(name for name in rule.fields if access.reads(name))
        if not fields or not access.may("read"):
            continue
        if rule.when is None or not records.check(definition.name, filter=rule.when):
            yield rule, fields


def find_duplicates(
    unit: Unit,
    definition: ObjectDefinition,
    record: Record,
    *,
    door: Door = "create",
    besides: Collection[str] = (),
    every: bool = False,
) -> list[Finding]:
    """Gives what the rules of an object find for a record, one finding a rule.

    `record` holds Python values; `besides` are ids that do not count: its own. Rules that ignore
    what they find at this door are asked only with `every`.
    """
    found = find_each(unit, definition, [record], door=door, besides=besides, every=every)
    return found[0]


def find_each(
    unit: Unit,
    definition: ObjectDefinition,
    records: Sequence[Record],
    *,
    door: Door,
    besides: Collection[str] = (),
    every: bool = False,
) -> list[list[Finding]]:
    """Gives what the rules find for each of many records, among all and among themselves."""
    findings: list[list[Finding]] = [[] for _ in records]
    environment = replace(environment_of(unit), related=RelatedRecords(unit.records()))
    for rule, fields in usable_rules(unit, definition):
        policy = policy_of(rule, door)
        if policy == ALLOW and not every:
            continue
        search = Search(unit, definition, rule, fields, environment, frozenset(besides))
        for place, finding in search.run(records, policy):
            findings[place].append(finding)
    return findings


def fulfilling(
    records: Records, definition: ObjectDefinition, when: str, ids: Iterable[str]
) -> set[str]:
    """Gives which of some records fulfil a condition, as somebody may see them."""
    ordered = sorted(ids)
    kept: set[str] = set()
    for start in range(0, len(ordered), MAX_LIMIT):
        listed = ", ".join(f'"{one}"' for one in ordered[start : start + MAX_LIMIT])
        condition = f"id in [{listed}] and ({when}\n)"
        page = records.list(definition.name, fields=["id"], filter=condition, limit=MAX_LIMIT)
        kept.update(str(one["id"]) for one in page.items)
    return kept


@dataclass(frozen=True, slots=True)
class Search:
    """One rule asked with somebody's eyes: only `fields` count."""

    unit: Unit
    definition: ObjectDefinition
    rule: DuplicateRule
    fields: frozenset[str]
    environment: Environment
    besides: frozenset[str]

    def run(self, records: Sequence[Record], policy: str) -> Iterator[tuple[int, Finding]]:
        """Gives findings with the places of their records."""
        forms = {
            place: forms_of(self.definition, self.rule, record)
            for place, record in enumerate(records)
            if self.concerns(record)
        }
        ids = self.looked_up(forms)
        everyone = {one for some in ids.values() for one in some}
        seen = self.read(self.unit.records(), everyone)
        hidden = self.hidden(everyone - seen.keys())
        among = self.among(forms)
        for place, form in forms.items():
            finding = Finding(
                rule=self.rule,
                policy=policy,
                candidates=self.matching(form, ids[place], seen),
                is_hidden=any(
                    self.is_same(form, hidden[one]) for one in ids[place] if one in hidden
                ),
                rows=tuple(one for one in among[place] if self.is_same(form, forms[one])),
            )
            if finding.candidates or finding.is_hidden or finding.rows:
                yield place, finding

    def concerns(self, record: Record) -> bool:
        """Says whether the rule is about a record."""
        if self.rule.when is None:
            return True
        whole = {**dict.fromkeys(self.definition.fields), **record}
        tests = self.unit.catalog.conditions(self.definition.name).duplicates
        return tests[self.rule.name].holds(whole, self.environment)

    def looked_up(self, forms: Mapping[int, Values]) -> dict[int, list[str]]:
        """Gives the ids of records that share keys with each."""
        connection = self.unit.connection
        if len(forms) == 1:
            ((place, form),) = forms.items()
            found = candidates(self.unit, self.definition, self.rule, form, self.fields)
            return {place: [one for one in found if one not in self.besides]}
        keys = {
            place: digests(connection, self.definition, self.rule, form, self.fields)
            for place, form in forms.items()
        }
        wanted = {key for some in keys.values() for key in some}
        known = holders(self.unit, self.definition, self.rule, wanted)
        return {
            place: sorted({one for key in some for one in known.get(key, ())} - self.besides)
            for place, some in keys.items()
        }

    def read(self, records: Records, ids: Iterable[str]) -> dict[str, Record]:
        """Gives the records among some that somebody may read and the rule is about."""
        wanted = [*self.fields, *self.named(records)]
        found = records.by_ids(self.definition.name, ids, list(dict.fromkeys(wanted)))
        if self.rule.when is None or not found:
            return dict(found)
        kept = fulfilling(records, self.definition, self.rule.when, found)
        return {key: record for key, record in found.items() if key in kept}

    def named(self, records: Records) -> list[str]:
        """Gives the field by which a candidate is shown, where it may be read."""
        access = records.principal.access(self.definition.name)
        name = self.definition.name_field
        return [name] if access.reads(name) else []

    def hidden(self, ids: Collection[str]) -> dict[str, Values]:
        """Gives the comparable forms of records that the asker may not read, if the rule reveals
        that there are some."""
        if not self.rule.reveal or not ids:
            return {}
        unit = self.unit
        system = Records(unit.catalog, unit.connection, SYSTEM, unit.moment)
        found = self.read(system, ids)
        return {key: forms_of(self.definition, self.rule, one) for key, one in found.items()}

    def among(self, forms: Mapping[int, Values]) -> dict[int, list[int]]:
        """Gives for each place of a batch the places before it that share a key with it."""
        seen: dict[int, list[int]] = {}
        found: dict[int, list[int]] = {place: [] for place in forms}
        if len(forms) < 2:
            return found
        for place, form in forms.items():
            others: set[int] = set()
            for key in digests(self.unit.connection, self.definition, self.rule, form, self.fields):
                others.update(seen.setdefault(key, []))
                seen[key].append(place)
            found[place] = sorted(others)
        return found

    def is_same(self, one: Values, other: Values) -> bool:
        """Says whether two records are certain enough to be one."""
        return score(self.rule, one, other, self.fields).certainty >= self.rule.threshold

    def matching(
        self, form: Values, ids: Iterable[str], seen: Mapping[str, Record]
    ) -> tuple[Candidate, ...]:
        """Gives the candidates that are certain enough, the most certain ones first."""
        found = []
        for key in ids:
            if key not in seen:
                continue
            other = forms_of(self.definition, self.rule, seen[key])
            made = score(self.rule, form, other, self.fields)
            if made.certainty >= self.rule.threshold:
                found.append(Candidate(key, made.certainty, made.agreements, seen[key]))
        found.sort(key=lambda one: (-one.certainty, one.id))
        return tuple(found[:SHOWN])
