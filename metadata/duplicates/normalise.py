"""The comparable form of a value, by what kind of thing it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import phonenumbers

from metadata.duplicates.companies import company
from metadata.duplicates.scripts import is_han, plain, words_of

TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "sir",
        "dame",
        "herr",
        "frau",
        "dipl",
        "ing",
        "phd",
        "md",
        "jr",
        "sr",
        "ii",
        "iii",
        "esq",
    ]
)
CHINESE_TITLES: Final = re.compile(
    r"(?:先生|女士|小姐|太太|老师|博士|教授|经理|总监|总经理|董事长|医生|律师)$"
)
ALIASES: Final[Mapping[str, str]] = {"googlemail.com": "gmail.com"}
DOTLESS: Final = frozenset({"gmail.com"})
PHONE_LETTERS: Final = re.compile(r"(?:ext\.?|x|分机|转).*$", re.IGNORECASE)

STREET_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("st", "str", "street", "strasse"), "street"),
    **dict.fromkeys(("rd", "road"), "road"),
    **dict.fromkeys(("av", "ave", "aven", "avenue"), "avenue"),
    **dict.fromkeys(("bd", "blvd", "boulevard"), "boulevard"),
    **dict.fromkeys(("dr", "drv", "drive"), "drive"),
    **dict.fromkeys(("ln", "lane"), "lane"),
    **dict.fromkeys(("pl", "place"), "place"),
    **dict.fromkeys(("ct", "court"), "court"),
    **dict.fromkeys(("cres", "cresc", "crescent"), "crescent"),
    **dict.fromkeys(("cl", "close"), "close"),
    **dict.fromkeys(("cct", "circuit"), "circuit"),
    **dict.fromkeys(("sq", "square"), "square"),
    **dict.fromkeys(("hwy", "highway"), "highway"),
    **dict.fromkeys(("apt", "apartment", "flat", "unit", "suite", "ste", "room", "rm"), "unit"),
    **dict.fromkeys(("fl", "floor", "level"), "floor"),
    **dict.fromkeys(("bldg", "building", "tower"), "building"),
    **dict.fromkeys(("n", "north"), "north"),
    **dict.fromkeys(("s", "south"), "south"),
    **dict.fromkeys(("e", "east"), "east"),
    **dict.fromkeys(("w", "west"), "west"),
}
CHINESE_NUMBERS: Final = str.maketrans("〇零一二三四五六七八九", "00123456789")
NUMBERED: Final = re.compile(r"[〇零一二三四五六七八九]+(?=[号楼室层栋单幢座弄巷])")
PLACE_MARKS: Final = re.compile(r"(?:中国|中华人民共和国)|(?<=[^\d])(?:省|市|区|县)|[号栋幢座]")


@lru_cache(maxsize=65_536)
def email(text: str, *, plus: bool = False) -> str:
    """Gives an address in small letters; with `plus` without what gmail and others do not look at:
    tags after a plus, and the points of gmail."""
    name, _, domain = plain(text).replace(" ", "").rpartition("@")
    domain = ALIASES.get(domain, domain)
    if plus:
        name = name.partition("+")[0]
        name = name.replace(".", "") if domain in DOTLESS else name
    return f"{name}@{domain}" if name else domain


@lru_cache(maxsize=65_536)
def phone(text: str, *, region: str = "CN") -> str:
    """Gives a number in E.164; its digits where it is none."""
    line = PHONE_LETTERS.sub("", plain(text))
    if line.startswith("00"):
        line = f"+{line[2:]}"
    try:
        number = phonenumbers.parse(line, region)
    except phonenumbers.NumberParseException:
        return digits(line)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=65_536)
def person(text: str) -> str:
    """Gives a name's words in their order, without titles: Chinese ones as one word."""
    found = plain(text)
    if is_han(found):
        return CHINESE_TITLES.sub("", "".join(words_of(found)))
    words = [word for word in words_of(found.replace("'", "").replace("’", "")) if word]
    kept = [word for word in words if word not in TITLES]
    return " ".join(kept or words)


@lru_cache(maxsize=65_536)
def address(text: str) -> str:
    """Gives an address with its usual words written out, and Chinese ones without their marks."""
    found = plain(text)
    if is_han(found):
        found = NUMBERED.sub(lambda one: one[0].translate(CHINESE_NUMBERS), found)
        return PLACE_MARKS.sub("", "".join(words_of(found)))
    return " ".join(STREET_WORDS.get(word, word) for word in words_of(found))


@lru_cache(maxsize=65_536)
def line(text: str) -> str:
    """Gives the words of a text, folded."""
    return " ".join(words_of(plain(text)))


@lru_cache(maxsize=65_536)
def code(text: str) -> str:
    """Gives the letters and digits of a number, a code or a key."""
    return "".join(words_of(plain(text)))


@lru_cache(maxsize=65_536)
def digits(text: str) -> str:
    """Gives the digits of a text."""
    return "".join(one for one in text if one.isdigit())


@lru_cache(maxsize=65_536)
def website(text: str) -> str:
    """Gives the host of an address in the web, without www."""
    host = plain(text).partition("://")[2] or plain(text)
    return host.split("/", 1)[0].split("?", 1)[0].removeprefix("www.").rstrip(".")


NORMALISERS: Final[Mapping[str, Callable[[str], str]]] = {
    "person": person,
    "name_part": person,
    "company": company,
    "address": address,
    "email": email,
    "phone": phone,
    "date": digits,
    "code": code,
    "category": code,
    "place": line,
    "website": website,
    "text": line,
}
"""By what a comparison is `as`."""
