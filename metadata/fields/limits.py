"""Standard JSON Schema keywords compiled into checks of a field's values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import re2

from metadata.fields.base import Check, Flaw, Refused
from rule_engine.values import Money

MAX_PATTERN_LENGTH: Final = 200
SIZES: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
LIMITS: Final = SIZES | BOUNDS | {"multipleOf", "pattern", "uniqueItems"}
"""Keywords that judge values; enum, const and format are read by the types themselves."""


def number_of(value: object) -> Decimal:
    """Gives the number that bounds judge: of money its amount."""
    if isinstance(value, Money):
        return value.amount
    return value if isinstance(value, Decimal) else Decimal(str(value))


def as_decimal(limit: object) -> Decimal | None:
    """Gives a JSON number exactly as written; None when it is not a number."""
    if isinstance(limit, bool) or not isinstance(limit, (int, float, Decimal)):
        return None
    number = Decimal(str(limit))
    return number if number.is_finite() else None


def plain(number: Decimal) -> str:
    """Writes a number without exponent and without zeros at its end."""
    return f"{number.normalize():f}"


def bound(code: str, limit: Decimal, fails: Callable[[Decimal, Decimal], bool]) -> Check:
    """Makes a check that refuses numbers for which `fails(number, limit)`."""

    def check(value: object) -> None:
        if fails(number_of(value), limit):
            raise Refused(code, limit=plain(limit))

    return check


def size(code: str, limit: int, fails: Callable[[int, int], bool]) -> Check:
    """Makes a check that refuses texts (in code points) and sets of a wrong length."""

    def check(value: object) -> None:
        length = len(value) if isinstance(value, (str, frozenset)) else 0
        if fails(length, limit):
            raise Refused(code, limit=limit, length=length)

    return check


def multiple(limit: Decimal) -> Check:
    """Makes a check that a number is a multiple of `limit`."""

    def check(value: object) -> None:
        try:
            rest = number_of(value) % limit
        except InvalidOperation:
            rest = Decimal(1)
        if rest:
            raise Refused("multiple", limit=plain(limit))

    return check


def pattern(text: str) -> Check:
    """Makes a check by an unanchored RE2 search. Raises re2.error for a bad pattern."""
    options = re2.Options()
    options.log_errors = False
    compiled = re2.compile(text, options)

    def check(value: object) -> None:
        if compiled.search(str(value)) is None:
            raise Refused("pattern", pattern=text)

    return check


NUMBER_CHECKS: Final[Mapping[str, tuple[str, Callable[[Decimal, Decimal], bool]]]] = {
    "minimum": ("minimum", Decimal.__lt__),
    "maximum": ("maximum", Decimal.__gt__),
    "exclusiveMinimum": ("exclusive_minimum", Decimal.__le__),
    "exclusiveMaximum": ("exclusive_maximum", Decimal.__ge__),
}
SIZE_CHECKS: Final[Mapping[str, tuple[str, Callable[[int, int], bool]]]] = {
    "minLength": ("min_length", int.__lt__),
    "maxLength": ("max_length", int.__gt__),
    "minItems": ("min_items", int.__lt__),
    "maxItems": ("max_items", int.__gt__),
}


def compile_limits(limits: Mapping[str, object]) -> tuple[tuple[Check, ...], list[Flaw]]:
    """Gives the checks of a property's standard keywords, and what is wrong with these."""
    checks: list[Check] = []
    flaws: list[Flaw] = []
    for keyword, limit in limits.items():
        try:
            checks.extend(compile_limit(keyword, limit))
        except Refused as refused:
            flaws.append(Flaw(f"/{keyword}", refused.code, refused.values))
    return tuple(checks), flaws


def compile_limit(keyword: str, limit: object) -> Iterator[Check]:
    """Gives the checks of one keyword. Raises Refused for a limit that makes no sense."""
    if keyword in NUMBER_CHECKS or keyword == "multipleOf":
        number = as_decimal(limit)
        if number is None or (keyword == "multipleOf" and number <= 0):
            raise Refused("limit_number", keyword=keyword)
        if keyword == "multipleOf":
            yield multiple(number)
        else:
            yield bound(NUMBER_CHECKS[keyword][0], number, NUMBER_CHECKS[keyword][1])
    elif keyword in SIZE_CHECKS:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise Refused("limit_size", keyword=keyword)
        yield size(SIZE_CHECKS[keyword][0], limit, SIZE_CHECKS[keyword][1])
    elif keyword == "pattern":
        yield compile_pattern(limit)


def compile_pattern(limit: object) -> Check:
    """Gives the check of a `pattern`. Raises Refused when RE2 cannot read it."""
    if not isinstance(limit, str) or len(limit) > MAX_PATTERN_LENGTH:
        raise Refused("limit_pattern_length", limit=MAX_PATTERN_LENGTH)
    try:
        return pattern(limit)
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        shown = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        raise Refused("limit_pattern", detail=shown) from error


def among(values: Iterable[object], code: str, shown: object) -> Check:
    """Makes a check that a value is one of some."""
    allowed = list(values)

    def check(value: object) -> None:
        if value not in allowed:
            raise Refused(code, allowed=shown)

    return check
