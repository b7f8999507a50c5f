"""Who is who: the people behind a role, a team, a user name or a relation, as rules name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.query.tables import alive
from rule_engine.services.people import nearest_above
from rule_engine.types import NO_MEMBERSHIPS, Absence, Memberships
from trellis.security.absences import absences_on
from trellis.security.access import held_roles, roles_of
from trellis.security.standing import (
    LINE,
    QUEUE_MEMBERS,
    TEAM_MEMBERS,
    Standing,
    works_here,
)
from trellis.security.tables import (
    ab_group_role,
    ab_role,
    ab_user_group,
    ab_user_role,
)


@dataclass(frozen=True, slots=True)
class UserDirectory:
    """The directory of one transaction; implements `rule_engine.types.Directory`."""

    connection: sa.Connection
    catalog: Catalog
    today: date
    _away: list[Mapping[str, Absence]] = field(default_factory=list, compare=False, repr=False)

    def resolve(self, kind: str, name: str, scope: object | None = None) -> Sequence[str]:
        """Gives the ids of active users, by user name; nobody for what does not exist.

        A role is known by its API name or title, a team or queue by its name or id, a user by
        user name or id. `scope` narrows to a region or to a team's id.
        """
        conditions = {
            "role": self.has_role,
            "team": self.is_member,
            "user": self.is_named,
            "queue": self.takes_from,
        }
        if kind not in conditions:
            raise ValueError(f"no kind of people {kind!r}; there are: {', '.join(conditions)}")
        users = self.catalog.tables["user"]
        statement = sa.select(users.c.id).where(works_here(users), conditions[kind](name))
        if scope is not None:
            place = str(scope)
            statement = statement.where(sa.or_(users.c.region == place, users.c.team == place))
        return list(self.connection.execute(statement.order_by(users.c.username)).scalars())

    def relation(self, kind: str, user: str) -> Sequence[str]:
        """Gives the active people who stand in a relation to a user: the `manager`.

        The manager is the one of the line today; over one who is gone it climbs to the next.
        """
        if kind != "manager":
            raise ValueError(f"no relation {kind!r}; there is: manager")
        return nearest_above(user, self.above)

    def above(self, user: str) -> Mapping[str, bool]:
        """Gives who stands directly above a user in the line today, and whether they work here."""
        users, lines = self.catalog.tables["user"], self.standing.lines()
        statement = (
            sa.select(users.c.id, works_here(users))
            .join(lines, lines.c.manager == users.c.id)
            .where(lines.c.person == user, lines.c.kind == LINE)
            .order_by(users.c.username)
        )
        return {manager: works for manager, works in self.connection.execute(statement)}

    def memberships(self, user: str) -> Memberships:
        """Gives what a user belongs to today, as her own account knows it; nothing without one."""
        users = self.catalog.tables["user"]
        chosen = sa.select(users.c.account, users.c.team).where(users.c.id == user)
        found = self.connection.execute(chosen.where(works_here(users))).one_or_none()
        if found is None or found.account is None:
            return NO_MEMBERSHIPS
        held = held_roles(self.catalog, roles_of(self.connection, int(found.account)))
        teams = self.standing.team_names(self.standing.teams(user, found.team))
        return Memberships(frozenset(role.name for role in held), teams)

    def absence(self, user: str) -> Absence | None:
        """Gives a user's absence of today."""
        return self.absences().get(user)

    def absences(self) -> Mapping[str, Absence]:
        """Gives who is away today: asked for once, then remembered."""
        if not self._away:
            self._away.append(absences_on(self.connection, self.catalog, self.today))
        return self._away[0]

    def has_role(self, name: str) -> sa.ColumnElement[bool]:
        """Gives the condition of holding a role, directly or by a group."""
        role = sa.select(ab_role.c.id).where(ab_role.c.name == self.role_name(name))
        of_groups = (
            sa.select(ab_user_group.c.user_id)
            .join(ab_group_role, ab_group_role.c.group_id == ab_user_group.c.group_id)
            .where(ab_group_role.c.role_id.in_(role))
        )
        own = sa.select(ab_user_role.c.user_id).where(ab_user_role.c.role_id.in_(role))
        return self.catalog.tables["user"].c.account.in_(own.union(of_groups))

    def role_name(self, name: str) -> str:
        """Gives the API name of a role that is named by API name or by title in any language."""
        if name in self.catalog.roles:
            return name
        titled = [role.name for role in self.catalog.roles.values() if name in role.labels.values()]
        return titled[0] if len(titled) == 1 else name

    def is_member(self, name: str) -> sa.ColumnElement[bool]:
        """Gives the condition of belonging to a team."""
        teams, users = self.catalog.tables["team"], self.catalog.tables["user"]
        found = self._named(teams, name)
        further = self.standing.members(TEAM_MEMBERS, "team", found)
        return sa.or_(users.c.team.in_(found), users.c.id.in_(further))

    def takes_from(self, name: str) -> sa.ColumnElement[bool]:
        """Gives the condition of being a member of a queue, or of its team."""
        queues, users = self.catalog.tables.get("queue"), self.catalog.tables["user"]
        if queues is None:
            return sa.false()
        found = self._named(queues, name)
        members = self.standing.members(QUEUE_MEMBERS, "queue", found)
        teams = sa.select(queues.c.team).where(queues.c.id.in_(found), queues.c.team.is_not(None))
        of_teams = (self.is_member(team) for team in self.connection.scalars(teams).all())
        return sa.or_(users.c.id.in_(members), *of_teams)

    @property
    def standing(self) -> Standing:
        """Gives who belongs where today."""
        return Standing(self.connection, self.catalog, self.today)

    def _named(self, table: sa.Table, name: str) -> Sequence[str]:
        wanted = sa.or_(table.c.name == name, table.c.id == name)
        return self.connection.scalars(sa.select(table.c.id).where(wanted, alive(table))).all()

    def is_named(self, name: str) -> sa.ColumnElement[bool]:
        """Gives the condition of being one user."""
        users = self.catalog.tables["user"]
        return sa.or_(users.c.username == name, users.c.id == name)
