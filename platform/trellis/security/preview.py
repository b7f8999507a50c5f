"""Seeing the pages as somebody else does, read only: for administrators, in their own session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from flask import g, request, session
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from metadata.problems import Problem
from trellis import current
from trellis.audit.events import note
from trellis.errors import Missing, NotAllowed
from trellis.faults import answer
from trellis.security.access import Account, make_principal
from trellis.security.standing import Standing
from trellis.unit import Unit

PREVIEW: Final = "preview"
USER, ROLE = "user", "role"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
END: Final = "preview.end"
"""The endpoint that ends a preview."""
LEAVING: Final = frozenset({END, "LoginView.logout"})
WRITING_READS: Final = frozenset({"profile.switch_language"})
"""Endpoints that write although they are asked by GET."""


def seen_as(account: Account) -> Account:
    """Gives the account whose eyes a session sees with: its own, or the one that an administrator
    chose. What was chosen counts only as long as both may act and the administrator is one."""
    wanted = session.get(PREVIEW)
    if not isinstance(wanted, Mapping) or not account.principal.may_administer:
        return account
    if wanted.get("kind") == USER:
        other = current.load_account(int(wanted["id"]))
        return account if other is None else replace(other, real=account)
    return as_role(account, str(wanted.get("id")))


def as_role(account: Account, role: str) -> Account:
    """Gives the account as if it held one role and no other; its own where there is no such."""
    catalog = current.catalog()
    user = account.principal.user
    if role not in catalog.roles or user is None:
        return account
    standing = Standing(current.connection(), catalog, current.moment().today)
    team = user.get("team")
    person = standing.person(account.user_id, str(team) if team else None, current.moment().now)
    principal = make_principal(catalog, user, person, frozenset({role}))
    return replace(account, principal=principal, permissions=frozenset(), real=account)


def start_as_user(unit: Unit, user_id: str) -> None:
    """Lets the acting administrator see with a user's eyes from the next request on.

    Raises NotAllowed for who may not administer, Missing for who could not log in.
    """
    demand_administrator(unit)
    user = unit.as_automation().records().get("user", user_id, ["account", "active"])
    if user is None or not user["active"] or user_id == unit.user_id:
        raise Missing([Problem("", "preview_of_nobody")])
    note(unit, PREVIEW, object="user", record_ids=[user_id], values={"begun": True})
    session[PREVIEW] = {"kind": USER, "id": int(str(user["account"])), "user": user_id}


def start_as_role(unit: Unit, role: str) -> None:
    """Lets the acting administrator see what a role opens, standing where she stands.

    Raises NotAllowed for who may not administer, Missing for no role.
    """
    demand_administrator(unit)
    if role not in unit.catalog.roles:
        raise Missing([Problem("", "preview_of_nobody")])
    note(unit, PREVIEW, values={"role": role, "begun": True})
    session[PREVIEW] = {"kind": ROLE, "id": role}


def end(unit: Unit) -> None:
    """Ends the preview of this session; `unit` is the administrator's own."""
    ended = session.pop(PREVIEW, None)
    if ended is not None:
        if ended.get("kind") == USER:
            told = [str(ended["user"])] if "user" in ended else []
            note(unit, PREVIEW, object="user", record_ids=told, values={"begun": False})
        else:
            note(unit, PREVIEW, values={"role": ended.get("id"), "begun": False})


def demand_administrator(unit: Unit) -> None:
    """Raises NotAllowed for who may not administer."""
    if not unit.principal.may_administer:
        raise NotAllowed([Problem("", "administer_needed")])


def refuse_writes() -> Response | None:
    """Answers 403 to whatever would write while somebody sees with other eyes."""
    account: Account | None = g.get("account")
    if account is None or account.real is None or request.endpoint in LEAVING:
        return None
    if request.method in SAFE and request.endpoint not in WRITING_READS:
        return None
    return answer(Forbidden(), [Problem("", "preview_read_only")])
