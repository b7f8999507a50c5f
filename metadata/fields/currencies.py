"""Currencies of ISO 4217 in use, and how many places their amounts have."""

from __future__ import annotations

from typing import Final

from metadata.json_text import nearest

CODES: Final = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES: Final = frozenset(CODES.split())
USUAL: Final = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP")
"""What forms offer."""
NO_PLACES: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
THREE_PLACES: Final = "BHD IQD JOD KWD LYD OMR TND"
DIGITS: Final = {
    **dict.fromkeys(NO_PLACES.split(), 0),
    **dict.fromkeys(THREE_PLACES.split(), 3),
    "CLF": 4,
}

USUAL_PLACES: Final = 2
OTHER_PLACES: Final = {
    count: tuple(code for code in DIGITS if DIGITS[code] == count) for count in (0, 3, 4)
}

POPULAR_NAMES: Final = {"RMB": "CNY", "NTD": "TWD", "STG": "GBP", "SFR": "CHF"}


def suggest_currency(code: str, default: str) -> str:
    """Gives the code that was probably meant."""
    return POPULAR_NAMES.get(code) or nearest(code, sorted(CURRENCIES)) or default


def digits_of(currency: str) -> int:
    """Gives the number of places after the point."""
    return DIGITS.get(currency, USUAL_PLACES)
