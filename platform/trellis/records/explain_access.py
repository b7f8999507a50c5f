"""Why somebody may or may not do something with a record: every role, scope, condition, share,
queue and lock that says so, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from metadata.access import ACTIONS, EVERYTHING, Access, FieldRight, Principal, Rows
from metadata.catalog import Translated
from metadata.holding import holding_columns
from metadata.objects import ObjectDefinition
from metadata.problems import Problem
from metadata.roles import ANY_FIELD, HANDED, Grant, Person, RoleDefinition, access_by, scope_rows
from metadata.shares import RECORD_SHARE, UPDATE, in_force
from trellis.automation.holds import Hold, hold_of
from trellis.errors import Missing, NotAllowed
from trellis.records.reach import definition_of
from trellis.records.read import read_record
from trellis.security.access import Account, held_roles, load_account
from trellis.security.standing import Standing
from trellis.unit import Unit

LOCKED = ("update", "delete", "assign")
"""What a lock keeps people from."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that grants something or does not. `source` is what says so: the name of a role,
    the id of a share or queue; `because` words it by `metadata.problems.sentence`."""

    grants: bool
    kind: str
    source: str
    because: Problem


@dataclass(frozen=True, slots=True)
class ActionAccess:
    """Whether an action is allowed on the record, and all that bears on it."""

    action: str
    allowed: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class FieldAccess:
    """What may be done with a field, and all that bears on it."""

    field: str
    right: FieldRight
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class AccessExplained:
    """What one user may do with one record."""

    user: str
    object: str
    record_id: str
    actions: tuple[ActionAccess, ...]
    fields: tuple[FieldAccess, ...]


def explain_access(
    unit: Unit, user_id: str | None, object_name: str, record_id: str
) -> AccessExplained:
    """Gives what a user may do with a record that the acting person sees, and why; without
    `user_id` what she herself may.

    Of others it is told to who administers, and to those above them. Fields and conditions that
    the acting person may not see are left out. Raises Missing, or NotAllowed.
    """
    definition = definition_of(unit, object_name)
    read_record(unit, object_name, record_id, ["id"])
    chosen = user_id or unit.user_id
    if chosen is None:
        raise NotAllowed([Problem("user", "access_of_nobody")])
    demand_view(unit, chosen)
    asked = Asked.about(unit, chosen, definition, record_id)
    return AccessExplained(
        user=chosen,
        object=object_name,
        record_id=record_id,
        actions=tuple(asked.action(action) for action in ("create", *ACTIONS)),
        fields=tuple(asked.fields()),
    )


def demand_view(unit: Unit, user_id: str) -> None:
    """Raises Missing for a user who is not to be seen, NotAllowed for one whose rights are not the
    acting person's business."""
    if user_id == unit.user_id:
        return
    if not unit.principal.access("user").exists or unit.records().get("user", user_id, []) is None:
        raise Missing([Problem("user", "unknown_reference", {"field": "user", "value": user_id})])
    if unit.principal.may_administer:
        return
    standing = Standing(unit.connection, unit.catalog, unit.moment.today)
    if unit.user_id is None or user_id not in standing.people_below(unit.user_id):
        raise NotAllowed([Problem("user", "access_of_others")])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one user and one record; `principal` is None for who is locked out."""

    unit: Unit
    definition: ObjectDefinition
    record: Mapping[str, object]
    principal: Principal | None
    person: Person
    roles: tuple[RoleDefinition, ...]
    excluded: tuple[str, ...]
    hold: Hold | None

    @classmethod
    def about(cls, unit: Unit, user_id: str, definition: ObjectDefinition, record_id: str) -> Asked:
        """Reads all that the answer takes."""
        known = unit.as_automation().records()
        record = known.get(definition.name, record_id) or {"id": record_id}
        user = known.get("user", user_id, ["account", "team"]) or {}
        account: Account | None = None
        if user.get("account") is not None:
            number = int(str(user["account"]))
            account = load_account(unit.connection, unit.catalog, number, unit.moment.today)
        team = user.get("team")
        standing = Standing(unit.connection, unit.catalog, unit.moment.today)
        names = sorted(account.principal.roles) if account else []
        roles = tuple(held_roles(unit.catalog, names))
        known_names = {role.name for role in roles}
        return cls(
            unit=unit,
            definition=definition,
            record=record,
            principal=account.principal if account else None,
            person=standing.person(user_id, str(team) if team else None, datetime.now(UTC)),
            roles=roles,
            excluded=tuple(
                name for name in names if name in unit.catalog.roles and name not in known_names
            ),
            hold=hold_of(unit, definition, record_id),
        )

    @property
    def access(self) -> Access:
        """Gives the user's rights on the object."""
        if self.principal is None:
            return Access(self.definition.name)
        return self.principal.access(self.definition.name)

    def action(self, action: str) -> ActionAccess:
        """Gives whether an action is allowed, and why."""
        allowed = self.access.create if action == "create" else self.reaches(action)
        reasons = [*self.general(), *self.by_roles(action)]
        if action in HANDED:
            reasons += [*self.by_shares(action), *self.by_queue(action)]
        if action not in ("create", "read") and not self.reaches("read"):
            reasons.append(Reason(False, "read", "", Problem("", "access_needs_read")))
        if action in LOCKED and self.hold is not None and self.hold.cause is not None:
            reasons.append(self.locked())
        return ActionAccess(action, allowed, tuple(reasons))

    def reaches(self, action: str) -> bool:
        """Says whether the user may do this with the record, as every door would."""
        if self.principal is None or not self.access.exists:
            return False
        records = replace(self.unit, principal=self.principal).records()
        return records.reaches(self.definition.name, str(self.record["id"]), action)

    def general(self) -> Iterator[Reason]:
        """Gives what bears on everything."""
        if self.principal is None:
            yield Reason(False, "account", self.person.id, Problem("", "access_inactive"))
        for name in self.excluded:
            role = self.unit.catalog.roles[name]
            yield reason(False, "role", role, "access_excluded")

    def by_roles(self, action: str) -> Iterator[Reason]:
        """Gives what each role says."""
        for role in self.roles:
            grant = role.grant(self.definition.name)
            if grant is None:
                yield reason(False, "role", role, "access_no_grant")
            elif not self.counts(grant):
                yield reason(False, "role", role, "access_grant_without_read")
            elif action == "create":
                code = "access_may_create" if grant.create else "access_may_not_create"
                yield reason(grant.create, "role", role, code)
            else:
                yield self.by_scope(role, grant, action)
                yield from self.by_conditions(role, grant, action)

    def counts(self, grant: Grant) -> bool:
        """Says whether a grant lets the user make or see any record."""
        access = access_by(grant, self.person, self.definition)
        return access.exists

    def by_scope(self, role: RoleDefinition, grant: Grant, action: str) -> Reason:
        """Gives what the scope of a grant says."""
        scope = grant.scopes.get(action, "none")
        granted = self.holds(scope_rows(scope, self.person, self.definition))
        code = f"access_scope_{scope}"
        if scope not in ("all", "none"):
            code = code if granted else f"{code}_not"
        return reason(granted, "scope", role, code)

    def by_conditions(self, role: RoleDefinition, grant: Grant, action: str) -> Iterator[Reason]:
        """Gives what the conditions of a grant say.

        Only administrators read their texts; one that looks at what the acting person may not see
        is left out, since whether it holds would tell of that.
        """
        administers = self.unit.principal.may_administer
        for share in grant.shares:
            if share.action != action or not (administers or self.is_open(share.condition)):
                continue
            granted = self.fulfils(share.condition)
            code = "access_condition" if granted else "access_condition_not"
            text = share.condition if administers else ""
            why = self.unit.catalog.rule_text(share.because) if share.because else text
            yield reason(granted, "condition", role, code, why=why)

    def is_open(self, condition: str) -> bool:
        """Says whether a condition looks only at what the acting person may see."""
        return not self.unit.records().check(self.definition.name, filter=condition)

    def holds(self, rows: Rows) -> bool:
        """Says whether the record is held by one of those that a scope lists."""
        held = (
            self.value_of(column) in getattr(rows, part)
            for column, part in holding_columns(self.definition)
        )
        return rows.all or any(held)

    def value_of(self, column: str) -> object:
        """Gives what the record has in a column that says whose it is."""
        fields = self.definition.fields.values()
        name = next((field.name for field in fields if field.column == column), column)
        return self.record.get(name)

    def fulfils(self, condition: str) -> bool:
        """Says whether the record fulfils a condition for this user, as the database sees it."""
        if self.principal is None:
            return False
        name = self.definition.name
        tried = Access(name, rows={"read": EVERYTHING, UPDATE: Rows(conditions=(condition,))})
        principal = replace(self.principal, grants={**self.principal.grants, name: tried})
        records = replace(self.unit, principal=principal).records()
        return records.reaches(name, str(self.record["id"]), UPDATE)

    def by_shares(self, action: str) -> Iterator[Reason]:
        """Gives what was shared by hand with the user or a team of hers."""
        share = RECORD_SHARE
        chosen = sa.select(share).where(
            share.c.object == self.definition.id,
            share.c.record_id == self.record["id"],
            share.c.grantee.in_(sorted({self.person.id, *self.person.teams})),
            in_force(share),
        )
        now = {"now": self.unit.moment.now}
        for row in self.unit.connection.execute(chosen, now).mappings().all():
            granted = self.access.may(action) and (action != UPDATE or row["level"] == UPDATE)
            code = f"access_share_{row['level']}" if granted else "access_share_not"
            by = self.name_of("user", row["by"])
            values = {"by": by, "until": row["until"] and row["until"].isoformat()}
            yield Reason(granted, "share", row["id"], Problem("", code, values))

    def by_queue(self, action: str) -> Iterator[Reason]:
        """Gives what the queue in which the record waits says."""
        queue_id = self.record.get("owner_queue")
        if queue_id is None or action != "read":
            return
        granted = queue_id in self.person.queues and self.access.may("read")
        code = "access_queue" if granted else "access_queue_not"
        values = {"queue": self.name_of("queue", str(queue_id))}
        yield Reason(granted, "queue", str(queue_id), Problem("", code, values))

    def name_of(self, object_name: str, record_id: str) -> str:
        """Gives a record's name, whoever may see it."""
        records = self.unit.as_automation().records()
        return records.names(object_name, [record_id]).get(record_id, record_id)

    def locked(self) -> Reason:
        """Gives the lock that holds the record."""
        cause = self.unit.catalog.rule_text((self.hold.cause if self.hold else None) or "")
        return Reason(False, "lock", "", Problem("", "access_locked", {"cause": cause}))

    def fields(self) -> Iterator[FieldAccess]:
        """Gives the fields that the acting person sees, with what the user may do with each."""
        seen = self.unit.principal.access(self.definition.name)
        for field in self.definition.own_fields:
            if seen.sees(field.name):
                right = self.access.right(field.name)
                reasons = [*self.general(), *self.field_reasons(field.name)]
                if not field.writable and right is FieldRight.EDIT:
                    why = Problem("", "access_field_filled")
                    reasons.append(Reason(False, "field", field.name, why))
                held = self.hold is not None and not self.hold.allows(field.name, self.person.id)
                if held:
                    reasons.append(self.locked())
                yield FieldAccess(field.name, right, tuple(reasons))

    def field_reasons(self, name: str) -> Iterator[Reason]:
        """Gives what each role says of a field."""
        for role in self.roles:
            grant = role.grant(self.definition.name)
            if grant is None or not self.counts(grant):
                continue
            right = access_by(grant, self.person, self.definition).right(name)
            named = name in grant.fields or ANY_FIELD in grant.fields
            code = f"access_field_{right}" if named else f"access_field_usual_{right}"
            yield reason(right is not FieldRight.HIDDEN, "field", role, code)


def reason(grants: bool, kind: str, role: RoleDefinition, code: str, **values: object) -> Reason:
    """Gives what a role says."""
    shown = {"role": Translated(role.labels), **values}
    return Reason(grants, kind, role.name, Problem("", code, shown))
