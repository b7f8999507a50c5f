"""The input of a value with members: one input for each, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from metadata.fields.base import FieldDefinition, FormSetting
from metadata.fields.composites import Composite, CompositeType, Member
from metadata.fields.inputs import WireField


@dataclass(frozen=True, slots=True)
class PartInput:
    """One member's input as a page shows it; `offers` are values to choose from, by value."""

    member: Member
    id: str
    name: str
    label: str
    value: str
    offers: Mapping[str, str] | None


class PartsWidget:
    """Shows one input after the other."""

    def __call__(self, field: PartsField, **attributes: Any) -> Markup:
        """Gives all inputs."""
        return Markup("").join(map(self.one, field.part_inputs))

    def one(self, part: PartInput) -> Markup:
        """Gives one input."""
        if part.member.rows > 1:
            text = Markup('<textarea id="{}" name="{}">{}</textarea>')
            return text.format(part.id, part.name, part.value)
        return Markup('<input id="{}" name="{}" value="{}">').format(part.id, part.name, part.value)


class PartsField(WireField):
    """Inputs named `<name>-<member>`; a value is the object of those that are not blank."""

    control = "parts"
    widget = PartsWidget()

    def __init__(self, definition: FieldDefinition, setting: FormSetting, **options: Any) -> None:
        super().__init__(definition, setting, **options)
        self.typed: dict[str, str] = {}
        self.was_sent = False

    @property
    def kind(self) -> CompositeType:
        """Gives the field's type. Raises TypeError for one without members."""
        if not isinstance(self.definition.type, CompositeType):
            raise TypeError(f"{self.definition.type.name} has no members")
        return self.definition.type

    @property
    def is_sent(self) -> bool:
        """Says whether the form that was sent holds any of the inputs."""
        return self.was_sent

    @property
    def part_inputs(self) -> list[PartInput]:
        """Gives the inputs in the order of the reader's language; the first has the field's id."""
        language = self.setting.language
        return [
            PartInput(
                member,
                f"{self.id}-{member.name}" if place else self.id,
                f"{self.name}-{member.name}",
                member.label(language),
                self.typed.get(member.name, ""),
                member.offers(language) if member.offers else None,
            )
            for place, member in enumerate(self.kind.inputs(language))
        ]

    def process_data(self, value: object) -> None:
        """Shows a value's members."""
        super().process_data(value)
        if isinstance(value, Composite):
            language = self.setting.language
            self.typed = {
                name: self.kind.show_member(name, member, language)
                for name, member in value.members.items()
            }

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes all inputs."""
        super().process(None, *arguments, **options)
        names = [member.name for member in self.kind.members]
        sent = {
            name: formdata.get(f"{self.name}-{name}")
            for name in (names if formdata is not None else ())
            if f"{self.name}-{name}" in formdata
        }
        if sent:
            self.was_sent = True
            self.typed = {name: str(text) for name, text in sent.items()}
            filled = {name: text.strip() for name, text in self.typed.items() if text.strip()}
            self.data = filled or None
