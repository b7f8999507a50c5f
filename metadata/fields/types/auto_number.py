"""Numbers that the product gives: quotes, invoices, cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import ClassVar

from metadata.fields.base import FieldDefinition, Flaw, Parameters, Refused, Sample, Titles
from metadata.fields.inputs import TextField, WireField
from metadata.fields.numbering import Numbering, read_numbering
from metadata.fields.types.text import Text

USUAL_PATTERN = "{0000}"


class AutoNumber(Text):
    """A text with a number that is drawn when a record is created, without gaps.

    `pattern` holds {yyyy}, {yy}, {mm}, {dd} and the counter, as in `Q-{yyyy}-{0000}`; `reset`
    says when counting starts again. Imports may bring numbers of their own, which are not given
    again.
    """

    name = "auto_number"
    titles: ClassVar[Titles] = {"en": "Automatic number", "zh": "自动编号"}
    icon = "list-ordered"
    group = "numbers"
    input: ClassVar[type[WireField]] = TextField
    is_automatic = True
    is_searched = True
    encryptable = False
    keywords = frozenset()
    parameters: ClassVar[Parameters] = {
        "pattern": {
            "type": "string",
            "minLength": 1,
            "maxLength": 60,
            "description": "{0000} is the counter with its fewest digits; {yyyy}, {yy}, {mm} and "
            "{dd} are the day's",
        },
        "reset": {
            "enum": ["never", "year", "month"],
            "description": "When counting starts again; never unless said otherwise",
        },
    }
    conversions = frozenset({"text", "long_text"})
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {
                "type": "string",
                "crm": {"field": "auto_number", "pattern": "Q-{yyyy}-{0000}", "reset": "year"},
            },
            (("Q-2026-0042", "Q-2026-0042"), ("OLD 7", "OLD 7")),
            (5, "x" * 256),
        ),
    )

    def numbering(self, field: FieldDefinition) -> Numbering:
        """Gives how numbers are made and counted."""
        pattern = field.text("pattern") or USUAL_PATTERN
        return read_numbering(pattern, field.text("reset") or "never")

    def draw(self, field: FieldDefinition, day: date, following: Callable[[str], int]) -> object:
        """Gives the next number of the day's period."""
        numbering = self.numbering(field)
        return numbering.write(following(numbering.period(day)), day)

    def counted(self, value: object, field: FieldDefinition) -> tuple[str, int] | None:
        """Gives period and number of a text that the pattern could have made."""
        return self.numbering(field).read(str(value))

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds a pattern that makes no numbers, or the same ones twice."""
        try:
            self.numbering(field)
        except Refused as refused:
            yield Flaw("/crm/pattern", refused.code, refused.values)


TYPE = AutoNumber()
