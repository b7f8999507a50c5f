"""The logic of a form for one reader and one record: what it shows, asks for and lets go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from urllib.parse import urlencode

from markupsafe import Markup

from metadata.coerce import defaults
from metadata.computed.inline import written_out
from metadata.conditions import Test, test_of
from metadata.fields.base import Refused
from metadata.fields.inputs import ChoiceField, WireField
from metadata.form_logic import FormLogic, FormState, form_logic
from metadata.forms import RecordForm
from metadata.layouts import LayoutDefinition
from metadata.objects import ObjectDefinition
from trellis import current
from trellis.automation.environment import environment_of
from trellis.records.incoming import Incoming, resolve_references
from trellis.records.lookups import this_fields
from trellis.unit import Unit
from trellis.web.form_script import FormScript
from trellis.web.inputs import FormLine

Record = Mapping[str, object]


class LiveForm:
    """A form as it stands: with what was typed into it, or what it is filled with."""

    def __init__(
        self,
        unit: Unit,
        definition: ObjectDefinition,
        layout: LayoutDefinition,
        form: RecordForm,
        record_id: str | None,
        given: Record,
    ) -> None:
        """`given` are values of a new record that no input of the form holds."""
        self.unit, self.object, self.layout, self.form = unit, definition, layout, form
        self.record_id = record_id
        self.environment = environment_of(unit)
        conditions = unit.catalog.conditions(definition.name)
        old: Record | None = None
        if record_id is not None:
            # Conditions look at the whole record, whatever of it the reader sees.
            is_asked = conditions.has_any or any(part.visible_when for part in layout.parts)
            whole = unit.as_automation().records()
            old = (whole.get(definition.name, record_id) if is_asked else None) or {}
        self.base: Record = old if old is not None else {**new_record(unit, definition), **given}
        logic = form_logic(
            definition,
            conditions,
            layout,
            partial(unit.catalog.test, definition.name),
            [known.name for known in form],
            old,
            self.environment,
        )
        tests = tuple(replace(one, test=self.written_out(one.test)) for one in logic.tests)
        self.logic: FormLogic = replace(logic, tests=tests)

    def written_out(self, test: Test) -> Test:
        """Gives a test for what is typed: with the formulas that follow from it."""
        node = written_out(test.node, self.unit.catalog.computed, self.object.name)
        return test if node is test.node else test_of(node)

    @cached_property
    def typed(self) -> dict[str, object]:
        """Gives the values of the inputs; what cannot be read counts as empty.

        So do references to what the reader does not see: conditions look further from there.
        """
        found: dict[str, object] = {}
        for name, known in self.form._fields.items():
            definition = self.object.fields.get(name)
            if not isinstance(known, WireField) or definition is None:
                continue
            if self.form.was_sent and not known.is_sent:
                continue
            found[name] = None
            with suppress(Refused):
                found[name] = known.read(current.zone())
        seen = resolve_references(self.unit, self.object, Incoming(found, ()), self.base).values
        return {name: seen.get(name) for name in found}

    @cached_property
    def holds(self) -> tuple[bool, ...]:
        """Gives which tests of the form hold."""
        return self.logic.settle(self.base, self.typed, self.environment)

    @cached_property
    def state(self) -> FormState:
        """Gives what the form does."""
        return self.logic.state_of(self.holds)

    @property
    def values(self) -> dict[str, object]:
        """Gives the wire form of what was sent by inputs that are shown and free."""
        away = self.state.away
        return {name: value for name, value in self.form.values.items() if name not in away}

    def dressed(self, line: FormLine) -> FormLine:
        """Gives a line as the form's state wants it."""
        known, state = line.field, self.state
        if isinstance(known, ChoiceField):
            known.held_back = state.held_back.get(known.name, frozenset()) - known.chosen
        made = replace(
            line.input,
            required=known.name in state.required,
            hidden=known.name in state.hidden,
            fixed=known.name in state.fixed,
            lookup=self.lookup(line),
        )
        return replace(line, input=made)

    def lookup(self, line: FormLine) -> str:
        """Gives where a picker asks; with a filter it says for which field of which record."""
        definition = line.field.definition
        if not line.input.lookup or definition.text("filter") is None:
            return line.input.lookup
        asked = {"for": f"{self.object.name}.{definition.name}"}
        if self.record_id is not None:
            asked["id"] = self.record_id
        return f"{line.input.lookup}?{urlencode(asked)}"

    @property
    def lookups(self) -> dict[str, Sequence[str]]:
        """Gives by reference the fields that its filter looks at."""
        found = {
            field.name: this_fields(self.unit, self.object, field)
            for field in self.object.references
            if field.name in self.form
        }
        shown = {name: [one for one in names if one in self.form] for name, names in found.items()}
        return {name: names for name, names in shown.items() if names}

    def script(self, live: str) -> Markup | None:
        """Gives the script that keeps the open form up; None when there is nothing to do."""
        lookups = self.lookups
        if not self.logic.tests and not lookups:
            return None
        script = FormScript(self.unit, self.object, self.form, self.logic, self.base)
        return script.text(self.holds, self.environment, live, lookups)


def new_record(unit: Unit, definition: ObjectDefinition) -> dict[str, object]:
    """Gives a record as it is before anybody fills it in."""
    whose = {"owner": unit.user_id, "owner_team": (unit.principal.user or {}).get("team")}
    owned = {name: value for name, value in whose.items() if name in definition.fields}
    return {**dict.fromkeys(definition.fields), **defaults(definition), **owned}
