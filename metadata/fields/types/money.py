"""Amounts of money, each in its own currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal as Number
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from metadata.fields.base import (
    ENGLISH,
    UTC,
    FieldDefinition,
    Flaw,
    Parameters,
    Refused,
)
from metadata.fields.currencies import CURRENCIES, digits_of, suggest_currency
from metadata.fields.inputs import MoneyField
from metadata.fields.numbers import fit, read_decimal, shown
from metadata.fields.types.decimal import Decimal
from rule_engine.columns import Scaled
from rule_engine.types import Kind
from rule_engine.values import Money as Amount

DEFAULT_CURRENCY = "CNY"
STORAGE_SCALE = 4
"""Places in the column: enough for the currency that has most."""


class Money(Decimal):
    """An amount with as many places as its currency has, unless `scale` says otherwise."""

    name = "money"
    input = MoneyField
    kind = Kind.MONEY
    json_types = ("number", "object", "string", "integer")
    parts = ("", "currency")
    cell = "money"
    parameters: ClassVar[Parameters] = {
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "scale": {"type": "integer", "minimum": 0, "maximum": STORAGE_SCALE},
    }

    def storage(self, field: FieldDefinition) -> sa.types.TypeEngine[Any]:
        """Gives the amount's type, which does not depend on the currency."""
        return Scaled(STORAGE_SCALE)

    def to_parts(self, value: object, field: FieldDefinition) -> dict[str, object]:
        """Gives amount and currency."""
        if not isinstance(value, Amount):
            return {"": None, "currency": None}
        return {"": value.amount, "currency": value.currency}

    def from_parts(self, parts: Mapping[str, object], field: FieldDefinition) -> object:
        """Gives the amount with the places of its currency."""
        amount, currency = parts[""], str(parts["currency"])
        if amount is None:
            return None
        return Amount(fit(Number(str(amount)), self.places(currency, field)), currency)

    def coerce(self, wire: object, field: FieldDefinition, zone: ZoneInfo = UTC) -> object:
        """Reads `{amount, currency}`, or a bare number in the field's currency."""
        given, currency = wire, field.text("currency") or DEFAULT_CURRENCY
        if isinstance(wire, Amount):
            given, currency = wire.amount, wire.currency
        elif isinstance(wire, Mapping):
            if not set(wire) <= {"amount", "currency"} or "amount" not in wire:
                raise Refused("money_shape")
            given, currency = wire["amount"], read_currency(wire.get("currency"), currency)
        number = read_decimal(given)
        if number is None:
            return None
        return Amount(fit(number, self.places(currency, field), STORAGE_SCALE), currency)

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
