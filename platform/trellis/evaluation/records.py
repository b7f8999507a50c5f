"""Records out of wire form, with the related records nested in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from metadata.catalog import Catalog
from metadata.coerce import coerce
from metadata.objects import ObjectDefinition
from metadata.problems import Problem, sentence
from rule_engine.messages import Phrase
from rule_engine.services.people import described_memberships
from rule_engine.types import NO_MEMBERSHIPS, Memberships, Related
from trellis.evaluation.question import EvaluationError, Setting
from trellis.phrases import Sentence


@dataclass(slots=True)
class Loaded:
    """Records by object and id, as values; `stored` knows those that were not given, if any are."""

    catalog: Catalog
    rows: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)
    stored: Related | None = None

    def record(self, object_name: str, record_id: str) -> Mapping[str, object] | None:
        """Gives a record that was nested somewhere, else a stored one."""
        given = self.rows.get(object_name, {}).get(record_id)
        if given is None and self.stored is not None:
            return self.stored.record(object_name, record_id)
        return given

    def records(
        self, object_name: str, field: str, record_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Gives the records whose reference points to a record: those given, else the stored."""
        found = self.rows.get(object_name, {}).values()
        given = [row for row in found if row.get(field) == record_id]
        if not given and self.stored is not None:
            return self.stored.records(object_name, field, record_id)
        return given


@dataclass(frozen=True, slots=True)
class Misfits:
    """What is wrong with a record, a line each."""

    problems: Sequence[Problem]

    def in_language(self, language: str) -> str:
        """Gives the lines for a reader."""
        return "\n".join(f"{one.path}: {sentence(one, language)}" for one in self.problems)


def load_record(
    setting: Setting, object_name: str, wire: Mapping[str, object]
) -> tuple[Loaded, dict[str, object]]:
    """Reads a record and all that is nested in it. Raises EvaluationError with every problem."""
    loaded = Loaded(setting.catalog)
    problems: list[Problem] = []
    record = Reader(setting, loaded, problems).read(object_name, wire, "")
    if problems:
        raise EvaluationError(Phrase("{problems}", {"problems": Misfits(problems)}))
    return loaded, record


def load_user(setting: Setting) -> tuple[Loaded, dict[str, object] | None]:
    """Reads the acting person, if there is one, and all that is nested in her record."""
    if setting.user is None:
        return Loaded(setting.catalog), None
    return load_record(setting, "user", setting.user)


def memberships_of(user: Mapping[str, object] | None, around: Loaded) -> Memberships:
    """Gives what the acting person belongs to, as she is described."""
    return NO_MEMBERSHIPS if user is None else described_memberships(user, around)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads nested records one after the other, noting what is wrong with each."""

    setting: Setting
    loaded: Loaded
    problems: list[Problem]

    def read(self, object_name: str, wire: Mapping[str, object], path: str) -> dict[str, object]:
        """Reads one record of an object, and what is nested in it."""
        definition = self.setting.catalog.objects[object_name]
        links = self.setting.catalog.children(object_name)
        plain: dict[str, object] = {}
        rows = self.loaded.rows.setdefault(object_name, {})
        record_id = str(wire.get("id") or f"{object_name}-{len(rows) + 1:06d}")
        record = rows.setdefault(record_id, {})
        for name, value in wire.items():
            link = links.get(name)
            if link is not None and isinstance(value, list):
                for position, child in enumerate(value):
                    place = f"{path}/{name}/{position}"
                    nested = self.read(link.target, as_mapping(child, place), place)
                    nested[link.field] = record_id
            elif isinstance(value, Mapping) and self.target(definition, name) is not None:
                target = str(self.target(definition, name))
                plain[name] = self.read(target, value, f"{path}/{name}")["id"]
            else:
                plain[name] = value
        values, found = coerce(definition, plain, partial=True, zone=self.setting.zone)
        self.problems.extend(Problem(path + p.path, p.code, p.values) for p in found)
        record |= {"id": record_id, **values}
        return record

    def target(self, definition: ObjectDefinition, name: str) -> str | None:
        """Gives the object that a reference leads to, if it is defined."""
        field = definition.fields.get(name)
        target = field.target if field else None
        return target if target in self.setting.catalog.objects else None


def as_mapping(value: object, path: str) -> Mapping[str, object]:
    """Gives a JSON object as such; raises EvaluationError for anything else."""
    if not isinstance(value, Mapping):
        values = {"place": path or "record", "value": repr(value)}
        text = "{place}: a JSON object is needed here, not {value}"
        raise EvaluationError(Sentence(text, values))
    return value


def read_json(text: str, what: str) -> Mapping[str, object]:
    """Reads a JSON object out of an argument; `what` names it in messages."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        values = {"place": what, "column": error.colno, "problem": error.msg}
        text = "{place}: no JSON at column {column}: {problem}"
        raise EvaluationError(Sentence(text, values)) from error
    return as_mapping(value, what)
