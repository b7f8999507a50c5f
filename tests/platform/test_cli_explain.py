"""`trellis rules explain` on an instance: its records are known, and its people are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platform.acting import make
from tests.platform.test_cli import run
from trellis.runtime import Platform

RULES = """\
assign givers on quote after create {
    when discount > 90% assign to role "sales_director"
    when account.name = "Acme" assign to role "Nobody" because "A friend"
    when name = "Q" assign to round_robin of role "sales_rep" capacity 1
}
approval big on quote {
    enter when discount > 1%
    step boss { approvers manager of owner }
    step money when account.name = "Acme" { approvers role "finance", role "Nobody" }
    step none { approvers role "Nobody" }
}
"""
EXPLAINED = """\
assign givers: to Ron, of round_robin of role "sales_rep"
  not: role "sales_director"
    discount > 90% is false
      discount is 0.05
  has nobody: role "Nobody", A friend
    account.name = "Acme" is true
      account.name is Acme
    role "Nobody" gives nobody
  chosen: round_robin of role "sales_rep"
    name = "Q" is true
      name is Q
    skipped: Rita has 1 of 1

approval big: can be submitted
  discount > 1% is true
    discount is 0.05
  step boss: needed, manager of owner: Mark
  step money: needed, role "finance", role "Nobody": Fay
    account.name = "Acme" is true
      account.name is Acme
  step none: needed, role "Nobody": nobody
"""


@pytest.mark.usefixtures("people")
def test_people_are_named(platform: Platform, tmp_path: Path) -> None:
    account = make(platform, "rita", "account", name="Acme")
    quote = make(platform, "rita", "quote", name="Q", discount="0.05", account=account)
    rules = tmp_path / "givers.rules"
    rules.write_text(RULES)
    question = ("rules", "explain", str(rules), "--object", "quote", "--record", quote)
    where = {
        "TRELLIS_INSTANCE": str(platform.settings.instance),
        "TRELLIS_DATABASE_URL": platform.settings.database_url,
        "TRELLIS_SECRET_KEY": platform.settings.secret_key,
    }
    told = [run(*question, "--rule", name, **where) for name in ("givers", "big")]
    assert [one.stderr for one in told] == ["", ""]
    assert "\n".join(one.stdout for one in told) == EXPLAINED
    chinese = run(*question, "--rule", "big", "--language", "zh", **where).stdout
    assert '  步骤 none：需要，role "Nobody"：无人\n' in chinese
