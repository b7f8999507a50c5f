"""The commands of `trellis rules`: what they print, whole, and how they end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from rule_engine.calendars.library import decreed_until
from tests.platform.test_cli import ROOT, run
from trellis.cli import trellis
from trellis.cli.rules import command as rules

DEAL = """\
{"$id": "deal", "title": "Deal", "type": "object",
 "properties": {
  "name": {"type": "string"},
  "status": {"type": "string", "enum": ["new", "open", "won"], "title": "Stage"},
  "employees": {"type": "integer"},
  "points": {"type": "number"},
  "asked_at": {"type": "string", "format": "date-time"},
  "discount": {"type": "number", "crm": {"field": "percent"}}},
 "crm": {"plural": "Deals", "name_field": "name"}}
"""
RULES = """\
calendar office { timezone "UTC" hours monday to friday from 09:00 to 17:00 }
rule opened on deal before save order 1 {
    when employees > 5 and status is empty
    set status to "open"
}
rule told on deal after update {
    when status = "won"
    notify owner using "won"
}
validate sound on deal {
    require employees > 0 when status = "open" message "Say how many employees"
    forbid discount > 40% message "Too cheap" at discount
}
score fit on deal into points {
    base 1
    range 0 to 10
    add 8 when employees >= 10 because "Big"
    add 5 when discount is empty because "No discount"
    group "Small things" at most 2 { add 3 when status = "open" because "Open" }
    multiply by 0.5 when status = "won" because "Won already"
}
assign givers on deal after create {
    when employees > 1000 assign to role "Chief"
    otherwise assign to round_robin of team "Sales"
}
approval cheap on deal {
    enter when discount > 10%
    step boss { approvers manager of owner }
    step chief when discount > 20% { approvers role "Chief" }
}
sla help on deal {
    applies when status = "open"
    calendar office
    clock from asked_at
    target answer {
        met when status = "won"
        within 4 business hours when employees > 5
        otherwise within 1 business day
        at 50% { set name to "late" }
    }
}
"""
NOW = "2026-03-02T15:00:00Z"

#: Options that the page explains once, below the commands.
SHARED = ("--schema", "--language", "--now", "--timezone", "--rates", "--user", "--object")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an object and rules, which is the current one."""
    (tmp_path / "deal.json").write_text(DEAL)
    (tmp_path / "deal.rules").write_text(RULES, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_names_place_thing_and_way_out(files: Path) -> None:
    (files / "deal.rules").write_text("define a on deal as emploees > 5\n")
    done = run("rules", "check", "deal.json", "deal.rules")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'deal.rules:1:21: Deal has no field "emploees" (did you mean "employees"?)\n'
    )
    chinese = run("rules", "check", "deal.json", "deal.rules", "--language", "zh")
    assert chinese.returncode == 1
    assert chinese.stderr.startswith("deal.rules:1:21: ")
    assert "emploees" in chinese.stderr
    assert "has no field" not in chinese.stderr
    (files / "deal.rules").write_text("define a on deal as employees > 5\n")
    fine = run("rules", "check", "deal.json", "deal.rules")
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "1 rule files are fine\n", "")


def test_format_in_place_check_and_diff(files: Path) -> None:
    path = files / "deal.rules"
    path.write_text("define a on deal as employees>5 # why\n")
    checked = run("rules", "format", "--check", "deal.rules")
    assert (checked.returncode, checked.stdout) == (1, "would format deal.rules\n")
    shown = run("rules", "format", "--diff", "deal.rules")
    assert shown.returncode == 0
    assert shown.stdout == (
        "--- deal.rules\n+++ deal.rules\n@@ -1 +1 @@\n"
        "-define a on deal as employees>5 # why\n+define a on deal as employees > 5  # why\n"
    )
    assert path.read_text() == "define a on deal as employees>5 # why\n"
    done = run("rules", "format", ".")
    assert (done.returncode, done.stdout) == (0, "formatted deal.rules\n")
    assert path.read_text() == "define a on deal as employees > 5  # why\n"
    again = run("rules", "format", ".", "--check")
    assert (again.returncode, again.stdout) == (0, "1 rule files are formatted\n")
    path.write_text("define a on Deal as Stage is empty\n")
    assert run("rules", "format", "--schema", "deal.json", "deal.rules").returncode == 0
    assert path.read_text() == "define a on deal as status is empty\n"
    path.write_text("define a on\n")
    broken = run("rules", "format", "deal.rules")
    assert broken.returncode == 1
    assert broken.stderr.startswith("deal.rules:")
    assert path.read_text() == "define a on\n"


