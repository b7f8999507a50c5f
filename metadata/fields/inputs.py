"""Form inputs: WTForms fields that show values as text and give them back in wire form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup
from wtforms import Field
from wtforms.widgets import (
    CheckboxInput,
    DateInput,
    DateTimeLocalInput,
    EmailInput,
    TelInput,
    TextArea,
    TextInput,
    TimeInput,
    URLInput,
    html_params,
)

from metadata.fields.base import FieldDefinition, FormSetting, choose_label
from metadata.fields.currencies import USUAL
from metadata.fields.markup import clean_html
from metadata.fields.numbers import plain_number
from metadata.fields.option import OptionDefinition
from metadata.fields.values import read_value

Attributes = Mapping[str, str | bool]
CHECKED_NO: Final = frozenset({"", "false", "0", "n"})


class WireField(Field):
    """An input for one field of a record.

    It is filled with values in their Python form; `data` is the wire form of what it holds, and
    `shown` the text of the input, which stays as typed when it makes no sense.
    """

    widget: Any = TextInput()
    control: ClassVar[str] = "line"
    """Which control shows the input on a page: the macro `control_<name>` of
    `templates/macros/form.html`."""
    input_attributes: ClassVar[Attributes] = {}

    def __init__(self, definition: FieldDefinition, setting: FormSetting, **options: Any) -> None:
        self.definition = definition
        self.setting = setting
        self.shown = ""
        attributes = {**self.input_attributes, **setting.attributes}
        label = definition.label(setting.language)
        super().__init__(label, render_kw=attributes, **options)
        if "required" in attributes:
            self.flags.required = True

    @property
    def is_sent(self) -> bool:
        """Says whether the form that was sent holds this input."""
        return bool(self.raw_data)

    def process_data(self, value: object) -> None:
        """Shows a value in its Python form."""
        kind, setting = self.definition.type, self.setting
        if value is None:
            self.shown, self.data = "", None
            return
        self.shown = kind.to_text(value, self.definition, setting.language, setting.zone)
        self.data = kind.to_wire(value, self.definition)

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes what was typed."""
        if valuelist:
            self.shown = str(valuelist[0])
            self.data = self.to_wire(self.shown.strip()) if self.shown.strip() else None

    def read(self, zone: ZoneInfo) -> object:
        """Gives the value of what the input holds. Raises Refused for what makes no sense."""
        return read_value(self.definition, self.data, zone)

    def to_wire(self, typed: str) -> object:
        """Gives the wire form of what was typed; text that makes no sense stays as it is."""
        return typed

    @property
    def is_filled(self) -> bool:
        """Says whether something was entered that is not there from the start."""
        if self.data in (None, "", False, []):
            return False
        return str(self.data) != str(self.definition.default)

    def refuse(self, place: Sequence[str], text: str) -> None:
        """Adds a message; `place` says where inside of the value the problem is."""
        self.errors = [*self.errors, text]

    def told(self) -> Iterator[tuple[str, str, str]]:
        """Gives every message with the id and the title of the input that it is about."""
        yield from ((str(self.id), str(self.label.text), str(text)) for text in self.errors)

    def _value(self) -> str:
        return self.shown


class TextField(WireField):
    """One line of text."""


class LongTextField(WireField):
    """Several lines of text."""

    control = "text_area"
    widget = TextArea()
    input_attributes: ClassVar[Attributes] = {"rows": "4"}


class EmailField(WireField):
    """An address of electronic mail."""

    widget = EmailInput()
    input_attributes: ClassVar[Attributes] = {"autocomplete": "off"}


class PhoneField(WireField):
    """A telephone number."""

    widget = TelInput()
    input_attributes: ClassVar[Attributes] = {"autocomplete": "off"}


class UrlField(WireField):
    """A web address."""

    widget = URLInput()


class NumberField(WireField):
    """A number; grouping commas and full-width digits are understood."""

    control = "number"
    input_attributes: ClassVar[Attributes] = {
        "inputmode": "decimal",
        "autocomplete": "off",
    }

    def to_wire(self, typed: str) -> object:
        """Gives the number without grouping."""
        return plain_number(typed)


class IntegerField(NumberField):
    """A whole number."""

    input_attributes: ClassVar[Attributes] = {
        "inputmode": "numeric",
        "autocomplete": "off",
    }


class DateField(WireField):
    """A day."""

    widget = DateInput()


class DateTimeField(WireField):
    """An instant in the reader's zone."""

    widget = DateTimeLocalInput()
    input_attributes: ClassVar[Attributes] = {"step": "1"}


