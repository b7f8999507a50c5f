"""Texts on PostgreSQL. Its own case functions follow the locale, so letters are translated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import array

from rule_engine.backends.dialects.texts import TEXT, Condition, Texts, replaced, white_space
from rule_engine.backends.dialects.values import Element, literal, retype, verbatim
from rule_engine.text import MOST_GROWN, case_mapping

JSONB = postgresql.JSONB()
FEW = 4


class PostgresqlTexts(Texts):
    """Sets of choices are JSONB lists."""

    def fold(self, text: Element) -> Element:
        """Gives the NFC text with its letters folded."""
        return self.change_case("fold", _nfc(text))

    def clean(self, text: Element) -> Element:
        """Gives the trimmed NFC text."""
        return self.trim(_nfc(text))

    def change_case(self, kind: str, text: Element) -> Element:
        """Replaces the letters that become several, then translates the others."""
        before, after, several = case_mapping(kind)
        if len(several) <= FEW:
            for letter, letters in several:
                text = sa.func.replace(text, letter, letters)
        else:
            text = _replace_letters(text, dict(several))
        return sa.func.translate(text, before, after, type_=TEXT)

    def holds(self, kind: str, left: Element, right: Element) -> Condition:
        """Gives a test by strpos(), left() or right()."""
        if kind == "contains":
            position = sa.func.strpos(left, right, type_=sa.Integer())
            return position > verbatim(0)
        cut = sa.func.left if kind == "starts" else sa.func.right
        part: Element = cut(left, sa.func.length(right), type_=TEXT)
        return part == right

    def in_set(self, item: Element, choices: Element) -> Condition:
        """Gives `choices @> item`."""
        held: Condition = retype(choices, JSONB).contains(
            sa.func.to_jsonb(sa.cast(item, TEXT), type_=JSONB)
        )
        return held

    def same_set(self, left: Element, right: Element) -> Condition:
        """Compares the lists, which are stored sorted."""
        return retype(left, JSONB) == retype(right, JSONB)

    def size_of_set(self, choices: Element) -> Element:
        """Gives jsonb_array_length()."""
        size = sa.func.jsonb_array_length(choices)
        return sa.func.coalesce(size, verbatim(0), type_=sa.BigInteger())

    def joined(self, text: Element, separator: str, order: Sequence[Element]) -> Element:
        """Gives string_agg() with the order inside."""
        ordered = postgresql.aggregate_order_by(sa.literal(separator, TEXT), *order)
        return sa.func.string_agg(text, ordered, type_=TEXT)

    def _replaced(self, text: Element, old: Element, new: Element) -> Element:
        """Counts before it replaces; what is counted in stands in a row, to be written once."""
        call = sa.func.unnest(array([text]), array([old]), array([new]))
        row = call.table_valued("text", "part", "by").render_derived()
        whole, part, by = (retype(column, TEXT) for column in row.c)
        nothing = sa.literal("", TEXT)
        size, removed, added = map(_size, (whole, part, by))
        count = (size - _size(sa.func.replace(whole, part, nothing))).op("/")(
            sa.func.nullif(removed, verbatim(0))
        )
        grown = sa.func.coalesce(size + count * (added - removed), verbatim(0))
        fits = grown <= sa.func.greatest(size, verbatim(MOST_GROWN))
        made = sa.case((fits, replaced(whole, part, by)), else_=None)
        return retype(sa.select(made).select_from(row).scalar_subquery(), TEXT)

    def _strip(self, text: Element) -> Element:
        return sa.func.btrim(text, white_space(), type_=TEXT)


def _replace_letters(text: Element, letters: Mapping[str, str]) -> Element:
    """Looks every letter up: a chain of a hundred replace() is too deep for SQLAlchemy."""
    split = sa.func.unnest(sa.func.string_to_array(text, None))
    row = split.table_valued("letter", with_ordinality="place").render_derived()
    known = sa.cast(literal(json.dumps(letters), TEXT), JSONB)
    found = known.op("->>", return_type=TEXT)(row.c.letter)
    letter = sa.func.coalesce(found, row.c.letter, type_=TEXT)
    ordered = postgresql.aggregate_order_by(literal("", TEXT), row.c.place)
    joined = sa.select(sa.func.string_agg(letter, ordered, type_=TEXT)).select_from(row)
    return joined.scalar_subquery()


def _size(text: Element) -> Element:
    return sa.cast(sa.func.length(text), sa.BigInteger())


def _nfc(text: Element) -> Element:
    return sa.func.normalize(text, verbatim("NFC"), type_=TEXT)
