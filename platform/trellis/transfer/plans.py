"""What is to become of staged rows: their values, and whether a record is made or changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from metadata.duplicates.definitions import BLOCK
from metadata.fields.base import FieldDefinition
from metadata.fields.nested import nested_type, rows_of
from metadata.fields.types.many_to_many import ManyToMany
from metadata.json_text import pointer
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from trellis.duplicates.check import Finding, find_each, policy_of
from trellis.records.batch import Op
from trellis.transfer.cells import read_cell
from trellis.transfer.headers import OWNER, RECORD_ID, Target
from trellis.transfer.references import Finder, resolve, resolve_links, texts_of
from trellis.transfer.settings import Column, Settings
from trellis.transfer.tables import CREATE, ERROR, SKIP, UPDATE
from trellis.unit import Unit


@dataclass(slots=True)
class Row:
    """A staged row on its way: values by field as far as they could be read, all problems, the
    text by which its record is found, and what is to happen (`outcome`) to which record; `wanted`
    is what would happen without the problems.

    `given` are texts that may mean records of earlier rows, and `unfound` says which of them mean
    none so far. One that a dry run makes once more for later rows `is_again`.
    """

    number: int
    cells: Sequence[object]
    beyond: str
    values: dict[str, object] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    key: str | None = None
    outcome: str = ""
    wanted: str = ""
    record_id: str | None = None
    given: dict[str, object] = field(default_factory=dict)
    unfound: list[Problem] = field(default_factory=list)
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Planner:
    """Turns rows into writes of one object, as the settings of an import say.

    `made` are the numbers of rows by the ids of the records that they have made meanwhile.
    """

    unit: Unit
    definition: ObjectDefinition
    settings: Settings
    headers: Sequence[str]
    made: dict[str, int] = field(default_factory=dict)

    def inward(self) -> dict[str, Target]:
        """Gives the columns that may refer to records of the object itself, so to earlier rows;
        what records are found by has to be known before."""
        found = {}
        for column in self.settings.columns:
            known = self.definition.fields.get(column.target.field) if column.target else None
            if column.target and known and known.name != self.settings.match:
                is_link = isinstance(known.type, ManyToMany)
                leads_to = (known.text("to"),) if is_link else known.type.targets(known)
                if self.definition.name in leads_to and (is_link or not nested_type(known)):
                    found[known.name] = column.target
        return found

    def read(self, rows: Sequence[Row]) -> None:
        """Reads the cells of rows and finds the records of other objects that they refer to."""
        finder, inward = Finder(self.unit), self.inward()
        for place, column in enumerate(self.settings.columns):
            target = column.target
            if target is None:
                continue
            if target.field == RECORD_ID:
                self._read_ids(rows, place)
                continue
            known = self.definition.fields.get(target.field)
            if known is None:
                continue
            self._read_cells(rows, place, column, known)
            if target.field not in inward:
                self._refer(rows, target, known, finder)
        for row in rows:
            if row.beyond:
                values = {"value": row.beyond[:80]}
                row.problems.append(Problem("", "import_beyond", values))
            row.problems += row.unfound
            row.given = {name: row.values.pop(name) for name in inward if name in row.values}
            self._set_key(row)

    def _read_ids(self, rows: Sequence[Row], place: int) -> None:
        for row in rows:
            text = str(row.cells[place] or "").strip().lower()
            if text:
                row.values[RECORD_ID] = text

    def _read_cells(
        self, rows: Sequence[Row], place: int, column: Column, known: FieldDefinition
    ) -> None:
        zone, header = self.unit.moment.zone, self.headers[place]
        for row in rows:
            value, problem = read_cell(row.cells[place], known, column, zone, header)
            if problem is not None:
                row.problems.append(problem)
            else:
                row.values[known.name] = value

    def look_up(self, rows: Sequence[Row]) -> None:
        """Finds the records of the object itself that rows refer to, as things are now."""
        finder = Finder(self.unit, made=self.made)
        for row in rows:
            row.values |= row.given
            row.unfound = []
        for name, target in self.inward().items():
            self._refer(rows, target, self.definition.fields[name], finder)

    def _refer(
        self, rows: Sequence[Row], target: Target, known: FieldDefinition, finder: Finder
    ) -> None:
        """Puts the records' ids instead of the texts that stand for them."""
        name = known.name
        if isinstance(known.type, ManyToMany):
            linked = {str(one["id"]) for row in rows for one in rows_of(row.values.get(name))}
            finder.prepare(str(known.text("to")), target.by, linked)
            for row in rows:
                about = known, target.by, row.values.get(name), row.number
                links, problems = resolve_links(finder, *about)
                row.unfound += problems
                if name in row.values:
                    row.values[name] = links
            return
        if nested_type(known) is not None or not known.type.targets(known):
            return
        for object_name, texts in texts_of((r.values.get(name) for r in rows), known).items():
            finder.prepare(object_name, target.by, texts)
        for row in rows:
            about = known, target.by, row.values.get(name), row.number
            value, problem = resolve(finder, *about)
            if problem is not None:
                row.unfound.append(problem)
                del row.values[name]
            elif name in row.values:
                row.values[name] = value

    def _set_key(self, row: Row) -> None:
        match = self.settings.match
        if match is None:
            return
        value = row.values.get(match)
        if value is not None:
            known = self.definition.fields[match]
            row.key = str(value) if match == RECORD_ID else known.type.export(value, known)

    def batches(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Gives rows in batches, each to be worked off before the next is asked for.

        Of rows with one key each finds what the one before has made, so no batch has two; but once
        a record is there that they leave alone, all others may come together. Rows that refer to
        what is not there wait for those that may make it, until none of them finds what it wants.
        """
        waiting = rows
        there: set[str | None] = {None}
        while waiting:
            self.look_up(waiting)
            batch, later = parted(waiting, there, patient=True)
            if not batch:
                batch, later = parted(waiting, there, patient=False)
            for row in batch:
                row.problems += [] if row.is_again else row.unfound
            yield batch
            created = (row for row in batch if row.outcome == CREATE)
            self.made.update({str(row.record_id): row.number for row in created})
            if self.settings.policy in ("create", "skip"):
                there |= {row.key for row in batch if row.outcome != ERROR or row.record_id}
            waiting = later

    def decide(self, rows: Sequence[Row]) -> None:
        """Says of each row without problems what is to become of it."""
        match, policy = self.settings.match, self.settings.policy
        finder = Finder(self.unit)
        if match is not None:
            keys = {row.key for row in rows if row.key is not None}
            finder.prepare(self.definition.name, match, keys)
        for row in rows:
            found: Sequence[str] = ()
            if match is not None and row.key is not None:
                found = finder.find(self.definition.name, match, row.key)
            is_broken = bool(row.problems)
            self._decide_one(row, policy, match, found)
            row.wanted = row.outcome
            if is_broken:
                row.outcome = ERROR

    def _decide_one(self, row: Row, policy: str, match: str | None, found: Sequence[str]) -> None:
        if len(found) > 1:
            values = {"field": match, "value": row.key}
            self._refuse(row, Problem(pointer([str(match)]), "ambiguous_reference", values))
        elif found:
            row.record_id = found[0]
            exists = {"create": CREATE, "skip": SKIP}
            row.outcome = exists.get(policy, UPDATE)
            if policy == "create" and match is not None:
                values = {"field": match, "value": row.key}
                self._refuse(row, Problem(pointer([match]), "import_exists", values))
        elif policy == "update" or (match == RECORD_ID and row.key is not None):
            values = {"field": match, "value": row.key or ""}
            self._refuse(row, Problem(pointer([str(match)]), "import_not_found", values))
        else:
            row.outcome = CREATE

    def _refuse(self, row: Row, problem: Problem) -> None:
        row.problems.append(problem)
        row.outcome = ERROR

    def compare(self, rows: Sequence[Row]) -> None:
        """Looks for records that new ones may be the same as: a rule that blocks makes an error of
        the row, of others the settings say what becomes."""
        rules = self.definition.duplicates
        wanted = self.settings.duplicates
        if wanted == "none" and not any(policy_of(rule, "import") == BLOCK for rule in rules):
            return
        new = [row for row in rows if row.outcome == CREATE]
        records = [self.write_of(row).values for row in new]
        if not rules or not new:
            return
        found = find_each(self.unit, self.definition, records, door="import")
        for place, (row, findings) in enumerate(zip(new, findings_before(found), strict=True)):
            for finding in findings:
                if finding.blocks or wanted != "none":
                    row.problems.append(self._same(new, place, finding))
            if any(finding.blocks for finding in findings):
                row.outcome = ERROR
            elif findings and wanted == "skip":
                row.outcome = SKIP

    def _same(self, new: Sequence[Row], place: int, finding: Finding) -> Problem:
        others = [candidate.id for candidate in finding.candidates]
        rows = [str(new[other].number) for other in finding.rows if other < place]
        values = {"rule": finding.rule.name, "records": others, "rows": rows}
        return Problem("", "import_duplicate", values)

    def write_of(self, row: Row) -> Op:
        """Gives the write of a row: empty cells leave defaults and old values as they are, unless
        they are to empty their fields. A record always stays somebody's."""
        clears = self.settings.blank == "clear"
        values = {
            name: value
            for name, value in row.values.items()
            if name != RECORD_ID and (value is not None or clears)
        }
        if row.wanted != UPDATE:
            absent = {n: v for n, v in self.settings.defaults.items() if values.get(n) is None}
            values |= absent
        owner = values.pop(OWNER, None)
        to = None if owner is None else str(owner)
        if row.wanted == UPDATE:
            return Op("update", row.record_id, values, to=to)
        return Op("create", None, values, to=to)


def parted(
    rows: Sequence[Row], there: Collection[str | None], *, patient: bool
) -> tuple[list[Row], list[Row]]:
    """Gives the rows that may be worked off together and those that come later; `patient` ones
    that refer to what is not there wait for it."""
    batch, later = list[Row](), list[Row]()
    seen: set[str | None] = set()
    for row in rows:
        has_to_wait = row.key in seen and row.key not in there
        has_to_wait |= patient and bool(row.unfound)
        (later if has_to_wait else batch).append(row)
        seen.add(row.key)
    return batch, later


def findings_before(found: Sequence[Sequence[Finding]]) -> Iterator[list[Finding]]:
    """Gives the findings that name a record, or an earlier row of the batch."""
    for place, findings in enumerate(found):
        yield [
            finding
            for finding in findings
            if finding.candidates or finding.is_hidden or any(row < place for row in finding.rows)
        ]
