"""Where somebody stands today: teams, people below, territories, queues and shares.

What begins or ends on a day is kept with the dates `from` and `until`, the last day included;
without one it has always counted, or has no end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.query.tables import alive
from metadata.roles import Person
from metadata.shares import RECORD_SHARE, in_force

PERIODS: Final = "manager_period"
TEAM_MEMBERS: Final = "team_others"
TERRITORY_MEMBERS: Final = "territory_members"
QUEUE_MEMBERS: Final = "queue_members"
DATED: Final = (PERIODS, TEAM_MEMBERS, TERRITORY_MEMBERS, QUEUE_MEMBERS)
"""Objects whose records count from a day until a day. All but the first are links to people."""

MEMBER: Final = "linked_user"
LINE: Final = "line"

Columns = Mapping[str, sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Answers for one database on one day. What the definitions lack nobody has."""

    connection: sa.Connection
    catalog: Catalog
    today: date

    def person(self, user_id: str, team: str | None, now: datetime) -> Person:
        """Gives where a user stands; `team` is the one of her record."""
        teams = self.teams(user_id, team)
        territories = self.territories(user_id)
        return Person(
            id=user_id,
            teams=teams,
            subtree=self.people_below(user_id),
            territories=territories,
            neighbours=self.members(TERRITORY_MEMBERS, "territory", territories),
            queues=self.queues(user_id, teams),
            shares=self.shares({user_id, *teams}, now),
            team_names=self.team_names(teams),
        )

    def people_below(self, user_id: str) -> frozenset[str]:
        """Gives a user and everybody below in the tree of managers, dotted lines included."""
        lines = self.lines()
        users = self.catalog.tables["user"]
        first = sa.select(users.c.id).where(users.c.id == user_id)
        tree = first.cte("people_below", recursive=True)
        below = sa.select(lines.c.person).join(tree, lines.c.manager == tree.c.id)
        people = tree.union(below)  # each person once, so that a circle of managers ends
        return self._ids(sa.select(people.c.id))

    def lines(self) -> sa.Subquery:
        """Gives who is managed by whom today, and by which kind of line.

        The manager in a user's own record counts unless a period names another one of the line
        today, or names this very one at other times.
        """
        users = self.catalog.tables["user"]
        line = sa.literal(LINE).label("kind")
        own = sa.select(users.c.id.label("person"), users.c.manager.label("manager"), line)
        own = own.where(users.c.manager.is_not(None))
        period = self._columns(PERIODS)
        if not period:
            return own.subquery()
        of_line = sa.and_(period["person"] == users.c.id, period["kind"] == LINE)
        stands_above = sa.or_(self._counts(period), period["manager"] == users.c.manager)
        replaced = sa.exists().where(of_line, alive(self.catalog.tables[PERIODS]), stands_above)
        dated = sa.select(period["person"], period["manager"], period["kind"])
        dated = dated.where(*self._now(PERIODS))
        return sa.union_all(own.where(~replaced), dated).subquery()

    def reports(self, manager: str | None = None) -> Sequence[sa.Row[str, str, str]]:
        """Gives the active people whom somebody manages in the line today: name, user name and
        user name of the `manager`. None asks for those whose manager is gone."""
        lines, users = self.lines(), self.catalog.tables["user"]
        people, managers = users.alias(), users.alias()
        wanted = sa.not_(works_here(managers)) if manager is None else managers.c.id == manager
        statement = (
            sa.select(people.c.name, people.c.username, managers.c.username.label("manager"))
            .join_from(people, lines, lines.c.person == people.c.id)
            .join(managers, managers.c.id == lines.c.manager)
            .where(works_here(people), lines.c.kind == LINE, wanted)
            .order_by(managers.c.username, people.c.username)
        )
        return self.connection.execute(statement).all()

    def teams(self, user_id: str, team: str | None) -> frozenset[str]:
        """Gives the teams somebody belongs to, and those that she manages with all below."""
        teams = self.catalog.tables["team"]
        managed = sa.select(teams.c.id).where(teams.c.manager == user_id, alive(teams))
        found = {*self._memberships(TEAM_MEMBERS, "team", user_id), *self._below("team", managed)}
        return frozenset({*found, team} if team else found)

    def team_names(self, teams: Collection[str]) -> frozenset[str]:
        """Gives what teams are called, those that are gone left out."""
        table = self.catalog.tables["team"]
        chosen = sa.select(table.c.name).where(table.c.id.in_(sorted(teams)), alive(table))
        names = self.connection.scalars(chosen) if teams else ()
        return frozenset(name for name in names if name is not None)

    def territories(self, user_id: str) -> frozenset[str]:
        """Gives the territories somebody belongs to, and those below."""
        if "territory" not in self.catalog.tables:
            return frozenset()
        held = self._memberships(TERRITORY_MEMBERS, "territory", user_id)
        table = self.catalog.tables["territory"]
        return self._below("territory", sa.select(table.c.id).where(table.c.id.in_(held)))

    def queues(self, user_id: str, teams: Collection[str]) -> frozenset[str]:
        """Gives the queues from which somebody may take, herself or by one of her teams."""
        if "queue" not in self.catalog.tables:
            return frozenset()
        table = self.catalog.tables["queue"]
        of_teams = sa.select(table.c.id).where(table.c.team.in_(sorted(teams)), alive(table))
        held = self._memberships(QUEUE_MEMBERS, "queue", user_id)
        return self._ids(of_teams) | held

    def members(self, link: str, of: str, ids: Collection[str]) -> frozenset[str]:
        """Gives the users whom links connect with one of the records `ids` of an object."""
        columns = self._columns(link)
        if not columns or not ids:
            return frozenset()
        chosen = sa.select(columns[MEMBER]).where(columns[of].in_(sorted(ids)), *self._now(link))
        return self._ids(chosen)

    def shares(self, grantees: Collection[str], now: datetime) -> Mapping[str, frozenset[str]]:
        """Gives through whom records are shared, by the id of their object."""
        share = RECORD_SHARE
        chosen = (
            sa.select(share.c.object, share.c.grantee)
            .where(share.c.grantee.in_(sorted(grantees)), in_force(share))
            .distinct()
        )
        found: dict[str, frozenset[str]] = {}
        for object_id, grantee in self.connection.execute(chosen, {"now": now}):
            found[object_id] = found.get(object_id, frozenset()) | {grantee}
        return found

    def next_change(self) -> date | None:
        """Gives the next day on which something begins or has ended; None for never."""
        questions = [self._turns(name) for name in DATED if name in self.catalog.objects]
        if not questions:
            return None
        rows = self.connection.execute(sa.union_all(*questions)).all()
        begins = [day for day, _ in rows if day is not None]
        ends = [day + timedelta(days=1) for _, day in rows if day is not None]
        return min((*begins, *ends), default=None)

    def _turns(self, name: str) -> sa.Select[Any]:
        """Gives the next first day and the next last day of an object's records."""
        columns, table = self._columns(name), self.catalog.tables[name]
        begins, ends = columns["from"], columns["until"]
        first = sa.select(sa.func.min(begins)).where(begins > self.today, alive(table))
        last = sa.select(sa.func.min(ends)).where(ends >= self.today, alive(table))
        return sa.select(first.scalar_subquery(), last.scalar_subquery())

    def _below(self, name: str, first: sa.Select[Any]) -> frozenset[str]:
        """Gives records of an object with a `parent`, and all below them."""
        table = self.catalog.tables[name]
        tree = first.cte(f"{name}_below", recursive=True)
        child = table.alias()
        below = sa.select(child.c.id).join(tree, child.c.parent == tree.c.id).where(alive(child))
        return self._ids(sa.select(tree.union(below).c.id))

    def _memberships(self, link: str, of: str, user_id: str) -> frozenset[str]:
        columns = self._columns(link)
        if not columns:
            return frozenset()
        target = self.catalog.tables[of]
        chosen = sa.select(target.c.id).join(self.catalog.tables[link], columns[of] == target.c.id)
        return self._ids(chosen.where(columns[MEMBER] == user_id, alive(target), *self._now(link)))

    def _columns(self, name: str) -> Columns:
        """Gives the columns of an object by field; none when there is no such object."""
        definition = self.catalog.objects.get(name)
        if definition is None:
            return {}
        table = self.catalog.tables[name]
        return {field.name: table.c[field.column] for field in definition.own_fields}

    def _now(self, name: str) -> tuple[sa.ColumnElement[bool], ...]:
        return alive(self.catalog.tables[name]), self._counts(self._columns(name))

    def _counts(self, columns: Columns) -> sa.ColumnElement[bool]:
        begins, ends = columns["from"], columns["until"]
        return sa.and_(
            sa.or_(begins.is_(None), begins <= self.today),
            sa.or_(ends.is_(None), ends >= self.today),
        )

    def _ids(self, statement: sa.Select[Any]) -> frozenset[str]:
        return frozenset(self.connection.execute(statement).scalars())


def works_here(users: sa.FromClause) -> sa.ColumnElement[bool]:
    """Gives the condition of somebody who may log in and is not deleted."""
    return sa.and_(users.c.active.is_(True), users.c.deleted_at.is_(None))
