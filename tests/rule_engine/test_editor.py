"""Completion, hover, renaming and outline, as rows: what stands there, what is told."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rule_engine import RuleCheckError, compile_program, parse
from rule_engine.check.mentions import Sort, Thing
from rule_engine.editor import (
    RenameError,
    complete,
    find_references,
    hover,
    outline,
    rename,
    rename_all,
    rename_in_schema,
)
from rule_engine.editor.grammar_words import words
from rule_engine.editor.keywords import keyword_sentences
from rule_engine.editor.meanings import find_occurrences
from rule_engine.errors import Diagnostic, Span
from rule_engine.functions import functions
from rule_engine.types import Schema
from tests.rule_engine.schemas import SCHEMA

ROOT = Path(__file__).parents[2]
STEP = 1 if os.environ.get("TRELLIS_SOAK") else 26
TEXTS = {
    file.name: file.read_text("utf-8")
    for file in sorted(ROOT.glob("tests/rule_engine/examples/*.rules"))
}
AROUND = """\
calendar hq "Head office" { timezone "Asia/Shanghai" }
define big "Big one" on lead as employees > 5
score fit on lead into score { base 1 }
approval deal on quote { step first_look { approvers owner } step second { approvers owner } }
sla help on ticket { target response { met when status = "Open" otherwise within 1 hour } }
"""
NAMES = {"role": ("CFO", "Legal"), "channel": ("email",), "template": ("welcome",)}


def offered(text: str, *kinds: str) -> list[str]:
    """Gives what is offered behind a text, of some kinds."""
    text = AROUND + text
    found = complete(text, len(text), SCHEMA, names=NAMES)
    return [one.label for one in found if one.kind in kinds or not kinds]


KEYWORDS = [
    ("sla s on ticket { ", "applies calendar cancel clock pause restart target }"),
    ("sla s on ticket { target response { ", "at met otherwise pause within }"),
    ("approval a on quote { step x { decide by ", "anyone everyone majority"),
    ("rule r on lead ", "after before every"),
    (
        "rule r on lead before save { when status ",
        "and assign between call changed clear contains create ends escalate fail in is lock"
        " matches not notify older or set start starts stop unlock when ( . {",
    ),
    ("sla s on ticket { target r { within 8 ",
     "business days hours minutes months quarters weeks years"),
    ("score s on lead into score { add 5 when created_at in ", "false last next true ( ["),
    ("ap", "approval"),
    ("test \"t\" of fit { expect ", "error false if not reason true ( ["),
]  # fmt: skip


def test_at_the_beginning_statements_are_offered() -> None:
    expected = "approval assign calendar define rule ruleset score sla table test validate"
    assert [one.label for one in complete("", 0, SCHEMA)] == expected.split()


@pytest.mark.parametrize(("text", "expected"), KEYWORDS)
def test_keywords_are_offered_where_the_parser_takes_them(text: str, expected: str) -> None:
    assert offered(text, "keyword", "mark") == expected.split()


RULE = "rule r on lead before save { "
NAMED = [
    ("sla s on tic", "object", "ticket"),
    ("sla s on 线", "object", "xiansuo"),
    (RULE + "when account.reg", "field", "region"),
    (RULE + "when account.owner.te", "field", "team"),
    (RULE + "when old.acc", "field", "account"),
    (RULE + "when user.man", "field", "manager"),
    (RULE + "set x y z\nset accou", "field", "account"),
    (RULE + "set created", "field", ""),
    (RULE + "when creat", "field", "created_at"),
    (RULE + "when bi", "formula", "big"),
    (RULE + "create task { sub", "field", "subject"),
    ("validate v on xiansuo { require 行", "field", "industry"),
    ("define a on contract as `结", "field", "ends_on"),
    ("define a on opportunity as stage.", "attribute", "probability"),
    ("define a on lead as count(activities where ki", "field", "kind"),
    ("define a on lead as count(act", "link", "activities"),
    (RULE + "when status = ", "option", '"New" "Open" "Converted" "Disqualified"'),
    (RULE + 'when status in ["New", "O', "option", '"Open"'),
    (RULE + 'when "vip" in tags and tags contains ', "option", '"vip" "partner" "press"'),
    (RULE + 'when status changed from "N', "option", '"New"'),
    (RULE + "set industry to ", "option", '"Software" "SaaS" "Finance" "Retail"'),
    ("test \"t\" of fit { given lead { status: ", "option",
     '"New" "Open" "Converted" "Disqualified"'),
    ("table t on lead first { | industry | status => p\n| - | ", "option",
     '"New" "Open" "Converted" "Disqualified"'),
    ("score s on lead into score, score_grade { grade ", "option", '"A" "B" "C"'),
    (RULE + "when start_of(created_at, ", "word", '"year" "quarter" "month" "week" "day"'),
    ("approval a on quote { step x { due in 3 business days using ", "calendar", "hq"),
    ("rule r on quote after save { start ", "approval", "deal"),
    ("test \"t\" of ", ["score", "approval", "sla"], "fit deal help"),
    ("test \"t\" of deal { do ", "command", "submit approve reject recall save delete assign"),
    ("test \"t\" of fit { given lead as li { } expect l", "given", "li"),
    ("test \"t\" of fit { given lead as li { } expect li.sc", "field", "score score_grade"),
    ("test \"t\" of help { given ticket as t { } expect t.response.", "field",
     "elapsed due breached"),
    ("approval a on quote { step x { approvers ro", "person", "role round_robin"),
    ('approval a on quote { step x { approvers role "', "role", '"CFO" "Legal"'),
    ("approval a on quote { step one { approvers owner } step x { rejection returns to step ",
     "step", "one"),
    ("approval a on quote { step one { approvers owner } step x { approvers owner } } "
     "approval b on quote { step two { approvers owner } parallel { step y { approvers owner } "
     "step z { rejection returns to step ", "step", "two"),
    ("rule r on lead after save { notify owner by ", "channel", "email"),
    ("rule r on lead after save { notify owner using ", "template", '"welcome"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kinds", "expected"), NAMED)
def test_names_are_offered_where_they_fit(text: str, kinds: str | list[str], expected: str) -> None:
    wanted = [kinds] if isinstance(kinds, str) else kinds
    assert offered(text, *wanted) == expected.split()


def test_names_are_offered_in_a_statement_that_is_indented() -> None:
    text = "  define a on lead as employees > emp"
    assert [one.label for one in complete(text, len(text), SCHEMA)] == ["employees"]


def test_nothing_is_offered_in_comments_and_for_new_names() -> None:
    assert offered("# a comment") == []
    assert offered("score ") == []
    assert offered('rule r on lead before save { set remark to "free te') == []


def test_an_offer_tells_what_it_is_in_the_readers_language() -> None:
    text = "validate v on 线索 { require rev"
    (field,) = complete(text, len(text), SCHEMA, language="zh")
    assert (field.insert, field.detail, field.documentation) == ("revenue", "年收入", "金额")
    text = "define a on lead as roun"
    (function,) = complete(text, len(text), SCHEMA)
    assert function.insert == "round("
    assert function.detail == "round(x, [digits])"
    assert function.documentation == functions()["round"].doc
    (keyword,) = complete("valid", 5, SCHEMA, language="zh")
    assert keyword.documentation == "保存前必须满足的要求。"


@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 3_000))
@settings(deadline=None, max_examples=60)
def test_any_place_can_be_asked(name: str, offset: int) -> None:
    text = TEXTS[name][:offset]
    for one in complete(text, len(text), SCHEMA):
        assert one.insert
    found = hover(TEXTS[name], min(offset, len(TEXTS[name])), SCHEMA)
    assert found is None or found.text


def test_every_keyword_is_explained_in_both_languages() -> None:
    keywords = {word for some in words().values() for word in some if word[0].isalpha()}
    assert keywords - set(keyword_sentences()) == set()
    assert all(set(sentences) == {"en", "zh"} for sentences in keyword_sentences().values())


HOVERED = [
    ("lead_scoring.rules", "employees >=", "en", "Lead.Employees", "lead.employees: number"),
    ("lead_scoring.rules", "is_enterprise  ", "en", "Enterprise",
     "is_enterprise = employees >= 1000 or annual_revenue > 5亿 CNY"),
    ("lead_scoring.rules", "industry_points  ", "en", "Points by industry",
     "industry_points: industry, country => points (first)"),
    ("lead_scoring.rules", "5亿", "en", "5亿 CNY", "500,000,000 CNY"),
    ("lead_scoring.rules", '"Finance"', "en", "Finance", '"Finance" — lead.industry, 3/4'),
    ("lead_scoring.rules", "min(", "en", "min(x, …)", functions()["min"].doc),
    ("lead_scoring.rules", "activities", "en", "Activity",
     "lead.activities: activity.lead → lead"),
    ("lead_scoring.rules", "multiply", "zh", "multiply", "条件成立时乘以系数。"),
    ("ticket_sla.rules", "cn_office\n", "en", "China office hours",
     "Asia/Shanghai\nmonday – friday: 09:00–12:00, 13:30–18:00"),
    ("ticket_sla.rules", "4 business hours", "en", "4 business hours",
     "Working time of the calendar: only its hours count."),
    ("ticket_sla.rules", "15 minutes", "zh", "15 minutes",
     "按钟表时间计算，夜间、周末与节假日也计入。"),
    ("ticket_sla.rules", "80%", "en", "80%", "0.8"),
    ("discount_approval.rules", "director \"", "en", "Regional director",
     "discount_approval.director"),
    ("chinese.rules", "年收入", "zh", "线索.年收入", "xiansuo.revenue: 金额"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "word", "language", "title", "text"), HOVERED)
def test_hover(name: str, word: str, language: str, title: str, text: str) -> None:
    found = hover(TEXTS[name], TEXTS[name].index(word) + 1, SCHEMA, language=language)
    assert found is not None
    assert (found.title, found.text) == (title, text)


def test_hover_knows_what_else_parses() -> None:
    text = "rule broken on\ndefine a on lead as status is empty\n"
    found = hover(text, text.index("status"), SCHEMA)
    assert found is not None
    assert (found.title, found.span) == ("Lead.Status", Span(2, 21, 6))
    assert hover(text, 3, SCHEMA) is None
    late = "define a on lead as status is empty\nruleset late\n"
    found = hover(late, late.index("status"), SCHEMA)
    assert found is not None
    assert found.title == "Lead.Status"


def test_outline() -> None:
    found = outline(TEXTS["ticket_sla.rules"] + "\nrule broken")
    told = [(one.kind, one.name, one.label, [part.name for part in one.parts]) for one in found]
    assert told == [
        ("calendar", "cn_office", "China office hours", []),
        ("sla", "support", "Support, standard", ["response", "resolution"]),
    ]


# Renaming.


def things() -> list[Thing]:
    _, found = find_occurrences(TEXTS, SCHEMA)
    kept = ("object", "field", "link", "option", "formula", "calendar", "process", "step")
    known = {one.thing for one in found if one.thing.sort in kept}
    return sorted(known, key=lambda one: (one.sort, one.owner, one.name))


TIED = ("owner", "score", "score_grade", "user")  # the language itself knows these
SAMPLE = [one for one in things() if one.name not in TIED]


RENAMES = list(product(SAMPLE, ("quite_new", "step", "业务")))


@pytest.mark.soak
@pytest.mark.parametrize(("thing", "new"), RENAMES[::STEP], ids=str)
def test_renaming_changes_no_meaning_and_goes_back(thing: Thing, new: str) -> None:
    renamed = rename_all(TEXTS, SCHEMA, thing, new)
    changed = rename_in_schema(SCHEMA, {thing: new})
    assert codes(renamed, changed) == codes(TEXTS, SCHEMA)
    assert find_references(renamed, changed, thing) == []
    assert rename_all(renamed, changed, replace(thing, name=new), thing.name) == TEXTS


def test_a_score_and_the_field_of_its_grade_belong_together() -> None:
    text = 'score s on lead into score { grade "A" from 1 }\n'
    with pytest.raises(RenameError):
        rename(text, SCHEMA, "lead", "score", "points")
    both = text.replace("into score", "into score, score_grade")
    renamed = rename(both, SCHEMA, "lead", "score", "points")
    assert renamed == both.replace("into score,", "into points,")


def codes(texts: Mapping[str, str], schema: Schema) -> list[tuple[str, str]]:
    rulesets = [parse(text, source=source) for source, text in texts.items()]
    try:
        found: Sequence[Diagnostic] = compile_program(rulesets, schema).warnings
    except RuleCheckError as error:
        found = error.diagnostics
    return sorted((one.source, one.code) for one in found)


RENAMED = [
    (  # of this object only: the same name elsewhere, in texts and in comments stays
        "field", "lead", "status", "phase",
        'define a on lead as status = "status" or account.region = "x" # status\n'
        "define b on ticket as status is empty\n",
        'define a on lead as phase = "status" or account.region = "x" # status\n'
        "define b on ticket as status is empty\n",
    ),
    (
        "field", "account", "region", "zone",
        "define a on lead as account . region is empty and region is empty\n"
        "define b on account as count(leads where region = this.region) > 0\n",
        "define a on lead as account . zone is empty and region is empty\n"
        "define b on account as count(leads where region = this.zone) > 0\n",
    ),
    (
        "field", "lead", "employees", "order",
        "table t on lead first { | employees => p | > 5 => employees | - => 1 }\n"
        "validate v on lead { require employees > 1 message \"m\" at employees }\n"
        "test \"x\" of v { given lead as lead { employees: 5 } expect lead.employees = 5 }\n",
        "table t on lead first { | order => p | > 5 => order | - => 1 }\n"
        "validate v on lead { require order > 1 message \"m\" at order }\n"
        "test \"x\" of v { given lead as lead { order: 5 } expect lead.order = 5 }\n",
    ),
    (
        "option", "lead.status", "New", "Fresh \"one\"",
        'define a on lead as status = "New" or name = "New" or status in ["Open", "New"]\n'
        'table t on lead first { | name => to | - => "New" }\n'
        "rule r on lead before save { set status to t }\n",
        'define a on lead as status = "Fresh \\"one\\"" or name = "New"'
        ' or status in ["Open", "Fresh \\"one\\""]\n'
        'table t on lead first { | name => to | - => "Fresh \\"one\\"" }\n'
        "rule r on lead before save { set status to t }\n",
    ),
    (
        "object", "", "lead", "prospect",
        'define a on lead as employees > 1\nscore s on Lead into score { }\n',
        'define a on prospect as employees > 1\nscore s on Lead into score { }\n',
    ),
    (
        "calendar", "", "hq", "office",
        'calendar hq { timezone "UTC" }\nsla s on ticket { calendar hq }\n',
        'calendar office { timezone "UTC" }\nsla s on ticket { calendar office }\n',
    ),
    (
        "formula", "lead", "big", "large",
        "define big on lead as employees > 1\ndefine big on account as credit > 1 CNY\n"
        "define c on lead as big and account.big\n",
        "define large on lead as employees > 1\ndefine big on account as credit > 1 CNY\n"
        "define c on lead as large and account.big\n",
    ),
    (
        "step", "a", "one", "two",
        "approval a on quote { step one { approvers owner } step x { approvers owner\n"
        "rejection returns to step one } }\n",
        "approval a on quote { step two { approvers owner } step x { approvers owner\n"
        "rejection returns to step two } }\n",
    ),
    (
        "step", "s", "reply", "answer",
        "sla s on ticket { target reply { met when status is empty } }\n"
        'test "t" of s { given ticket as t { } expect t.reply.breached and t.status is empty }\n',
        "sla s on ticket { target answer { met when status is empty } }\n"
        'test "t" of s { given ticket as t { } expect t.answer.breached and t.status is empty }\n',
    ),
    (
        "field", "lead", "remark", "note",
        "table t on lead first { | remark | status => p\n| - | - => remark }\n",
        "table t on lead first { | note | status => p\n| - | - => note }\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sort", "owner", "old", "new", "text", "expected"), RENAMED)
def test_rename(sort: Sort, owner: str, old: str, new: str, text: str, expected: str) -> None:
    assert rename(text, SCHEMA, owner, old, new, sort=sort) == expected


def test_a_name_that_is_taken_is_refused() -> None:
    text = "define a on lead as employees > 1 and score > 2\n"
    with pytest.raises(RenameError) as raised:
        rename(text, SCHEMA, "lead", "employees", "score")
    taken = '"score" would mean something else somewhere; take another name'
    assert str(raised.value) == taken
    with pytest.raises(RenameError) as raised:
        rename(text.replace("2", "1"), SCHEMA, "lead", "employees", "score")
    assert str(raised.value) == f"{taken}\n<text>:1:35: this condition stands here twice"
    with pytest.raises(RenameError):
        rename(text, SCHEMA, "lead", "employees", "a`b")
