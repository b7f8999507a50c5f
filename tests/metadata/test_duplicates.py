"""Rules of duplicates as definitions, and the forms in which values are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metadata.checks import check_elements
from metadata.duplicates import normalise
from metadata.duplicates.companies import company
from metadata.duplicates.compare import similarity
from metadata.duplicates.definitions import Comparison
from metadata.duplicates.keys import groups_of
from metadata.elements import LOCAL, Element
from metadata.problems import sentence
from tests.metadata.matching import rule_of

FORMS: tuple[tuple[Callable[[str], str], str, str], ...] = (
    (company, "北京小米科技有限责任公司", "小米科技（北京）有限公司"),
    (company, "台積電股份有限公司", "台积电"),
    (company, "ＡＣＭＥ　Ｃｏ．，Ｌｔｄ．", "Acme Inc."),
    (company, "Müller & Söhne GmbH & Co. KG", "MULLER UND SOHNE GMBH"),
    (normalise.phone, "(010) 6552-9988", "+861065529988"),
    (normalise.phone, "0086-138 0013 8000", "１３８００１３８０００"),
    (normalise.email, " LI.Wei@Example.COM ", "li.wei@example.com"),
    (normalise.person, "Dr. Ada O'Brien", "ada obrien"),
    (normalise.person, "張偉先生", "张伟"),
    (normalise.address, "12 Main St, Apt 4", "12 main street unit 4"),
    (normalise.address, "中国北京市朝阳区建国路八八号", "北京朝阳建国路88"),
    (normalise.website, "https://www.acme.example/about?x=1", "ACME.example"),
)


@pytest.mark.parametrize(("form", "one", "other"), FORMS)
def test_versions_of_one_thing_have_one_form(
    form: Callable[[str], str], one: str, other: str
) -> None:
    assert form(one) == form(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("上海银行", "北京银行"), ("华为技术有限公司", "华润技术有限公司"), ("Acme", "Acne")],
)
def test_companies_that_are_two(one: str, other: str) -> None:
    assert company(one) != company(other)


def test_tags_and_points_of_mail_count_unless_declared() -> None:
    one, other = "li.wei+news@gmail.com", "liwei@googlemail.com"
    assert normalise.email(one) != normalise.email(other)
    assert normalise.email(one, plus=True) == normalise.email(other, plus=True)


@pytest.mark.parametrize(
    ("by", "kind", "one", "other", "least"),
    [
        ("pinyin", "person", "张伟", "章伟", 0.9),
        ("pinyin", "person", "陈静", "程京", 0.9),
        ("phonetic", "person", "smith", "smyth", 0.9),
        ("fuzzy", "person", "wei li", "li wei", 0.9),
        ("fuzzy", "date", "19900102", "19900201", 0.85),
        ("fuzzy", "code", "1804974", "1840974", 0.8),
    ],
)
def test_likeness(by: str, kind: str, one: str, other: str, least: float) -> None:
    comparison = Comparison("x", by, kind)
    assert least <= similarity(comparison, one, other) < 1
    assert similarity(comparison, one, "zzzzzz") < least


def test_keys_of_weak_fields_are_joined() -> None:
    assert groups_of(rule_of({"email": "email", "name": "person", "town": "place"})) == (
        ("email",),
        ("name", "town"),
    )


def problems(duplicates: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    body = {
        "title": "Thing",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "email": {"type": "string", "format": "email"},
            "token": {"type": "string", "crm": {"field": "secret"}},
        },
        "crm": {"plural": "Things", "duplicates": duplicates},
    }
    found = check_elements([Element("", "object", "thing", LOCAL, body)])
    return [
        (one.path, sentence(one, "en"), sentence(one, "zh"))
        for flaws in found.values()
        for one in flaws
    ]


RULE: dict[str, Any] = {"name": "r", "match": [{"field": "email"}, {"field": "name"}]}
FLAWS: dict[str, tuple[list[dict[str, Any]], str, str, str]] = {
    "twice": (
        [RULE, RULE],
        "/crm/duplicates/1/name",
        'two rules are called "r"; give each its own name',
        "有两条规则都叫“r”；请各取不同的名称",
    ),
    "secret": (
        [{"name": "r", "match": [{"field": "email"}, {"field": "token"}]}],
        "/crm/duplicates/0/match/1/field",
        '"token" (secret) tells nothing about whether two records are one; compare a field that '
        "people fill in: text, email, phone, date, number, choice, reference, name or address",
        "“token”（secret）无法说明两条记录是否为同一条；请比较由人填写的字段：文本、电子邮箱、电话、日期、"
        "数字、选项、关联、姓名或地址",
    ),
    "compared twice": (
        [{"name": "r", "match": [{"field": "email"}, {"field": "email"}]}],
        "/crm/duplicates/0/match/1/field",
        '"email" is compared twice; keep one of the two',
        "“email”被比较了两次；请只保留一次",
    ),
    "key": (
        [{**RULE, "match": [{"field": "email"}], "keys": [["name"]]}],
        "/crm/duplicates/0/keys/0/0",
        '"name" is not compared by this rule; keys are made of: email',
        "本规则并不比较“name”；键只能由这些字段组成：email",
    ),
    "unreachable": (
        [{"name": "r", "match": [{"field": "name", "as": "person"}]}],
        "/crm/duplicates/0/threshold",
        "two records that agree in every field are 0.17 certain to be one, which is less than the "
        "threshold 0.9; compare more fields, raise a weight or lower the threshold",
        "即使所有字段都一致，两条记录为同一条的把握也只有 0.17，低于阈值 0.9；"
        "请比较更多字段、提高权重或降低阈值",
    ),
}


@pytest.mark.parametrize("case", FLAWS)
def test_flaws(case: str) -> None:
    duplicates, *expected = FLAWS[case]
    assert problems(duplicates) == [tuple(expected)]


def test_a_rule_without_flaws() -> None:
    assert problems([{**RULE, "when": 'name != "x"'}]) == []
