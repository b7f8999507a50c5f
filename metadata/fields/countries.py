"""Countries of ISO 3166 with their names in the languages of the product."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale

from metadata.fields.texts import folded
from metadata.json_text import nearest

LANGUAGES: Final = ("en", "zh")
MORE_THAN_COUNTRIES: Final = "AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ"
"""Codes of CLDR that the standard does not have."""
SHORT_NAMES: Final = {"USA": "US", "UK": "GB", "UAE": "AE", "ROC": "TW", "PRC": "CN", "台湾": "TW"}


@cache
def country_names(language: str) -> Mapping[str, str]:
    """Gives the name of each country by its code, in the order of the names."""
    territories = Locale.parse(language if language in LANGUAGES else "en").territories
    others = MORE_THAN_COUNTRIES.split()
    codes = [str(code) for code in territories if str(code).isalpha() and len(str(code)) == 2]
    names = {code: str(territories[code]) for code in codes if code not in others}
    return dict(sorted(names.items(), key=lambda item: item[1]))


@cache
def codes_by_name() -> Mapping[str, str]:
    """Gives the code of each folded name and code."""
    found = {folded(name): code for name, code in SHORT_NAMES.items()}
    for language in LANGUAGES:
        found |= {folded(name): code for code, name in country_names(language).items()}
    found |= {folded(code): code for code in country_names("en")}
    return {str(name): code for name, code in found.items()}


def country_code(text: str) -> str | None:
    """Gives the code that a code or a name stands for."""
    return codes_by_name().get(str(folded(text.strip())))


def suggest_country(text: str) -> str | None:
    """Gives the code that was probably meant."""
    name = nearest(str(folded(text.strip())), codes_by_name())
    return codes_by_name()[name] if name else None
