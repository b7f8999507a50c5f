"""The part of a form's logic that runs in the browser, as a script for the page.

A test goes to the browser when it can be decided there from what the person may see; all others
are asked of the server while somebody types, by number: neither their text nor what they look at
leaves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from metadata.fields.file_inputs import FilesField
from metadata.fields.inputs import MultiChoiceField, WireField
from metadata.form_logic import FormLogic, FormTest
from metadata.forms import RecordForm
from metadata.objects import ObjectDefinition
from rule_engine import core
from rule_engine.backends.javascript.compiler import compile_node_javascript
from rule_engine.core import Scope
from rule_engine.currencies import CURRENCIES
from rule_engine.errors import NotTranslatableError
from rule_engine.text import WHITE_SPACE
from rule_engine.types import Environment, Kind, RateTable
from trellis.unit import Unit

READ: Final = frozenset(
    {Kind.TEXT, Kind.NUMBER, Kind.PERCENT, Kind.MONEY, Kind.BOOLEAN, Kind.DATE}
    | {Kind.CHOICE, Kind.CHOICES, Kind.REFERENCE}
)
"""Kinds of values that `form_logic.js` reads out of an input."""

ASKED: Final = re.compile(
    r"\brules\.(follow|linked|inRole|inTeam|managerOf|fold|lower|upper|contains|startsWith|endsWith)\b"
)
"""What the browser has not: other records, other people, and what letters become."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reads:
    """The fields that a test looks at: of the record, and of the acting person."""

    record: frozenset[str]
    user: frozenset[str]


def reads_of(node: core.Node) -> Reads:
    """Gives what a node looks at directly."""
    record: set[str] = set()
    user: set[str] = set()
    for one in walk(node):
        if isinstance(one, (core.Path, core.Aggregate)):
            first = one.hops[0].field if one.hops else getattr(one, "field", "id")
            if isinstance(one, core.Aggregate) and not one.hops:
                first = "id"
            (user if one.scope is Scope.USER else record).add(first)
    return Reads(frozenset(record), frozenset(user))


def walk(node: core.Node) -> Iterator[core.Node]:
    """Gives a node and all that is inside it, without what aggregates ask of other records."""
    yield node
    if not isinstance(node, core.Aggregate):
        for child in core.children(node):
            yield from walk(child)


class FormScript:
    """Writes the script of one form."""

    def __init__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        form: RecordForm,
        logic: FormLogic,
        base: Record,
    ) -> None:
        self.unit, self.object, self.form, self.logic, self.base = (
            unit,
            definition,
            form,
            logic,
            base,
        )
        self.access = unit.principal.access(definition.name)
        self.user = unit.principal.access("user")

    def text(
        self,
        holds: Sequence[bool],
        environment: Environment,
        live: str,
        lookups: Mapping[str, Sequence[str]],
    ) -> Markup:
        """Gives the argument of `form_logic.js`, as JavaScript that is safe in a script element."""
        sources = [self.source(one) for one in self.logic.tests]
        asked = [place for place, source in enumerate(sources) if source is None]
        reads = [reads_of(one.test.node) for one in self.logic.tests]
        known = {name for one in reads for name in one.record}
        facts = {
            "fields": {name: kind for name in self.form._fields if (kind := self.kind(name))},
            "record": {name: self.wire(name) for name in sorted(known) if self.access.reads(name)},
            "env": {
                **self.environment(environment, {n for one in reads for n in one.user}),
                "rates": self.rates(environment.rates, known),
            },
            "white": WHITE_SPACE,
            "tests": [described(one) for one in self.logic.tests],
            "parts": self.logic.parts,
            "required": sorted(self.logic.required),
            "holds": holds,
            "live": live,
            "asks": sorted({n for place in asked for n in reads[place].record if n in self.form}),
            "lookups": lookups,
        }
        functions = ",".join(source or "null" for source in sources)
        script = f"{json.dumps(facts)},rules=>[{functions}]"
        return Markup(script.replace("</", "<\\/").replace("<!--", "<\\!--"))  # noqa: S704  # no HTML

    def source(self, test: FormTest) -> str | None:
        """Gives a test as JavaScript; None when the browser cannot or may not decide it."""
        reads = reads_of(test.test.node)
        if not all(self.access.reads(name) and self.is_read(name) for name in reads.record):
            return None
        if not all(self.user.reads(name) for name in reads.user):
            return None
        try:
            source = compile_node_javascript(test.test.node)
        except NotTranslatableError:
            return None
        return None if ASKED.search(source) else source

    def is_read(self, name: str) -> bool:
        """Says whether the browser knows a field's value, from its input or from the record."""
        return name not in self.form or self.kind(name) is not None

    def kind(self, name: str) -> str | None:
        """Gives how the browser reads an input; None for one that it does not read."""
        known = self.form[name]
        definition = self.object.fields.get(name)
        if not isinstance(known, WireField) or definition is None:
            return None
        kind = definition.type.rule_type(definition).kind
        is_text = definition.type.json_schema(definition).get("type") == "string"
        plain = is_text or isinstance(known, FilesField)
        if kind in {Kind.TEXT, Kind.REFERENCE} and not plain:
            return None
        if kind is Kind.CHOICES and not isinstance(known, (FilesField, MultiChoiceField)):
            return None
        return str(kind) if kind in READ else None

    def wire(self, name: str) -> object:
        """Gives what the record holds in a field, where no input says it."""
        value, field = self.base.get(name), self.object.fields[name]
        return None if value is None else field.type.to_wire(value, field)

    def environment(self, environment: Environment, names: set[str]) -> dict[str, object]:
        """Gives what tests know besides the record; of the person only what they look at."""
        fields = self.unit.catalog.objects["user"].fields
        person = environment.user
        user = None
        if person is not None:
            user = {
                name: fields[name].type.to_wire(person[name], fields[name])
                for name in sorted(names)
                if self.user.reads(name) and person.get(name) is not None
            }
        return {"zone": environment.zone.key, "user": user}

    def rates(self, rates: RateTable, names: set[str]) -> dict[str, object]:
        """Gives the exchange rates, where tests look at amounts."""
        fields = [self.object.fields[name] for name in names if name in self.object.fields]
        values: dict[str, str] = {}
        if any(field.type.rule_type(field).kind is Kind.MONEY for field in fields):
            known = {code: rates.rate(code) for code in sorted(CURRENCIES) if code != rates.base}
            values = {code: format(rate, "f") for code, rate in known.items() if rate is not None}
        return {"base": rates.base, "values": values}


def described(test: FormTest) -> list[object]:
    """Gives what a test is for: what, field, option or part."""
    return [test.what, test.field, test.part if test.what == "part" else test.option]
