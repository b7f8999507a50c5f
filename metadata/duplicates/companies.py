"""Names of companies without their legal form and seat: what is left is what people call them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from metadata.duplicates.scripts import is_han, plain, words_of

CHINESE_FORMS: Final = [
    "集团股份有限公司",
    "控股股份有限公司",
    "股份有限公司",
    "有限责任公司",
    "集团有限公司",
    "控股有限公司",
    "有限合伙企业",
    "普通合伙企业",
    "特殊普通合伙",
    "有限公司",
    "股份公司",
    "集团公司",
    "总公司",
    "分公司",
    "子公司",
    "公司",
    "有限合伙",
    "普通合伙",
    "合伙企业",
    "个人独资企业",
    "个体工商户",
    "集团",
    "控股",
    "株式会社",
    "有限会社",
    "合同会社",
]
"""Legal forms at the end of a Chinese name, the longer ones before those that they end with."""

WESTERN_FORMS: Final = frozenset(
    [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "co",
        "company",
        "companies",
        "ltd",
        "limited",
        "llc",
        "llp",
        "lp",
        "plc",
        "pllc",
        "pc",
        "pty",
        "pte",
        "pvt",
        "private",
        "sdn",
        "bhd",
        "gmbh",
        "mbh",
        "ag",
        "kg",
        "kgaa",
        "ohg",
        "gbr",
        "ug",
        "se",
        "eg",
        "ev",
        "sa",
        "sas",
        "sarl",
        "sarlu",
        "eurl",
        "sasu",
        "sadecv",
        "snc",
        "scs",
        "sca",
        "spa",
        "srl",
        "srls",
        "sapa",
        "sl",
        "slu",
        "sau",
        "sc",
        "cv",
        "rl",
        "bv",
        "nv",
        "vof",
        "bvba",
        "sprl",
        "asbl",
        "vzw",
        "ab",
        "aktiebolag",
        "aktiengesellschaft",
        "as",
        "asa",
        "aps",
        "oy",
        "oyj",
        "oü",
        "ou",
        "sia",
        "uab",
        "doo",
        "dd",
        "ad",
        "ood",
        "eood",
        "kft",
        "zrt",
        "nyrt",
        "rt",
        "sro",
        "as",
        "vos",
        "ks",
        "spzoo",
        "spolka",
        "zoo",
        "ooo",
        "oao",
        "zao",
        "pao",
        "ltda",
        "eireli",
        "me",
        "sab",
        "cv",
        "kk",
        "yk",
        "gk",
        "holding",
        "holdings",
        "group",
        "gruppe",
        "groupe",
        "grupo",
        "gruppo",
        "the",
        "and",
        "und",
        "et",
        "y",
    ]
)
"""Words of legal forms, and those around them, with their points taken out."""

CHINESE_PLACES: Final = [
    "中国",
    "北京",
    "上海",
    "天津",
    "重庆",
    "河北",
    "山西",
    "辽宁",
    "吉林",
    "黑龙江",
    "江苏",
    "浙江",
    "安徽",
    "福建",
    "江西",
    "山东",
    "河南",
    "湖北",
    "湖南",
    "广东",
    "海南",
    "四川",
    "贵州",
    "云南",
    "陕西",
    "甘肃",
    "青海",
    "台湾",
    "内蒙古",
    "广西",
    "西藏",
    "宁夏",
    "新疆",
    "香港",
    "澳门",
    "深圳",
    "广州",
    "杭州",
    "南京",
    "苏州",
    "成都",
    "武汉",
    "西安",
    "青岛",
    "大连",
    "厦门",
    "宁波",
    "无锡",
    "长沙",
    "郑州",
    "济南",
    "沈阳",
    "哈尔滨",
    "长春",
    "福州",
    "合肥",
    "昆明",
    "南昌",
    "石家庄",
    "太原",
    "南宁",
    "贵阳",
    "兰州",
    "海口",
    "乌鲁木齐",
    "佛山",
    "东莞",
    "珠海",
    "温州",
    "常州",
    "南通",
    "烟台",
    "嘉兴",
    "绍兴",
    "泉州",
    "金华",
    "台州",
    "惠州",
    "中山",
    "徐州",
]
"""Seats that stand in front of a name or in brackets: provinces, and cities with many companies."""

PLACE_ENDS: Final = ["壮族自治区", "回族自治区", "维吾尔自治区", "特别行政区", "自治区", "省", "市"]
BRACKETS: Final = re.compile(r"[(\[【〔（](.*?)[)\]】〕）]")
POINTS: Final = re.compile(r"(?<=\w)[.'’](?=\w|\s|,|$|&)")
SHORTEST: Final = 2
"""Characters that must be left when a legal form is taken off; one more when a seat is: 上海银行
and 北京银行 are two banks."""


@lru_cache(maxsize=65_536)
def company(name: str) -> str:
    """Gives a company's name in comparable form; never empty for a name that has letters."""
    text = plain(name)
    if is_han(text):
        return chinese_company(text)
    words = words_of(POINTS.sub("", BRACKETS.sub(" ", text)))
    kept = [word for word in words if word not in WESTERN_FORMS]
    return " ".join(kept or words)


def chinese_company(text: str) -> str:
    """Gives a Chinese name without legal form, brackets that name a seat, and the seat before it.

    A bracket that names no seat (a brand, a branch) is kept; a seat without a legal form too: it
    is the name of a school or an office.
    """
    text = BRACKETS.sub(lambda found: kept_bracket(found[1]), text)
    text = "".join(words_of(text))
    name = without_form(text)
    return name if name == text else without_place(name)


def kept_bracket(inner: str) -> str:
    """Gives what of a bracket belongs to the name."""
    return "" if bare_place(inner) in CHINESE_PLACES or inner in CHINESE_FORMS else inner


def bare_place(text: str) -> str:
    """Gives a place without the word for what it is."""
    for end in PLACE_ENDS:
        if text.endswith(end) and len(text) > len(end) + 1:
            return text.removesuffix(end)
    return text


def without_form(text: str) -> str:
    """Gives a name without the legal forms at its end."""
    while True:
        form = next((one for one in CHINESE_FORMS if text.endswith(one)), None)
        if form is None or len(text) - len(form) < SHORTEST:
            return text
        text = text.removesuffix(form)


def without_place(text: str) -> str:
    """Gives a name without the seat at its beginning, as long as a name is left."""
    for place in CHINESE_PLACES:
        if not text.startswith(place):
            continue
        rest = text.removeprefix(place)
        end = next((one for one in PLACE_ENDS if rest.startswith(one)), "")
        rest = rest.removeprefix(end)
        if len(rest) > SHORTEST:
            return without_place(rest)
    return text
