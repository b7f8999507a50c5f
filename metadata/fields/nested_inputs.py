"""Inputs for values that are records: links, rows of a table, a record of any object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from metadata.fields.inputs import WireField
from metadata.fields.nested import limit_of, rows_of

MARK: Final = "rows"
"""`<name>-rows` is sent with every table, so that one without rows is an answer too."""
ID: Final = "id"
DELETED: Final = "deleted"


class AnyReferenceField(WireField):
    """`object:id` of a record, as text."""

    control: ClassVar[str] = "any_reference"
    input_attributes: ClassVar[Mapping[str, str | bool]] = {"autocomplete": "off"}


class LinksField(WireField):
    """Ids of linked records, one input each; an empty one says that the list was sent."""

    control: ClassVar[str] = "links"

    @property
    def is_sent(self) -> bool:
        """Says whether the form was sent with this list."""
        return bool(self.raw_data)

    @property
    def ids(self) -> list[str]:
        """Gives the ids to show."""
        items = self.data if isinstance(self.data, list) else []
        return [str(item["id"]) if isinstance(item, Mapping) else str(item) for item in items]

    def process_data(self, value: object) -> None:
        """Shows links."""
        self.data = [str(item["id"]) for item in rows_of(value)]

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes the ids."""
        self.data = [str(value) for value in valuelist if str(value).strip()]


class RowsField(WireField):
    """A table: one form per row, whose inputs are named `<name>-<number>-<field>`.

    Rows keep the order in which they are sent, whatever their numbers. A row with an id is one
    that is there; one without and with nothing filled in is none. The class of the rows' forms
    comes with the setting; without one there is nothing to show.
    """

    control: ClassVar[str] = "rows"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.rows: list[RowForm] = []
        self.sent: list[RowForm] = []
        self.was_sent = False

    @property
    def is_sent(self) -> bool:
        """Says whether the form was sent with this table."""
        return self.was_sent

    @property
    def blank(self) -> RowForm:
        """Gives a row to copy; its number stands for the one it will get."""
        return self.make_row("__row__", None, None)

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes the rows that were sent, else those of the record."""
        super().process(None, *arguments, **options)
        self.was_sent = formdata is not None and f"{self.name}-{MARK}" in formdata
        if not self.was_sent:
            return
        numbers = list(numbers_in(formdata, self.name))[: limit_of(self.definition) + 1]
        self.rows = [self.make_row(number, formdata, None) for number in numbers]
        self.sent = [row for row in self.rows if row.is_meant]
        self.data = [row.values for row in self.sent]

    def process_data(self, value: object) -> None:
        """Shows the rows of a record."""
        found = rows_of(value)
        self.rows = [self.make_row(str(n), None, row) for n, row in enumerate(found)]
        self.data = [dict(row) for row in found]

    def make_row(self, number: str, formdata: Any, row: Mapping[str, Any] | None) -> RowForm:
        """Gives the form of one row."""
        return RowForm(self.setting.rows, f"{self.name}-{number}-", formdata, row)

    def refuse(self, place: Sequence[str], text: str) -> None:
        """Puts a message at the cell it is about, else at the row, else at the table."""
        number = place[0] if place else ""
        if not number.isdigit() or int(number) >= len(self.sent):
            super().refuse(place, text)
            return
        self.sent[int(number)].refuse(place[1:], text)

    def told(self) -> Iterator[tuple[str, str, str]]:
        """Gives the messages of the table, of its rows and of their cells, with their places."""
        yield from super().told()
        title = str(self.label.text)
        for number, row in enumerate(self.rows, 1):
            place = f"{title} {number}"
            yield from ((str(self.id), place, text) for text in row.errors)
            for cell in row.cells:
                yield from ((key, f"{place} · {name}", text) for key, name, text in cell.told())


class LinkRowsField(RowsField):
    """A table of links: each row names the linked record, and has the link's own fields."""

    @property
    def beyond(self) -> str:
        """Gives the name of the reference to the linked record."""
        sides = self.setting.rows.definition.link_of if self.setting.rows is not None else None
        return sides.there if sides is not None else ""

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes the links that were sent, else those of the record."""
        super().process(formdata, *arguments, **options)
        if self.was_sent:
            self.data = [self.as_link(row) for row in self.sent]

    def as_link(self, row: RowForm) -> dict[str, object]:
        """Gives the wire form of one link."""
        values = row.values
        target = values.pop(self.beyond, None)
        return {**values, ID: target or ""}

    def make_row(self, number: str, formdata: Any, row: Mapping[str, Any] | None) -> RowForm:
        """Gives the form of one link."""
        if row is not None:
            row = {
                **{name: value for name, value in row.items() if name != ID},
                self.beyond: row[ID],
            }
        return super().make_row(number, formdata, row)


class RowForm:
    """One row of a table: its form, its id, and what is wrong with it."""

    def __init__(
        self, kind: Any, prefix: str, formdata: Any, row: Mapping[str, Any] | None
    ) -> None:
        self.prefix = prefix
        self.form = kind(formdata, row, prefix) if kind is not None else None
        given = formdata.get(f"{prefix}{ID}") if formdata is not None else (row or {}).get(ID)
        self.id = str(given).strip() if given else ""
        self.is_deleted = formdata is not None and bool(formdata.get(f"{prefix}{DELETED}"))
        self.errors: list[str] = []

    @property
    def cells(self) -> list[WireField]:
        """Gives the inputs in their order."""
        found = self.form._fields.values() if self.form is not None else ()
        return [cell for cell in found if isinstance(cell, WireField)]

    @property
    def is_meant(self) -> bool:
        """Says whether the row is to be saved."""
        if self.is_deleted:
            return False
        return bool(self.id) or any(cell.is_filled for cell in self.cells)

    @property
    def values(self) -> dict[str, object]:
        """Gives the wire form of the row."""
        sent = dict(self.form.values) if self.form is not None else {}
        return {ID: self.id, **sent} if self.id else sent

    def refuse(self, place: Sequence[str], text: str) -> None:
        """Puts a message at a cell, else at the row."""
        cell = next((c for c in self.cells if place and c.definition.name == place[0]), None)
        if cell is None:
            self.errors.append(text)
        else:
            cell.refuse(place[1:], text)


def numbers_in(formdata: Any, name: str) -> Iterator[str]:
    """Gives the numbers of the rows that were sent, in the order of their first inputs."""
    pattern = re.compile(rf"{re.escape(name)}-([0-9]{{1,6}})-", re.ASCII)
    found = (pattern.match(key) for key in formdata)
    return iter(dict.fromkeys(match[1] for match in found if match))
