"""Gives a user's manager."""

from __future__ import annotations

from collections.abc import Sequence

from rule_engine.backends.javascript.calls import with_environment
from rule_engine.core import Hop, Node, Path, Scope
from rule_engine.errors import Span
from rule_engine.functions import Function, Parameter, always_nullable, same_as_first
from rule_engine.types import Environment, Kind, Schema, Type


def _manager_of(environment: Environment, user: str) -> object:
    found = environment.related.record("user", user)
    return None if found is None else found.get("manager")


def _as_path(schema: Schema, arguments: Sequence[Node], span: Span) -> Node | None:
    """Gives `manager_of(owner)` as the path `owner.manager`."""
    (user,) = arguments
    users = schema.object("user")
    if users is None or "manager" not in users.fields or not isinstance(user, Path):
        return None
    if user.type.target != users.name:
        return None
    hops = (*user.hops, Hop(user.object, user.field, users.name))
    if user.scope is Scope.USER and user.field == "id" and not user.hops:
        hops = ()
    kind = Type(Kind.REFERENCE, target=users.name)
    return Path(kind, True, span, user.scope, hops, users.name, "manager")


FUNCTION = Function(
    name="manager_of",
    parameters=(Parameter("user", frozenset({Kind.REFERENCE})),),
    result=same_as_first,
    python=_manager_of,
    sql=None,
    javascript=with_environment("managerOf"),
    doc="Gives a user's manager: manager_of(owner) is owner.manager.",
    examples=(("manager_of(user) = user", "false"), ("manager_of(user) is empty", "true")),
    nullable=always_nullable,
    expand=_as_path,
)