def test_format_from_standard_input_to_standard_output(files: Path) -> None:
    def formatted(text: str, *options: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(trellis, ["rules", "format", *options, "-"], input=text)
        return done.exit_code, done.stdout, done.stderr

    fine = "define 大 on deal as employees > 5\n"
    assert formatted("define 大 on deal as employees>5") == (0, fine, "")
    assert formatted(fine) == (0, fine, "")
    assert formatted("define a on deal as employees>5\n", "--check") == (1, "would format -\n", "")
    broken = formatted("define a on\n")
    assert broken[:2] == (1, "")
    assert broken[2].startswith("-:1:12: the text ends")
    assert formatted(fine, "deal.rules") == (2, "", UNUSUAL)


UNUSUAL = """\
Usage: trellis rules format [OPTIONS] FILES...
Try 'trellis rules format --help' for help.

Error: - stands alone
"""


EXPLAINED = {
    "opened": """\
rule opened: fires
  employees > 5 and status is empty is true
    employees > 5 is true
      employees is 12
    status is empty is true
      status is empty
  sets status to "open"
""",
    "told": """\
rule told: sleeps, this is no update
""",
    "sound": """\
validate sound:
  fine: Say how many employees
    employees > 0 is true
      employees is 12
  fine: Too cheap
    discount > 40% is false
      discount is 0.15
""",
    "fit": """\
score fit: points 10
  base 1
     +8  Big
      employees >= 10 is true
        employees is 12
      —  No discount
      discount is empty is false
        discount is 0.15
  group Small things: 3, at most 2 = 2
       +3  Open
        status = "open" is true
          status is open
      —  Won already
      status = "won" is false
        status is open
  total 11, at least 0, at most 10 = 10
""",
    "givers": """\
assign givers: to round_robin of team "Sales"
  not: role "Chief"
    employees > 1000 is false
      employees is 12
  chosen: round_robin of team "Sales"
""",
    "cheap": """\
approval cheap: can be submitted
  discount > 10% is true
    discount is 0.15
  step boss: needed, manager of owner
  step chief: left out
    discount > 20% is false
      discount is 0.15
""",
    "help": """\
sla help: applies
  status = "open" is true
    status is open
  target answer: running, late
    started 2026-03-02T10:00:00.000Z, PT4H of working time
    elapsed PT5H, due 2026-03-02T14:00:00.000Z
""",
}
RECORD = '{"name": "A", "employees": 12, "discount": "0.15", "asked_at": "2026-03-02T10:00:00Z"}'


def explain(*arguments: str) -> str:
    """Gives what `rules explain` prints of a record."""
    question = ("rules", "explain", "deal.json", "deal.rules", "--object", "deal", "--now", NOW)
    done = run(*question, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_explain_tells_everything_in_the_order_of_running(files: Path) -> None:
    order = ("opened", "sound", "fit", "told", "givers", "cheap", "help")
    assert explain("--record", RECORD) == "\n".join(EXPLAINED[name] for name in order)


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_tells_one_thing(files: Path, name: str) -> None:
    option = "--score" if name == "fit" else "--rule"
    assert explain("--record", RECORD, option, name) == EXPLAINED[name]


def test_explain_says_what_is_provisional(files: Path) -> None:
    text = RULES.replace("17:00 }", '17:00 holidays "CN public" }')
    (files / "deal.rules").write_text(text, "utf-8")
    known = decreed_until("CN")
    assert known is not None
    for year in (known, known + 1):
        record = RECORD.replace("2026", str(year))
        lines = explain(
            "--record", record, "--rule", "help", "--now", NOW.replace("2026", str(year))
        )
        assert (f"provisional: days off of {year} unknown" in lines) == (year > known)


IN_CHINESE = """\
score fit：points 10
  基础分 1
     +8  Big
      employees >= 10 成立
        employees 为 12
      —  No discount
      discount is empty 不成立
        discount 为 0.15
  分组 Small things：3，最高 2 = 2
       +3  Open
        status = "open" 成立
          status 为 open
      —  Won already
      status = "won" 不成立
        status 为 open
  合计 11，最低 0，最高 10 = 10

rule told：不参与，这不是更新

assign givers：分配给 round_robin of team "Sales"
  不符合：role "Chief"
    employees > 1000 不成立
      employees 为 12
  选中：round_robin of team "Sales"
"""


def test_explain_in_chinese(files: Path) -> None:
    whole = explain("--record", RECORD, "--language", "zh")
    assert IN_CHINESE in whole
    assert re.findall(r"(?m)^(?!.*[\u4e00-\u9fff：—]).+$", whole) == [
        "     +8  Big",
        "       +3  Open",
    ]
    question = ("rules", "explain", "deal.json", "deal.rules", "--language", "zh")
    unknown = run(*question, "--object", "deal", "--record", "{}", "--rule", "x")
    assert unknown.stderr.startswith("deal 上没有规则“x”；现有：cheap、fit、")
    record = run(*question, "--object", "deal", "--record", '{"employees": "x"}')
    assert record.stderr == "/employees: “x”不是数字\n"


TESTED = """\
test "small" of fit {
    given deal as d { employees: 3, discount: 15% }
    expect d.points = 2
    expect reason "Big"
}
test "empty" of fit { given deal as d { employees: 3 } }
"""


def test_tests_fail_in_chinese(files: Path) -> None:
    (files / "tests.rules").write_text(TESTED)
    done = run("rules", "test", "deal.json", "deal.rules", "tests.rules", "--language", "zh")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:7] == [
        "1..2",
        "not ok 1 - small",
        "  # 3:5: 期望 d.points = 2；d.points = 2 不成立，因为 d.points 为 1",
        "  # 4:5: 没有原因包含“Big”；没有原因",
        "not ok 2 - empty",
        "  # 6:1: 此测试没有任何期望",
        "# 从未成立：deal.rules:3:10 employees > 5 and status is empty",
    ]


def test_warnings_are_said_in_both_languages(files: Path) -> None:
    (files / "later.rules").write_text("rule later on deal after update { start crane }")
    check = ("rules", "check", "deal.json", "later.rules")
    assert run(*check).stderr == ('later.rules:1:41: no approval "crane" is among these rules\n')
    chinese = run(*check, "--language", "zh")
    assert (chinese.stdout, chinese.stderr) == (
        "1 个规则文件没有问题\n",
        "later.rules:1:41: 这些规则中没有审批“crane”\n",
    )


CHANGED = [
    (
        "told",
        '{"status": "won"}',
        'rule told: fires\n  status = "won" is true\n    status is won\n',
    ),
    (
        "opened",
        '{"employees": 3}',
        "rule opened: does not fire\n  employees > 5 and status is empty is false\n"
        "    employees > 5 is false\n      employees is 3\n    status is empty is true\n"
        "      status is empty\n",
    ),
    (
        "sound",
        '{"status": "open", "discount": "0.5"}',
        "validate sound:\n  refused: Say how many employees\n"
        "    employees > 0 is false because employees is empty\n  refused: Too cheap\n"
        "    discount > 40% is true\n      discount is 0.5\n",
    ),
    (
        "cheap",
        '{"discount": "0.05"}',
        "approval cheap: cannot be submitted\n  discount > 10% is false\n    discount is 0.05\n",
    ),
    (
        "help",
        '{"status": "open"}',
        'sla help: applies\n  status = "open" is true\n    status is open\n'
        "  its clock has no start: empty\n",
    ),
]


@pytest.mark.parametrize(("name", "record", "expected"), CHANGED)
def test_explain_says_why_not(files: Path, name: str, record: str, expected: str) -> None:
    assert explain("--record", record, "--old", "{}", "--rule", name) == expected


def test_explain_refuses_what_is_not_there(files: Path) -> None:
    question = ("rules", "explain", "deal.json", "deal.rules", "--record", "{}")
    unknown = run(*question, "--object", "dael")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("no object 'dael'; there are: ")
    nothing = run(*question, "--object", "deal", "--rule", "x")
    assert nothing.stderr == (
        "no rule 'x' on deal; there are: cheap, fit, givers, help, opened, sound, told\n"
    )
    record = run("rules", "explain", "deal.json", "deal.rules", "--object", "deal",
                 "--record", '{"employees": "x"}')  # fmt: skip
    assert (record.returncode, record.stderr) == (1, '/employees: "x" is not a number\n')


def test_the_page_names_every_option_of_every_command() -> None:
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    section = page.partition("## The commands\n")[2].partition("\n## ")[0]
    told = {
        name: {*re.findall(r"--[a-z]+", line), *SHARED}
        for name, line in re.findall(r"(?m)^\| `trellis rules (\w+) (.*)$", section)
    }
    missing = {
        (name, option)
        for name, command in rules.commands.items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option not in told[name]
    }
    assert missing == set()
    assert all(f"`{option}" in section for option in SHARED)


def test_graph(files: Path) -> None:
    done = run("rules", "graph", "deal.json", "deal.rules")
    assert done.returncode == 0
    assert (
        done.stdout
        == """\
rule opened --deal.status--> score fit
rule opened --deal.status--> sla help
sla help --deal.name--> sla help
rule told
assign givers
approval cheap
"""
    )
    chart = run("rules", "graph", "--mermaid", "deal.json", "deal.rules").stdout
    assert chart.startswith('flowchart LR\n    n0["rule opened"]\n')
    assert '"from": 0' in run("rules", "graph", "--json", "deal.json", "deal.rules").stdout
