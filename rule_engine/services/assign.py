"""Assignment: who gets a record, why, and who was skipped.

The first entry whose condition holds and who has somebody wins. Who is picked depends on turns
(round robin), loads and absences; turns travel as JSON, the others are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, cast

from rule_engine import dates
from rule_engine.backends.reading import read
from rule_engine.messages import Phrase, verbatim
from rule_engine.program import AssignEntry, Assignment
from rule_engine.services.candidates import Candidates, find_candidates
from rule_engine.services.deadlines import due_after
from rule_engine.services.effects import Effect
from rule_engine.services.evaluate import Record, evaluate, holds
from rule_engine.services.people import Company
from rule_engine.text import fold
from rule_engine.types import Directory, Environment

#: How many decisions are remembered for repeated requests.
REMEMBERED = 200
#: How soon, and how late, a `reassign` line that found nobody is asked again at most.
SOONEST, LATEST = timedelta(minutes=15), timedelta(hours=4)


class Workload(Protocol):
    """What is known of people's work at the moment."""

    def count(self, user: str, object_name: str) -> int:
        """Gives how many open records of an object a user has."""

    def is_away(self, user: str) -> bool:
        """Says whether a user is absent now, whatever the calendar says."""

    def skills(self, user: str) -> Collection[str]:
        """Gives what a user knows."""

    def last_owner(self, object_name: str, field: str, value: object, record_id: str) -> str | None:
        """Gives who owns the newest other record of an object with the same value in a field."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Somebody who did not get the record. `user` is empty where a whole entry had nobody.

    `code`: away, closed, full, unskilled, owner (has it now), elsewhere (had the last one, and is
    not among those who are meant), nobody. `entry` counts the entries from 0.
    """

    entry: int
    user: str
    code: str
    why: Phrase

    @property
    def said(self) -> Phrase:
        """Who was skipped, and why, in one sentence."""
        return (
            Phrase("{user} {why}", {"user": self.user, "why": self.why}) if self.user else self.why
        )


@dataclass(frozen=True, slots=True)
class Assigned:
    """What was decided. `user` and `queue` are None when nobody gets the record; `assignment` is
    empty where a queue, not an assignment, decided.

    `entry` counts the entries from 0; None when none fitted or the assignment was skipped.
    `because` says why in a sentence.
    """

    assignment: str
    user: str | None
    queue: str | None
    entry: int | None
    because: Phrase
    skipped: tuple[Skipped, ...] = ()

    @property
    def is_given(self) -> bool:
        """Whether somebody, or a queue, gets the record."""
        return self.user is not None or self.queue is not None

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back."""
        skipped = [[one.entry, one.user, one.code, one.why.to_json()] for one in self.skipped]
        return {
            "assignment": self.assignment,
            "user": self.user,
            "queue": self.queue,
            "entry": self.entry,
            "because": self.because.to_json(),
            "skipped": skipped,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Assigned:
        """Reads what `to_json` wrote."""
        because = Phrase.from_json(cast("Sequence[object]", document["because"]))
        rows = cast("Sequence[tuple[int, str, str, Sequence[object]]]", document["skipped"])
        skipped = tuple(Skipped(*row[:3], Phrase.from_json(row[3])) for row in rows)
        values = {**document, "because": because, "skipped": skipped}
        return cls(**values)  # type: ignore[arg-type]  # JSON that this class wrote


@dataclass(frozen=True, slots=True)
class Turns:
    """Whose turn it is: by group, the number of each person's last turn; who had none comes first.

    `decided` remembers decisions by their keys, the newest last: a repeated request gets the same
    answer. Keep it in one row that is locked meanwhile.
    """

    last: Mapping[str, Mapping[str, int]]
    decided: tuple[tuple[str, Assigned], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back."""
        last = {group: dict(turns) for group, turns in self.last.items()}
        return {"last": last, "decided": [[key, one.to_json()] for key, one in self.decided]}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Turns:
        """Reads what `to_json` wrote; nothing at all is a beginning."""
        decided = cast("Sequence[tuple[str, Mapping[str, object]]]", document.get("decided", ()))
        last = cast("Mapping[str, Mapping[str, int]]", document.get("last", {}))
        return cls(last, tuple((key, Assigned.from_json(one)) for key, one in decided))

    def known(self, key: str) -> Assigned | None:
        """Gives what was decided under a key before."""
        return dict(self.decided).get(key)

    def remembering(self, key: str, decision: Assigned) -> Turns:
        """Gives the turns with one more decision remembered."""
        return replace(self, decided=(*self.decided, (key, decision))[-REMEMBERED:])

    def given(self, group: str, user: str) -> Turns:
        """Gives the turns after a user had one in a group."""
        turns = self.last.get(group, {})
        number = max(turns.values(), default=0) + 1
        return replace(self, last={**self.last, group: {**turns, user: number}})