class BooleanField(WireField):
    """A check box; in a form that was sent, an absent one says no."""

    control = "check"
    widget = CheckboxInput()

    @property
    def is_sent(self) -> bool:
        """Says whether the form was sent: nothing chosen is an answer too."""
        return self.raw_data is not None

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes the mark; without one the answer is no."""
        self.data = bool(valuelist) and str(valuelist[0]).lower() not in CHECKED_NO
        self.shown = "true" if self.data else ""

    def _value(self) -> str:
        return "true"


class OptionsWidget:
    """Shows options in a select element; the blank one is offered where one value is wanted."""

    def __call__(self, field: ChoiceField, **attributes: Any) -> Markup:
        """Gives the element with the chosen options selected."""
        shared = {"id": field.id, "name": field.name, "multiple": field.multiple, **attributes}
        blank = [] if field.multiple else [Markup('<option value=""></option>')]
        options = Markup("").join([*blank, *map(field.show_option, field.offered)])
        # html_params escapes each value
        return Markup(f"<select {html_params(**shared)}>{options}</select>")  # noqa: S704


class ChoiceField(WireField):
    """One of the options; a retired one is offered only where it is the value."""

    control: ClassVar[str] = "choice"
    widget = OptionsWidget()
    multiple: ClassVar[bool] = False
    held_back: frozenset[str] = frozenset()
    """Options that do not go with the other values of the record as it stands."""

    @property
    def offered(self) -> list[OptionDefinition]:
        """Gives the options to choose from."""
        chosen = self.chosen
        options = self.definition.options
        return [option for option in options if not option.retired or option.value in chosen]

    @property
    def chosen(self) -> frozenset[str]:
        """Gives the API values that are selected."""
        return frozenset({self.data} if isinstance(self.data, str) else ())

    def show_option(self, option: OptionDefinition) -> Markup:
        """Gives one option's element."""
        label = choose_label(option.labels, self.setting.language)
        selected = Markup(" selected") if option.value in self.chosen else ""
        return Markup('<option value="{}"{}>{}</option>').format(option.value, selected, label)


class MultiChoiceField(ChoiceField):
    """Any number of the options."""

    control = "choices"
    multiple = True

    @property
    def is_sent(self) -> bool:
        """Says whether the form was sent: nothing chosen is an answer too."""
        return self.raw_data is not None

    @property
    def chosen(self) -> frozenset[str]:
        """Gives the API values that are selected."""
        return frozenset(map(str, self.data)) if isinstance(self.data, list) else frozenset()

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes what is selected."""
        self.data = [str(value) for value in valuelist if str(value)]


class CodeField(LongTextField):
    """Several lines in letters of one width."""

    control = "code"
    input_attributes: ClassVar[Attributes] = {"rows": "6", "spellcheck": "false"}

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes what was typed with the spaces around it."""
        super().process_formdata(valuelist)
        if isinstance(self.data, str):
            self.data = self.shown


class RichTextField(WireField):
    """HTML: an editor on a page, its source without one. What is shown again was cleaned."""

    widget = TextArea()
    control = "rich_text"

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes what was written."""
        super().process_formdata(valuelist)
        self.shown = clean_html(self.shown)


class TimeField(WireField):
    """A time of the day."""

    widget = TimeInput()
    input_attributes: ClassVar[Attributes] = {"step": "1"}


class DurationField(WireField):
    """A length of time: `8:30`, `8h 30m`."""

    input_attributes: ClassVar[Attributes] = {"placeholder": "8:30", "autocomplete": "off"}


class RatingField(WireField):
    """Stars: one radio button each, and one for none."""

    control = "rating"

    @property
    def stars(self) -> range:
        """Gives the numbers of stars to choose from."""
        most = self.definition.type.json_schema(self.definition).get("maximum", 5)
        return range(1, int(str(most)) + 1)


class ColorField(WireField):
    """A colour as `#rrggbb`."""

    control = "color"
    input_attributes: ClassVar[Attributes] = {"autocomplete": "off", "maxlength": "7"}


class ReferenceField(WireField):
    """The id of another record, as text; `data-object` says of which object, for the picker."""

    control = "reference"
    input_attributes: ClassVar[Attributes] = {"autocomplete": "off", "data-reference": True}


class MoneyWidget:
    """Shows an amount and its currency side by side."""

    amount = TextInput()

    def __call__(self, field: MoneyField, **attributes: Any) -> Markup:
        """Gives both inputs."""
        amount = self.amount(field, **attributes)
        currency = html_params(
            type="text",
            id=f"{field.id}-currency",
            name=field.currency_name,
            value=field.currency,
            maxlength=3,
            size=3,
            aria_label=f"{field.label.text}: {field.currency_label}",
            autocomplete="off",
            data_currency=True,
        )
        # html_params escapes each value
        return Markup(f'<span class="money">{amount}<input {currency}></span>')  # noqa: S704


class MoneyField(NumberField):
    """An amount, and in a second input `<name>-currency` its currency."""

    control = "money"
    widget = MoneyWidget()
    currency_labels: ClassVar[Mapping[str, str]] = {"en": "currency", "zh": "币种"}

    def __init__(self, definition: FieldDefinition, setting: FormSetting, **options: Any) -> None:
        super().__init__(definition, setting, **options)
        self.currency_name = f"{self.name}-currency"
        self.currency = definition.text("currency") or ""

    @property
    def currencies(self) -> tuple[str, ...]:
        """Gives the currencies to choose from, the field's own first."""
        return tuple(dict.fromkeys(code for code in (self.currency, *USUAL) if code))

    @property
    def currency_label(self) -> str:
        """Gives the word that names the second input for those who cannot see it."""
        return self.currency_labels.get(self.setting.language, self.currency_labels["en"])

    def process_data(self, value: object) -> None:
        """Shows an amount and its own currency."""
        super().process_data(value)
        if isinstance(self.data, Mapping):
            self.currency = str(self.data["currency"])

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes both inputs."""
        sent = formdata.get(self.currency_name) if formdata is not None else None
        self.sent_currency = str(sent).strip().upper() if sent is not None else None
        super().process(formdata, *arguments, **options)

    @property
    def has_currency(self) -> bool:
        """Says whether the currency is chosen here, not in a field of its own."""
        return self.definition.text("currency_field") is None

    def to_wire(self, typed: str) -> object:
        """Gives amount and currency; the amount alone where the record has the currency."""
        if not self.has_currency:
            return plain_number(typed)
        if self.sent_currency is not None:
            self.currency = self.sent_currency
        return {"amount": plain_number(typed), "currency": self.currency}
