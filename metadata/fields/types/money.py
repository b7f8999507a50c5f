"""Amounts of money, each in its own currency."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP
from decimal import Decimal as Number
from functools import partial
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    BASE,
    ENGLISH,
    UTC,
    FieldDefinition,
    Flaw,
    Parameters,
    Refused,
    Sample,
    Titles,
    Writer,
    physical_name,
)
from metadata.fields.currencies import (
    CURRENCIES,
    OTHER_PLACES,
    USUAL_PLACES,
    digits_of,
    suggest_currency,
)
from metadata.fields.inputs import MoneyField
from metadata.fields.numbers import fit, plain_number, read_decimal, shown
from metadata.fields.types.decimal import Decimal
from rule_engine.arithmetic import EXACT, to_base
from rule_engine.columns import MAX_DIGITS, Kept, Places, Scaled
from rule_engine.types import Kind, RateTable
from rule_engine.values import Money as Amount

DEFAULT_CURRENCY = "CNY"
AMOUNT: Final = re.compile(r"(\S+)\s+([A-Za-z]{3})", re.ASCII)
WRITTEN_AMOUNT: Final = re.compile(r"([^\d.+-]*)([+-]?[\d.][\d.,' _\xa0]*)([^\d.,]*)")
SIGNS: Final = {"¥": "CNY", "元": "CNY", "$": "USD", "€": "EUR", "£": "GBP", "HK$": "HKD"}
STORAGE_SCALE = 4
"""Places in the column: enough for the currency that has most."""


class Money(Decimal):
    """An amount with as many places as its currency has, unless `scale` says otherwise.

    Beside it stands what it was worth in the base currency by the rate in force on the day of the
    save (`metadata.exchange`): amounts are ordered by that, and later rates leave it alone.
    """

    name = "money"
    takes_any_value = True
    titles: ClassVar[Titles] = {"en": "Money", "zh": "金额"}
    icon = "banknote"
    group = "numbers"
    samples: ClassVar[tuple[Sample, ...]] = (
        Sample(
            {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
            (
                (12.5, {"amount": "12.50", "currency": "CNY"}),
                ({"amount": "7.6", "currency": "jpy"}, {"amount": "8", "currency": "JPY"}),
                ("9.9 USD", {"amount": "9.90", "currency": "USD"}),
            ),
            (
                *({"amount": 5, "currency": "XXQ"}, {"currency": "CNY"}),
                *({"amount": 1, "x": 2}, "5 pounds", "USD"),
            ),
        ),
    )
    conversions: ClassVar[frozenset[str]] = frozenset({"decimal", "integer", "text", "long_text"})
    input = MoneyField
    kind = Kind.MONEY
    json_types = ("number", "object", "string", "integer")
    parts = ("", "currency", BASE)
    sort_part = BASE
    filter_part = ""
    cell = "money"
    parameters: ClassVar[Parameters] = {
        "currency": {
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "description": "The currency (ISO 4217) of amounts that name none; CNY without it",
        },
        "currency_field": {
            "type": "string",
            "x-names": "field",
            "description": "The field of the record that holds the currency of its amounts",
        },
        "scale": {
            "type": "integer",
            "minimum": 0,
            "maximum": STORAGE_SCALE,
            "description": "Places after the point, when not those of the currency",
        },
    }

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the amount's type, which does not depend on the currency."""
        return Scaled(STORAGE_SCALE)

    def kept_form(self, field: FieldDefinition) -> Kept:
        """Gives the places of each currency; an amount without one is in the field's."""
        scale = field.parameters.get("scale")
        places = Places(scale) if isinstance(scale, int) else Places(USUAL_PLACES, OTHER_PLACES)
        own = field.text("currency") or DEFAULT_CURRENCY
        return Kept(self.storage(field), own, places, converts=True)

    def columns(self, field: FieldDefinition, physical: str) -> list[sa.Column[Any]]:
        """Gives the amount twice, the second time in the base currency."""
        stored = {"": self.storage(field), BASE: self.storage(field)}
        return [
            sa.Column(physical_name(physical, part), stored.get(part, sa.Text()))
            for part in self.parts
        ]

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives amount and currency; what it is worth takes rates."""
        if not isinstance(value, Amount):
            return dict.fromkeys(self.parts)
        return {"": value.amount, "currency": value.currency, BASE: None}

    def rated_parts(self, value: object, rates: RateTable) -> dict[str, object]:
        """Gives what an amount is worth in the base currency: nothing without a rate, and for more
        digits than a column has."""
        worth = to_base(value, rates) if isinstance(value, Amount) else None
        if worth is None:
            return {BASE: None}
        base = worth.amount.quantize(Number(1).scaleb(-STORAGE_SCALE), ROUND_HALF_UP, EXACT)
        return {BASE: base if base.adjusted() < MAX_DIGITS - STORAGE_SCALE else None}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the amount with the places of its currency."""
        amount, currency = parts[""], str(parts["currency"])
        if amount is None:
            return None
        base = parts.get(BASE)
        return Amount(
            fit(Number(str(amount)), self.places(currency, field)),
            currency,
            base=None if base is None else Number(str(base)),
        )

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `{amount, currency}`, or a bare number in the field's currency."""
        given, currency = wire, self.own_currency(field)
        if isinstance(wire, Amount):
            given, currency = wire.amount, wire.currency
        elif isinstance(wire, Mapping):
            if not set(wire) <= {"amount", "currency"} or "amount" not in wire:
                raise Refused("money_shape")
            given, currency = wire["amount"], read_currency(wire.get("currency"), currency)
        elif isinstance(wire, str) and (found := AMOUNT.fullmatch(wire.strip())) is not None:
            given, currency = found[1], read_currency(found[2], currency)
        number = read_decimal(given)
        if number is None:
            return None
        places = self.places(currency, field) if currency else STORAGE_SCALE
        return Amount(fit(number, places, STORAGE_SCALE), currency)

    def own_currency(self, field: FieldDefinition) -> str:
        """Gives the currency of amounts that are given without one; "" when the record has it."""
        if field.text("currency_field") is not None:
            return ""
        return field.text("currency") or DEFAULT_CURRENCY

    def neighbours(self, field: FieldDefinition) -> Mapping[str, str]:
        """Gives the field that holds the currency."""
        name = field.text("currency_field")
        return {} if name is None else {"/crm/currency_field": name}

    def in_record(
        self, value: object, field: FieldDefinition, record: Mapping[str, object], *, given: bool
    ) -> object:
        """Gives the amount in the record's currency; in the field's where the record has none."""
        if not isinstance(value, Amount):
            return value
        holder = field.text("currency_field") or ""
        currency = read_currency(record.get(holder), field.text("currency") or DEFAULT_CURRENCY)
        if given and value.currency not in ("", currency):
            raise Refused(
                "currency_differs", value=value.currency, currency=currency, holder=holder
            )
        return Amount(fit(value.amount, self.places(currency, field), STORAGE_SCALE), currency)

    def scale(self, field: FieldDefinition) -> int:
        """Gives the number of places of amounts in the field's currency."""
        return self.places(field.text("currency") or DEFAULT_CURRENCY, field)

    def places(self, currency: str, field: FieldDefinition) -> int:
        """Gives the number of places of amounts in a currency."""
        return field.number("scale", digits_of(currency))

    def digits(self, value: Amount, field: FieldDefinition) -> str:
        """Gives an amount with all its places."""
        return format(value.amount, f".{self.places(value.currency, field)}f")

    def to_wire(self, value: object, field: FieldDefinition) -> object:
        """Gives `{amount, currency}`."""
        if not isinstance(value, Amount):
            raise TypeError(f"{field.name} holds {value!r}, which is no Money")
        return {"amount": self.digits(value, field), "currency": value.currency}

    def writer(self, field: FieldDefinition) -> Writer:
        """Gives what does the same."""
        return partial(self.to_wire, field=field)

    def export(self, value: object, field: FieldDefinition) -> str:
        """Gives the amount, with its currency unless this is the field's."""
        if not isinstance(value, Amount):
            raise TypeError(f"{field.name} holds {value!r}, which is no Money")
        digits = self.digits(value, field)
        own = field.text("currency") or DEFAULT_CURRENCY
        is_own = value.currency == own and field.text("currency_field") is None
        return digits if is_own else f"{digits} {value.currency}"

    def display(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives amount and currency."""
        if not isinstance(value, Amount):
            return str(value)
        return f"{self.digits(value, field)} {value.currency}"

    def convert(
        self, value: object, field: FieldDefinition, after: FieldDefinition, zone: ZoneInfo = UTC
    ) -> object:
        """Gives a number its amount alone, a text amount and currency."""
        text = self.display(value, field)
        is_number = after.type.kind is Kind.NUMBER
        return after.type.read_text(text.partition(" ")[0] if is_number else text, after, zone)

    def read_text(self, text: str, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads an amount with grouping, and with a currency's code or sign on either side."""
        found = WRITTEN_AMOUNT.fullmatch(unicodedata.normalize("NFKC", text).strip())
        if found is None:
            return self.coerce(plain_number(text), field, zone)
        sign = (found[1] or found[3] or "").strip()
        currency = SIGNS.get(sign, sign)
        amount = plain_number(found[2])
        wire = {"amount": amount, "currency": currency} if currency else amount
        return self.coerce(wire, field, zone)

    def to_text(
        self, value: object, field: FieldDefinition, language: str = ENGLISH, zone: ZoneInfo = UTC
    ) -> str:
        """Gives the amount alone: forms have the currency beside it."""
        return self.digits(value, field) if isinstance(value, Amount) else str(value)

    def json_schema(self, field: FieldDefinition) -> dict[str, object]:
        """Gives the schema of both forms."""
        properties = {"amount": {"type": ["string", "number"]}, "currency": {"type": "string"}}
        shape = {"type": "object", "properties": properties, "required": ["amount"]}
        return {"anyOf": [shape, {"type": ["string", "number"]}]}

    def flaws(self, field: FieldDefinition) -> Iterator[Flaw]:
        """Finds an unknown currency."""
        currency = field.text("currency")
        if currency is not None and currency not in CURRENCIES:
            values = {"value": currency, "hint": suggest_currency(currency, DEFAULT_CURRENCY)}
            yield Flaw("/crm/currency", "currency", values)


def read_currency(given: object, default: str) -> str:
    """Gives a currency's ISO 4217 code; the default when none is given. Raises Refused."""
    if given is None or given == "":
        return default
    code = str(given).strip().upper()
    if code not in CURRENCIES:
        raise Refused("currency", value=shown(given), hint=suggest_currency(code, default))
    return code


TYPE = Money()