NO_TURNS = Turns({})


def assign(
    definition: Assignment,
    record: Record,
    old: Record | None,
    environment: Environment,
    directory: Directory,
    workload: Workload,
    turns: Turns,
    key: str,
) -> tuple[Assigned, tuple[Effect, ...], Turns]:
    """Decides who gets a record. The same `key` (rule, record, event) gives the same person."""
    known = turns.known(key)
    if known is None:
        skip = next((s for s in definition.skip if holds(s, record, environment, old)), None)
        if skip is not None:
            why = Phrase("the record is to be skipped")
            known = Assigned(definition.name, None, None, None, why)
            return known, (), turns
        desk = _Desk(definition, record, old, environment, directory, workload, turns)
        known = desk.decide()
        turns = desk.turns.remembering(key, known)
    return known, _effects(known), turns


def reassign(
    definition: Assignment,
    line: int,
    record: Record,
    environment: Environment,
    directory: Directory,
    workload: Workload,
    turns: Turns,
    key: str,
) -> tuple[Assigned, tuple[Effect, ...], Turns]:
    """Gives a record to somebody else when the condition of one `reassign` line still holds.

    `line` counts from 0. `skip when` is not asked: it says who is not assigned at first. When
    nobody else is there the record stays where it is; `next_look` says when to ask again.
    """
    known = turns.known(key)
    if known is None:
        if not holds(definition.reassign[line].guard, record, environment):
            why = Phrase("nothing asks for it any more")
            known = Assigned(definition.name, None, None, None, why)
            return known, (), turns
        desk = _Desk(definition, record, None, environment, directory, workload, turns)
        known = desk.decide(instead_of=_text(record.get("owner")))
        turns = desk.turns.remembering(key, known)
    return known, _effects(known), turns


def look_due(
    definition: Assignment, line: int, since: datetime, environment: Environment
) -> datetime | None:
    """Gives when a `reassign` line is asked of a record that was assigned then; None for never."""
    calendar = environment.calendars.get(definition.calendar or "")
    return due_after(since, definition.reassign[line].after, environment.zone, calendar)


def next_look(
    definition: Assignment,
    line: int,
    decision: Assigned,
    record: Record,
    environment: Environment,
) -> datetime | None:
    """Gives when a line is asked again that found nobody: after its time, or LATEST: who is looked
    for at the same time each day would never be there.

    None where it gave the record to somebody, or asks for nothing any more.
    """
    if decision.is_given or not holds(definition.reassign[line].guard, record, environment):
        return None
    now = environment.now
    due = look_due(definition, line, now, environment)
    return None if due is None else min(max(due, now + SOONEST), now + LATEST)


def pick(
    candidates: Candidates,
    object_name: str,
    workload: Workload,
    turns: Turns,
    *,
    capacity: int | None = None,
) -> str | None:
    """Gives the one of the candidates who gets a record; None when all have enough."""
    counts = {user: workload.count(user, object_name) for user in candidates.users}
    free = [u for u in candidates.users if capacity is None or counts[u] < capacity]
    if candidates.how == "least_busy":
        return min(free, key=lambda user: (counts[user], free.index(user)), default=None)
    if candidates.how == "round_robin":
        served = turns.last.get(candidates.group, {})
        return min(free, key=lambda user: (served.get(user, 0), free.index(user)), default=None)
    return next(iter(free), None)


@dataclass(slots=True)
class _Desk:
    """One decision in the making."""

    definition: Assignment
    record: Record
    old: Record | None
    environment: Environment
    directory: Directory
    workload: Workload
    turns: Turns

    def decide(self, instead_of: str | None = None) -> Assigned:
        """Goes through the entries; `instead_of` is who has the record now."""
        skipped: list[Skipped] = []
        for number, entry in enumerate(self.definition.entries):
            if not holds(entry.guard, self.record, self.environment, self.old):
                continue
            company = Company(self.record, self.environment, self.directory)
            found = find_candidates(entry.to, company)
            if found.queue is not None:
                return self._answer(number, entry, None, found.queue, skipped)
            free = self._free(number, entry, found, instead_of, skipped)
            name = self.definition.object
            user, same = self._before(number, entry, found, skipped)
            if user not in free:
                user, same = pick(replace(found, users=free), name, self.workload, self.turns), ""
            if user is not None:
                if found.how == "round_robin":
                    # It was her turn, however she was chosen.
                    self.turns = self.turns.given(found.group, user)
                return self._answer(number, entry, user, None, skipped, same)
            if not found.users:
                why = Phrase("{people} gives nobody", {"people": found.group})
                skipped.append(Skipped(number, "", "nobody", why))
        why = Phrase("nobody can take it" if skipped else "no entry fits")
        return Assigned(self.definition.name, None, None, None, why, tuple(skipped))

    def _before(
        self, number: int, entry: AssignEntry, found: Candidates, skipped: list[Skipped]
    ) -> tuple[str | None, str]:
        """Gives who had the last record of the same customer, and the field that says so."""
        for path in entry.sticky:
            value = evaluate(path, self.record, self.environment, self.old)
            asked = self.definition.object, path.field, value, str(self.record.get("id"))
            user = None if value is None else self.workload.last_owner(*asked)
            if user is not None:
                if user not in found.users:
                    field = {"field": path.field}
                    why = Phrase(
                        "had the last one with the same {field}, and is not meant here", field
                    )
                    skipped.append(Skipped(number, user, "elsewhere", why))
                return user, path.field
        return None, ""

    def _free(
        self,
        number: int,
        entry: AssignEntry,
        found: Candidates,
        instead_of: str | None,
        skipped: list[Skipped],
    ) -> tuple[str, ...]:
        free = []
        needed = self._needed(entry)
        for user in found.users:
            reason = self._reason_against(user, entry, needed, instead_of)
            if reason is None:
                free.append(user)
            else:
                skipped.append(Skipped(number, user, *reason))
        return tuple(free)

    def _reason_against(
        self, user: str, entry: AssignEntry, needed: Sequence[str], instead_of: str | None
    ) -> tuple[str, Phrase] | None:
        if user == instead_of:
            return "owner", Phrase("has the record now")
        if self.definition.only_available:
            if self.workload.is_away(user):
                return "away", Phrase("is away")
            if self._closed():
                calendar = {"calendar": self.definition.calendar}
                return "closed", Phrase("it is outside the hours of {calendar}", calendar)
        known = {fold(skill) for skill in self.workload.skills(user)} if needed else set()
        missing = [skill for skill in needed if fold(skill) not in known]
        if missing:
            return "unskilled", Phrase("does not know {skills}", {"skills": missing})
        count = self.workload.count(user, self.definition.object)
        if entry.capacity is not None and count >= entry.capacity:
            return "full", Phrase("has {count} of {most}", {"count": count, "most": entry.capacity})
        return None

    def _needed(self, entry: AssignEntry) -> Sequence[str]:
        """Gives the skills that the record asks for; what is empty asks for none."""
        values = [evaluate(one, self.record, self.environment, self.old) for one in entry.skills]
        sets = [sorted(one) if isinstance(one, frozenset) else [one] for one in values if one]
        return list(dict.fromkeys(str(skill) for found in sets for skill in found))

    def _closed(self) -> bool:
        """Says whether the calendar is closed at this moment."""
        if self.definition.calendar is None:
            return False
        calendar = self.environment.calendars.get(self.definition.calendar)
        now = self.environment.now
        return calendar is not None and not calendar.worked(now, now + dates.MILLISECOND)

    def _answer(
        self,
        number: int,
        entry: AssignEntry,
        user: str | None,
        queue: str | None,
        skipped: Sequence[Skipped],
        same: str = "",
    ) -> Assigned:
        text = entry.because or ("" if entry.guard is None else read(entry.guard))
        because = verbatim(text) if text else Phrase("nothing else fits")
        if same:
            told = {"text": text, "field": same}
            because = Phrase("{text}; had the last one with the same {field}", told)
        return Assigned(self.definition.name, user, queue, number, because, tuple(skipped))


def _effects(decision: Assigned) -> tuple[Effect, ...]:
    if not decision.is_given:
        return ()
    return (Effect("give", {"user": decision.user, "queue": decision.queue}),)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
